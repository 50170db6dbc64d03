"""Smooth activations: functions of each number alone, together with their derivatives.

Each kernel reads `x`, writes ``f(x)`` to `y` and, where `slope` is not None, ``f'(x)`` to `slope`: the two
share most of the work. The three are contiguous, of one shape and float dtype, and do not overlap. NumPy
computes in `work`, a block at a time: it has shape (2, BLOCK) or, for fewer numbers, is shorter; None lets it
take memory of its own.
"""

from __future__ import annotations

import math

import numpy as np

from minidl.kernels.blocks import blockwise, zeros
from minidl.kernels.special import normal, normal_definition
from minidl.kernels.way import compiled
from minidl.types import Array

_CUBE = 0.044715  # of x, in Hendrycks and Gimpel's approximation
_TANH_SCALE = math.sqrt(2 / math.pi)


@compiled
@blockwise
def leaky_relu(x: Array, y: Array, slope: Array | None, work: Array, negative_slope: float) -> None:
    """``x`` where it is positive, ``negative_slope * x`` elsewhere."""
    found, positive = work[1] if slope is None else slope, work[0]
    np.greater(x, zeros(x), out=positive)
    np.subtract(1, positive, out=found)
    found *= negative_slope
    found += positive
    np.multiply(x, found, out=y)


def leaky_relu_definition(x: Array, negative_slope: float) -> tuple[Array, Array]:
    """What `leaky_relu` computes."""
    return np.where(x > 0, x, negative_slope * x), np.where(x > 0, 1, negative_slope)


@compiled
@blockwise
def elu(x: Array, y: Array, slope: Array | None, work: Array, alpha: float) -> None:
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    below, other = work
    np.minimum(x, zeros(x), out=below)
    # exp(x) - 1 = tanh(x / 2) (exp(x) + 1), which does not cancel. NumPy's expm1 is several times slower.
    np.multiply(below, 0.5, out=y)
    np.tanh(y, out=y)
    y *= alpha
    np.exp(below, out=below)
    if slope is not None:
        np.multiply(below, alpha, out=slope)
        slope *= np.less_equal(x, zeros(x), out=other)
        slope += np.greater(x, zeros(x), out=other)
    below += 1
    y *= below
    y += np.maximum(x, zeros(x), out=below)


def elu_definition(x: Array, alpha: float) -> tuple[Array, Array]:
    """What `elu` computes."""
    below = np.minimum(x, 0)
    return np.where(x > 0, x, alpha * np.expm1(below)), np.where(x > 0, 1, alpha * np.exp(below))


def _sigmoid(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """``1 / (1 + exp(-x))``."""
    decay = np.abs(x, out=work[0])
    np.negative(decay, out=decay)
    np.exp(decay, out=decay)  # of -|x|: it cannot overflow
    # The fraction is 1 / (1 + exp(-x)) for a positive x, exp(x) / (exp(x) + 1) for a negative one.
    np.greater_equal(x, zeros(x), out=y)
    np.maximum(y, decay, out=y)
    decay += 1
    y /= decay
    if slope is not None:
        np.subtract(1, y, out=slope)
        slope *= y


@compiled
@blockwise
def sigmoid(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """``1 / (1 + exp(-x))``."""
    _sigmoid(x, y, slope, work)


def sigmoid_definition(x: Array) -> tuple[Array, Array]:
    """What `sigmoid` computes, but for overflow."""
    y = 1 / (1 + np.exp(-x))
    return y, y * (1 - y)


@compiled
@blockwise
def tanh(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """The hyperbolic tangent."""
    np.tanh(x, out=y)
    if slope is not None:
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)


def tanh_definition(x: Array) -> tuple[Array, Array]:
    """What `tanh` computes."""
    return np.tanh(x), 1 - np.tanh(x) ** 2


@compiled
@blockwise
def silu(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """``x * sigmoid(x)``."""
    gate = work[1]
    _sigmoid(x, gate, None, work)
    np.multiply(x, gate, out=y)
    if slope is not None:
        np.subtract(1, gate, out=slope)
        slope *= y
        slope += gate


def silu_definition(x: Array) -> tuple[Array, Array]:
    """What `silu` computes, but for overflow."""
    gate = sigmoid_definition(x)[0]
    return x * gate, gate + x * gate * (1 - gate)


@compiled
@blockwise
def gelu(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """``x * gate``, with the standard normal distribution's ``(1 + erf(x / sqrt(2))) / 2`` as the gate."""
    gate, other = work
    normal(x, gate, y if slope is None else slope, other)
    np.multiply(x, gate, out=y)
    if slope is not None:  # which holds the density, the gate's derivative
        slope *= x
        slope += gate


def gelu_definition(x: Array) -> tuple[Array, Array]:
    """What `gelu` computes."""
    gate, density = normal_definition(x)
    return x * gate, gate + x * density


@compiled
@blockwise
def gelu_tanh(x: Array, y: Array, slope: Array | None, work: Array) -> None:
    """``x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2``."""
    gate, square = work
    np.multiply(x, x, out=square)
    np.multiply(square, _CUBE * _TANH_SCALE, out=gate)
    gate += _TANH_SCALE
    gate *= x
    np.tanh(gate, out=gate)
    if slope is not None:
        # x / 2 times the derivative of the tanh's argument, times (1 - tanh²); then the gate itself.
        square *= 1.5 * _CUBE * _TANH_SCALE
        square += 0.5 * _TANH_SCALE
        square *= x
        np.multiply(gate, gate, out=slope)
        np.subtract(1, slope, out=slope)
        slope *= square
    gate += 1
    gate *= 0.5
    np.multiply(x, gate, out=y)
    if slope is not None:
        slope += gate


def gelu_tanh_definition(x: Array) -> tuple[Array, Array]:
    """What `gelu_tanh` computes."""
    tanh = np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return x * (1 + tanh) / 2, (1 + tanh) / 2 + x / 2 * (1 - tanh**2) * inner


@compiled
@blockwise
def softplus(x: Array, y: Array, slope: Array | None, work: Array, beta: float, threshold: float) -> None:
    """``log(1 + exp(beta * x)) / beta``; `x` itself where ``beta * x > threshold``."""
    decay, other = work
    np.multiply(x, beta, out=y)
    np.abs(y, out=decay)
    np.negative(decay, out=decay)
    np.exp(decay, out=decay)  # of -|beta x|: it cannot overflow
    decay *= np.less_equal(y, threshold, out=other)  # where it is 0, what follows gives x and a slope of 1
    if slope is not None:
        np.greater_equal(y, zeros(x), out=slope)
        np.maximum(slope, decay, out=slope)
    # log(1 + d), plus what rounding took from 1 + d, in the logarithm a part of 1 + d. NumPy's log1p is
    # several times slower.
    np.add(decay, 1, out=y)
    np.subtract(y, 1, out=other)
    other -= decay
    other /= y
    if slope is not None:
        slope /= y
    np.log(y, out=y)
    y -= other
    # That is for a negative x; for a positive one, x is added.
    np.multiply(x, beta, out=other)
    y += np.maximum(other, zeros(x), out=other)
    y /= beta


def softplus_definition(x: Array, beta: float, threshold: float) -> tuple[Array, Array]:
    """What `softplus` computes."""
    beyond = beta * x > threshold
    y = np.logaddexp(0, beta * x) / beta
    return np.where(beyond, x, y), np.where(beyond, 1, np.exp(beta * x - np.logaddexp(0, beta * x)))
