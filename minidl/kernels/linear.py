"""Products with a weight, and what is added and summed over their rows."""

from __future__ import annotations

import numpy as np

from minidl.kernels.broadcast import apply_to_rows, long_rows
from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_add, _copy, _dot = np.add, np.copyto, np.dot

_REPEATING_PAYS_NUMBERS = 1 << 14
"""Numbers of a result beyond which it is faster to repeat the bias before it is added."""


def affine(x: Array, weight: Array, bias: Array, work: Array | None = None) -> Array:
    """``x @ weight + bias``, of shape (N, out_features).

    Parameters
    ----------
    x : ndarray of shape (N, in_features)
    weight : ndarray of shape (in_features, out_features)
    bias : ndarray of shape (out_features,)
    work : ndarray of shape (2, N, out_features), optional
        Contiguous, for a call that allocates nothing: the result is its first half.

    Raises
    ------
    ValueError
        The shapes do not fit, or `work` has another dtype than the product.
    """
    # np.dot is np.matmul for two dimensions, and takes half the time to get to the BLAS.
    y: Array
    if work is not None:
        y, rows = work[0], work[1]  # to unpack an array takes five times as long
        # A row added to each row, NumPy would first copy some times over, into memory that it allocates.
        _copy(rows, bias)
        _add(_dot(x, weight, y), rows, y)
        return y
    y = x.dot(weight)  # for a sparse matrix np.dot would make an array of objects
    if y.size > _REPEATING_PAYS_NUMBERS:
        return apply_to_rows(np.add, y, long_rows(bias))
    y += bias
    return y


def affine_definition(x: Array, weight: Array, bias: Array) -> Array:
    """What `affine` computes."""
    product: Array = x @ weight
    return product + bias


def sum_rows(rows: Array, out: Array) -> None:
    """The sum over axis 0 of `rows` (N, features), into `out` (features,)."""
    # The BLAS adds in several partial sums, which is faster than NumPy's row after row and, in float32,
    # more accurate.
    _dot(CONSTANTS["ones", len(rows), rows.dtype], rows, out)


def sum_rows_definition(rows: Array) -> Array:
    """What `sum_rows` computes."""
    total: Array = rows.sum(axis=0)
    return total
