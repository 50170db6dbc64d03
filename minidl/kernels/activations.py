"""Activations: functions of each number alone."""

from __future__ import annotations

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_copy, _maximum, _multiply = np.copyto, np.maximum, np.multiply

ZERO = np.zeros((), np.float32)
"""To compare with: NumPy takes it as it is; a Python number it would convert every time."""
ZERO.flags.writeable = False


def relu(x: Array, out: Array | None = None) -> Array:
    """The larger one of each number and 0; NaN stays NaN.

    `x` and `out` are of one shape, any, and of one dtype.
    """
    # NumPy takes two arrays three times as fast as an array and a number.
    return _maximum(x, CONSTANTS["zeros", x.shape, x.dtype], out=out)


def relu_definition(x: Array) -> Array:
    """What `relu` computes."""
    return np.where(x <= 0, 0, x)


def relu_backward(dy: Array, fires: Array, out: Array) -> Array:
    """``dy * fires``, in `out`.

    Parameters
    ----------
    dy, out : ndarray of any one shape and dtype
    fires : ndarray of bool
        Of the same shape: where the unit's input was above 0.
    """
    # Converted first, then multiplied: NumPy takes a product of two dtypes through memory that it allocates.
    _copy(out, fires)
    return _multiply(out, dy, out)


def relu_backward_definition(dy: Array, fires: Array) -> Array:
    """What `relu_backward` computes."""
    return dy * fires
