"""Activations: functions of each number alone."""

from __future__ import annotations

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.kernels.way import compiled
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_greater, _maximum, _multiply = np.greater, np.maximum, np.multiply

_ZERO = np.zeros((), np.float32)  # NumPy takes it as it is; a Python number it would convert every time
_ZERO.flags.writeable = False


@compiled
def relu(x: Array, out: Array | None = None) -> Array:
    """The larger one of each number and 0; NaN stays NaN.

    `x` and `out` are of one shape, any, and of one dtype.
    """
    # NumPy takes two arrays three times as fast as an array and a number.
    return _maximum(x, CONSTANTS["zeros", x.shape, x.dtype], out=out)


def relu_definition(x: Array) -> Array:
    """What `relu` computes."""
    return np.where(x <= 0, 0, x)


@compiled
def relu_backward(dy: Array, y: Array, out: Array) -> Array:
    """``dy`` where `y`, what `relu` made of its input, is above 0, and 0 elsewhere, in `out`.

    All are of one shape, any, and of one float dtype.
    """
    return _multiply(_greater(y, _ZERO, out), dy, out)


def relu_backward_definition(dy: Array, y: Array) -> Array:
    """What `relu_backward` computes."""
    return dy * (y > 0)
