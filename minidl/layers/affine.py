"""The affine (fully connected, dense, linear) layer."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_dtype, check_int
from minidl.initializers import he_normal, zeros
from minidl.kernels.broadcast import apply_to_rows, long_rows
from minidl.layers.layer import Layer
from minidl.parameters import Parameter
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


class Affine(Layer):
    """``y = x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
    rng : Generator, seed or None
        Draws the weight; the bias starts at 0.
    dtype : float32 or float64
    initializer : callable ``(rng, shape, dtype) -> array``
        Of the weight; `he_normal` suits a ReLU behind it.

    Attributes
    ----------
    weight : Parameter of shape (in_features, out_features)
    bias : Parameter of shape (out_features,)

    Examples
    --------
    >>> layer = Affine(3, 2, rng=0)
    >>> layer.forward(np.ones((5, 3), np.float32), training=False).shape
    (5, 2)
    """

    dtype: np.dtype[Any]

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        initializer: Initializer = he_normal,
    ) -> None:
        self.in_features = check_int(self.label, "in_features", in_features, at_least=1)
        self.out_features = check_int(self.label, "out_features", out_features, at_least=1)
        self.dtype = check_dtype(self.label, dtype)
        self._x_shape = (self.in_features,)
        shape = (self.in_features, self.out_features)
        self.weight = Parameter(shape, initializer, rng=rng, dtype=dtype, regularized=True)
        self.bias = Parameter((self.out_features,), zeros, dtype=dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, in_features) -> (batch, out_features)``."""
        try:
            if x.shape[1:] != self._x_shape or x.dtype is not self.dtype:
                self.check_batch("x", x, self._x_shape)  # in a copied net an equal dtype is another object
        except Exception as error:
            self._refuse(error, "x", x, self._x_shape)
        # np.dot is np.matmul for two dimensions, and takes half the time to get to the BLAS.
        if not training:
            return _add_to_rows(np.dot(x, self.weight.value), self.bias.value)
        self.remember(x)
        shape = (len(x), self.out_features)
        y = np.dot(x, self.weight.value, self.buffer("y", shape, self.dtype))
        # Spread over the rows first: adding a row to each row, NumPy would do so in an array that
        # it allocates at every step, no faster.
        bias = self.buffer("bias", shape, self.dtype)
        np.copyto(bias, self.bias.value)
        return np.add(y, bias, y)

    def backward(self, dy: Array) -> Array:
        """``(batch, out_features) -> (batch, in_features)``."""
        self.backward_parameters(dy)
        return np.dot(dy, self.weight.value.T, self.buffer("dx", (len(dy), self.in_features), self.dtype))

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = x.T @ dy`` and ``bias.grad = dy.sum(axis=0)``."""
        (x,) = self.recall()
        try:
            if dy.shape != (len(x), self.out_features) or dy.dtype is not self.dtype:
                self.check_batch("dy", dy, (self.out_features,), batch=len(x))
            np.dot(x.T, dy, self.weight.grad)
            # As a product with ones: the BLAS adds in several partial sums, which is faster than
            # NumPy's row after row and, in float32, more accurate.
            np.dot(_ones(len(dy), self.dtype), dy, self.bias.grad)
        except Exception as error:
            self._refuse(error, "dy", dy, (self.out_features,), batch=len(x))


@lru_cache(maxsize=32)
def _ones(count: int, dtype: np.dtype[Any]) -> Array:
    ones = np.ones(count, dtype)
    ones.flags.writeable = False
    return ones


_FEW = 1 << 14  # numbers for which to repeat the row does not pay


def _add_to_rows(y: Array, row: Array) -> Array:
    """`y` (rows, features) with `row` added to each of its rows, in place."""
    if y.size > _FEW:
        return apply_to_rows(np.add, y, long_rows(row))
    y += row
    return y
