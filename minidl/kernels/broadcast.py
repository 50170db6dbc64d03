"""An operation of one row with each row of an array, such as the addition of a bias.

Definition: ``ufunc(y, row)``.
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.way import compiled
from minidl.types import Array

_LONG_NUMBERS = (1 << 12) + 1
"""Numbers of a row from which NumPy uses it where it lies. Shorter rows it first copies into a buffer of
8,192 numbers, some at a time, and the whole takes 1.6 times as long."""


def long_rows(row: Array) -> Array:
    """`row` (...) so many times over that it is long, as an array (count, size).

    A number, which is an array without dimensions, is returned as it is.
    """
    if row.ndim == 0:
        return row
    repeated = np.empty((-(-_LONG_NUMBERS // max(row.size, 1)), row.size), row.dtype)
    repeated[...] = row.reshape(-1)
    return repeated


def apply_to_rows(ufunc: np.ufunc, y: Array, rows: Array) -> Array:
    """``ufunc(y, row)``, in place.

    Parameters
    ----------
    ufunc : numpy.ufunc
        Of two arguments, such as ``np.add``.
    y : ndarray of shape (samples, ...)
        Contiguous.
    rows : ndarray
        What `long_rows` made of the row, of one sample's shape, or of a number.
    """
    if rows.ndim == 0:
        return ufunc(y, rows, y)  # type: ignore[no-any-return]
    whole = len(y) - len(y) % len(rows)
    if whole:
        many = y[:whole].reshape(-1, rows.size)
        ufunc(many, rows.reshape(-1), out=many)
    if whole < len(y):
        rest = y[whole:].reshape(len(y) - whole, -1)
        ufunc(rest, rows[0], out=rest)
    return y


@compiled
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
        np.copyto(out, x)
        apply_to_rows(np.subtract, out, mean)
    else:
        # Wider numbers are subtracted in their own precision.
        row = mean[0].reshape(x.shape[1:]) if mean.ndim else mean
        np.subtract(x, row, out=out, casting="same_kind")
    return apply_to_rows(np.multiply, out, inverse_scale)


def standardize_definition(x: Array, mean: Array, inverse_scale: Array) -> Array:
    """What `standardize` computes from a mean and an inverse scale of one number, or of a sample's shape."""
    return (x - mean) * inverse_scale
