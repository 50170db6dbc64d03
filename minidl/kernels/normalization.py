"""Input brought to a common scale."""

from __future__ import annotations

import numpy as np

from minidl.kernels.broadcast import apply_to_rows
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_copy, _multiply, _subtract = np.copyto, np.multiply, np.subtract


def standardize(x: Array, mean: Array, inverse_scale: Array, out: Array) -> Array:
    """``(x - mean) * inverse_scale`` in `out`, for `x` of any real dtype.

    Parameters
    ----------
    x : ndarray of shape (N, ...)
    mean, inverse_scale : ndarray
        What `long_rows` made of one number, or of one for each of a sample; of the dtype of `out`.
    out : ndarray of shape (N, ...)
        Contiguous, of a float dtype.
    """
    if x.dtype.itemsize < out.dtype.itemsize:
        # Converting first is the fastest way for small integers, and as exact.
        _copy(out, x)
        apply_to_rows(_subtract, out, mean)
    else:
        # Wider numbers are subtracted in their own precision.
        row = mean[0].reshape(x.shape[1:]) if mean.ndim else mean
        _subtract(x, row, out=out, casting="same_kind")
    return apply_to_rows(_multiply, out, inverse_scale)


def standardize_definition(x: Array, mean: Array, inverse_scale: Array) -> Array:
    """What `standardize` computes from a mean and an inverse scale of one number, or of a sample's shape."""
    return (x - mean) * inverse_scale
