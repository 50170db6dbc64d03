"""Mutants of GELU, SiLU and softplus, most of them in `compute`."""

import math

import numpy as np
import scipy.special

from minidl.layers import GELU, SiLU, Softplus
from tests.mutants.rectifiers import far
from tests.mutants.registry import layer


def near_threshold(rng, shape, dtype):
    """Inputs around a threshold of 2."""
    return (2 + 2 * rng.standard_normal(shape)).astype(dtype)


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
