"""Mutants of the smooth activations, most of them in `compute`."""

import math

import numpy as np
import scipy.special

from minidl.layers import ELU, GELU, LeakyReLU, Sigmoid, SiLU, Softplus, Tanh
from tests.mutants.registry import layer


def far(rng, shape, dtype):
    """Inputs of some thousands."""
    return (2000 * rng.standard_normal(shape)).astype(dtype)


def near_threshold(rng, shape, dtype):
    """Inputs around a threshold of 2."""
    return (2 + 2 * rng.standard_normal(shape)).astype(dtype)


# ------------------------------------------------------------------- rectifiers that leak


@layer("the slope is that of the other side", "input_gradient")
class SlopesSwapped(LeakyReLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = np.where(x > 0, self.negative_slope, 1)


@layer("the negative side's slope is 0 in backward", "input_gradient")
class ForgottenSlope(LeakyReLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = x > 0


@layer("divides by the slope in backward", "input_gradient")
class DividesByTheSlope(LeakyReLU):
    def backward(self, dy):
        (slope,) = self.recall()
        return dy / slope


@layer("the negative side's slope is fixed at construction, and config() is not", "config")
class FixedSlope(LeakyReLU):
    def __init__(self, negative_slope=0.01):
        self._slope = negative_slope

    @property
    def negative_slope(self):
        return self._slope * 1.5


@layer("where() on x > 0 makes NaN the slope times 0", "nan_comes_through")
class LeakyNanToZero(LeakyReLU):
    def compute(self, x, y, slope, work):
        super().compute(np.where(x == x, x, 0), y, slope, work)


@layer("a random slope in training (RReLU) without a generator of its own", "reproducible")
class RandomSlope(LeakyReLU):
    def compute(self, x, y, slope, work):
        if slope is not None:
            self.negative_slope = np.random.default_rng().uniform(0.1, 0.3)
        super().compute(x, y, slope, work)


@layer("the derivative of the exponential part is alpha (exp(x) - 1)", "input_gradient")
class OutputForDerivative(ELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = np.where(x > 0, 1, y)


@layer("alpha is left out of the derivative", "input_gradient", args=(0.5,))
class ForgottenAlpha(ELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = np.exp(np.minimum(x, 0))


@layer("both sides are computed and where() chooses: the other one overflows to infinity times 0", "finite",
       make_input=far)  # fmt: skip
class EluOverflows(ELU):
    def compute(self, x, y, slope, work):
        y[...] = (x > 0) * x + (x <= 0) * np.expm1(x)
        if slope is not None:
            slope[...] = (x > 0) + (x <= 0) * np.exp(x)


@layer("alpha applies in training alone", "inference_is_training", args=(0.5,))
class AlphaInTraining(ELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is None:
            y[...] = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


# ------------------------------------------------------------------- what saturates


@layer("the derivative is taken of the input, not of the output", "input_gradient")
class DerivativeOfInput(Sigmoid):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = x * (1 - x)


@layer("the derivative is y, without 1 - y", "input_gradient")
class ForgottenComplement(Sigmoid):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = y


@layer("exp(x) / (1 + exp(x)) is infinity over infinity", "finite", make_input=far)
class SigmoidOverflows(Sigmoid):
    def compute(self, x, y, slope, work):
        y[...] = np.exp(x) / (1 + np.exp(x))
        if slope is not None:
            slope[...] = y * (1 - y)


@layer("the derivative of what was rounded to a hard sigmoid", "input_gradient")
class HardSlope(Sigmoid):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = np.clip(0.25 + 0 * x, 0, 1)


@layer("an inference in float32 halves", "precision", "inference_is_training")
class HalvedInference(Sigmoid):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is None:
            y[...] = y.astype(np.float32)


@layer("1 - y, not 1 - y squared", "input_gradient")
class ForgottenSquare(Tanh):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = 1 - y


@layer("1 + y squared, a sign lost", "input_gradient")
class LostSign(Tanh):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = 1 + y * y


@layer("backward multiplies by y, which the slope's place has become", "input_gradient")
class RemembersOutput(Tanh):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(y.copy())
        return y


@layer("the slope lives in the array that was lent as y", "lent_until_next_forward")
class SlopeInOutput(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        return np.multiply(dy, slope, out=self.buffer("y", slope.shape, slope.dtype))


@layer("the slope of the last batch of that size is kept", "latest_forward", "batch_sizes", "repeatable",
       "rows_alone")  # fmt: skip
class KeepsTheFirstSlope(Tanh):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            held = self.__dict__.setdefault("held", {})
            self.remember(held.setdefault(x.shape, self._remembered[0].copy()).copy())
        return y


@layer("only the first block of a batch is computed", "rows_alone")
class FirstBlockAlone(Tanh):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        y[9:] = 0
        if slope is not None:
            slope[9:] = 0


# ------------------------------------------------------------------- gates


@layer("a constant rounded to five digits in backward", "input_gradient", args=("tanh",))
class RoundedConstant(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            t = np.tanh(0.79788 * (x + 0.044715 * x**3))
            slope[...] = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.79788 * (1 + 0.134145 * x * x)


@layer("forgets the factor 3 of the cube's derivative", "input_gradient", args=("tanh",))
class ForgottenThree(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            factor = math.sqrt(2 / math.pi)
            t = np.tanh(factor * (x + 0.044715 * x**3))
            slope[...] = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * factor * (1 + 0.044715 * x * x)


@layer("the density is left out of the derivative", "input_gradient")
class ForgottenDensity(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = scipy.special.ndtr(x)


@layer("the density without its factor x", "input_gradient")
class DensityWithoutX(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = scipy.special.ndtr(x) + np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@layer("exact forward, the approximation's derivative", "input_gradient")
class ApproximateBackward(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            GELU("tanh").compute(x, y.copy(), slope, work)


@layer("exact in training, approximate in inference", "inference_is_training")
class ApproximateInference(GELU):
    def compute(self, x, y, slope, work):
        (super() if slope is not None else GELU("tanh")).compute(x, y, slope, work)


@layer("erf of x, not of x over the root of 2, in backward", "input_gradient")
class ForgottenRoot(GELU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            gate = (1 + scipy.special.erf(x)) / 2
            slope[...] = gate + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@layer("x and its gate are multiplied, only the gate's share is differentiated", "input_gradient")
class GateAlone(SiLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            gate = scipy.special.expit(x)
            slope[...] = x * gate * (1 - gate)


@layer("the gate is taken for a constant", "input_gradient")
class ConstantGate(SiLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = scipy.special.expit(x)


@layer("the gate where y should stand", "input_gradient")
class GateForOutput(SiLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            gate = scipy.special.expit(x)
            slope[...] = gate + gate * (1 - gate)


@layer("x / (1 + exp(-x)) by exp(x) is infinity over infinity", "finite", make_input=far)
class SiluOverflows(SiLU):
    def compute(self, x, y, slope, work):
        gate = np.exp(x) / (1 + np.exp(x))
        y[...] = x * gate
        if slope is not None:
            slope[...] = gate + y * (1 - gate)


@layer("the slope keeps y's rounding to float32", "precision", "input_gradient")
class SiluInFloat32(SiLU):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = slope.astype(np.float32)


# ------------------------------------------------------------------- softplus


@layer("log(1 + exp(x)) overflows", "finite", make_input=far)
class SoftplusOverflows(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        y[...] = np.log(1 + np.exp(x))


@layer("the division by beta is forgotten in backward", "input_gradient", args=(2.0,))
class SlopeTimesBeta(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope *= self.beta


@layer("the slope is the sigmoid of x, not of beta x", "input_gradient", args=(2.0,))
class SigmoidOfX(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = scipy.special.expit(x)


@layer("above the threshold the output is x and the slope the sigmoid", "input_gradient", args=(1.0, 2.0),
       make_input=near_threshold)  # fmt: skip
class ThresholdInForwardAlone(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is not None:
            slope[...] = scipy.special.expit(x)


@layer("the threshold is compared with x in inference, with beta x in training", "inference_is_training",
       args=(3.0, 2.0), make_input=near_threshold)  # fmt: skip
class ThresholdOfX(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        if slope is None:
            y[...] = np.where(x > self.threshold, x, np.log1p(np.exp(self.beta * x)) / self.beta)


@layer("nan is above no threshold and becomes 0", "nan_comes_through")
class SoftplusOfNan(Softplus):
    def compute(self, x, y, slope, work):
        super().compute(x, y, slope, work)
        y[...] = np.where(y >= 0, y, 0)
