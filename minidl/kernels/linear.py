"""Products with a weight, and what is added and summed over their rows."""

from __future__ import annotations

import numpy as np

from minidl.kernels.activations import relu
from minidl.kernels.constants import CONSTANTS
from minidl.kernels.way import compiled
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_add, _dot = np.add, np.dot


@compiled
def affine(x: Array, weight: Array, bias: Array, out: Array | None = None) -> Array:
    """``x @ weight + bias``, of shape (N, out_features), in `out` or an array of its own.

    Parameters
    ----------
    x : ndarray of shape (N, in_features)
        Or a sparse matrix of minidl's own.
    weight : ndarray of shape (in_features, out_features)
    bias : ndarray of shape (out_features,)
    out : ndarray of shape (N, out_features), optional
        Contiguous.

    Raises
    ------
    ValueError
        The shapes do not fit, or `out` has another dtype than the product.
    """
    if out is None:
        # Under some of the BLAS's kernels infinite numbers raise a warning, where NaN says enough.
        with np.errstate(invalid="ignore"):
            out = x.dot(weight)  # of a sparse matrix np.dot would make an array of objects
    else:
        _dot(x, weight, out)  # np.matmul for two dimensions, and takes half the time to get to the BLAS
    return _add(out, bias, out)


def affine_definition(x: Array, weight: Array, bias: Array) -> Array:
    """What `affine` computes."""
    product: Array = x @ weight
    return product + bias


@compiled
def affine_relu(x: Array, weight: Array, bias: Array, out: Array | None = None) -> Array:
    """``max(x @ weight + bias, 0)``; see `affine`. NaN stays NaN."""
    y = affine(x, weight, bias, out)
    return relu(y, y)


def affine_relu_definition(x: Array, weight: Array, bias: Array) -> Array:
    """What `affine_relu` computes."""
    return np.maximum(affine_definition(x, weight, bias), 0)


@compiled
def weight_gradient(x: Array, dy: Array, out: Array) -> None:
    """``x.T @ dy``, in `out` (in_features, out_features), from (N, in_features) and (N, out_features)."""
    _dot(x.T, dy, out)


def weight_gradient_definition(x: Array, dy: Array) -> Array:
    """What `weight_gradient` computes."""
    return x.T @ dy


@compiled
def input_gradient(dy: Array, weight: Array, out: Array) -> Array:
    """``dy @ weight.T``, in `out` (N, in_features)."""
    return _dot(dy, weight.T, out)


def input_gradient_definition(dy: Array, weight: Array) -> Array:
    """What `input_gradient` computes."""
    return dy @ weight.T


@compiled
def sum_rows(rows: Array, out: Array) -> None:
    """The sum over axis 0 of `rows` (N, features), into `out` (features,)."""
    # The BLAS adds in several partial sums, which is faster than NumPy's row after row and, in float32,
    # more accurate.
    _dot(CONSTANTS["ones", len(rows), rows.dtype], rows, out)


def sum_rows_definition(rows: Array) -> Array:
    """What `sum_rows` computes."""
    total: Array = rows.sum(axis=0)
    return total
