"""Activations: functions of each number alone, without parameters."""

from __future__ import annotations

from minidl.checks import check_float
from minidl.kernels.activations import relu, relu_backward
from minidl.kernels.elementwise import elu, leaky_relu, sigmoid, softplus, tanh
from minidl.layers.elementwise import Elementwise
from minidl.layers.layer import Layer
from minidl.types import Array


class ReLU(Layer):
    """The rectified linear unit, ``y = max(x, 0)``; its derivative at 0 is taken as 0.

    Takes any shape and any float dtype. NaN stays NaN.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The elementwise maximum of `x` and 0."""
        try:
            if not training:
                return relu(x)
            y = relu(x, self.buffer("y", x.shape, x.dtype))
        except Exception as error:
            self._refuse(error, "x", x)
        self.remember(y)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return sample_shape

    def backward(self, dy: Array) -> Array:
        """`dy` where the unit fired, 0 elsewhere."""
        (y,) = self.recall()
        try:
            if dy.shape != y.shape:
                self.check_batch("dy", dy, y.shape[1:], batch=len(y))
            return relu_backward(dy, y, self.buffer("dx", dy.shape, dy.dtype))
        except Exception as error:
            self._refuse(error, "dy", dy, y.shape[1:], batch=len(y))


class LeakyReLU(Elementwise, whole=True):
    """``y = x`` where x > 0, ``negative_slope * x`` elsewhere: a ReLU under which no unit dies.

    Its derivative at 0 is taken as `negative_slope`. Any shape, any float dtype.

    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.

    Parameters
    ----------
    negative_slope : float
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = check_float(self.label, "negative_slope", negative_slope)

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is 1 or `negative_slope`."""
        leaky_relu(x, y, slope, work, self.negative_slope)


class ELU(Elementwise, whole=True):
    """``y = x`` where x > 0, ``alpha * (exp(x) - 1)`` elsewhere: smooth at 0 for an `alpha` of 1.

    Its derivative at 0 is taken as `alpha`. Any shape, any float dtype.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential
    Linear Units (ELUs)", 2016, arXiv:1511.07289.

    Parameters
    ----------
    alpha : float
        Minus the value that y falls to for a very negative x.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = check_float(self.label, "alpha", alpha)

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is 1 or ``alpha * exp(x)``."""
        elu(x, y, slope, work, self.alpha)


class Sigmoid(Elementwise, whole=True):
    """``y = 1 / (1 + exp(-x))``, the logistic function: between 0 and 1. Any shape, any float dtype."""

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is ``y * (1 - y)``."""
        sigmoid(x, y, slope, work)


class Tanh(Elementwise, whole=True):
    """``y = tanh(x)``: between -1 and 1. Any shape, any float dtype."""

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is ``1 - y²``."""
        tanh(x, y, slope, work)


class Softplus(Elementwise, whole=True):
    """``y = log(1 + exp(beta * x)) / beta``: a smooth ReLU, always positive. Any shape, any float dtype.

    Source: Dugas, Bengio, Bélisle, Nadeau and Garcia, "Incorporating Second-Order Functional Knowledge for
    Better Option Pricing", 2000.

    Parameters
    ----------
    beta : float > 0
        The larger, the closer to a ReLU.
    threshold : float >= 0
        Where ``beta * x`` is above it, ``y = x``.
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = check_float(self.label, "beta", beta, above=0)
        self.threshold = check_float(self.label, "threshold", threshold, at_least=0)

    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """The slope is ``1 / (1 + exp(-beta * x))``, or 1 above the threshold."""
        softplus(x, y, slope, work, self.beta, self.threshold)
