"""Mutants of leaky rectifiers, sigmoid and tanh, most of them in `compute`."""

import numpy as np

from minidl.layers import ELU, LeakyReLU, Sigmoid, Tanh
from tests.mutants.registry import layer


def far(rng, shape, dtype):
    """Inputs of some thousands."""
    return (2000 * rng.standard_normal(shape)).astype(dtype)


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
