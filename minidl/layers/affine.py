"""The affine (fully connected, dense, linear) layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.errors import check_int
from minidl.initializers import Array, Initializer, Rng, he_normal, zeros
from minidl.layers.layer import Layer
from minidl.parameters import Parameter


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
        self.dtype = np.dtype(dtype)
        shape = (self.in_features, self.out_features)
        self.weight = Parameter(shape, initializer, rng=rng, dtype=dtype, decay=True)
        self.bias = Parameter((self.out_features,), zeros, dtype=dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, in_features) -> (batch, out_features)``."""
        self.check_batch("x", x, (self.in_features,))
        if not training:
            y: Array = np.matmul(x, self.weight.value)
            y += self.bias.value
            return y
        self.remember(x)
        shape = (len(x), self.out_features)
        y = np.matmul(x, self.weight.value, out=self.buffer("y", shape, self.dtype))
        # Spread over the rows first: adding a row to each row, NumPy would do so in an array that
        # it allocates at every step, no faster.
        bias = self.buffer("bias", shape, self.dtype)
        np.copyto(bias, self.bias.value)
        y += bias
        return y

    def backward(self, dy: Array) -> Array:
        """``(batch, out_features) -> (batch, in_features)``."""
        self.backward_parameters(dy)
        dx = self.buffer("dx", (len(dy), self.in_features), self.dtype)
        return np.matmul(dy, self.weight.value.T, out=dx)

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = x.T @ dy`` and ``bias.grad = dy.sum(axis=0)``."""
        (x,) = self.recall()
        self.check_batch("dy", dy, (self.out_features,), batch=len(x))
        np.matmul(x.T, dy, out=self.weight.grad)
        # As a product with ones: the BLAS adds in several partial sums, which is faster than
        # NumPy's row after row and, in float32, more accurate.
        ones = self.buffer("ones", (len(dy),), self.dtype)
        ones.fill(1)
        np.matmul(ones, dy, out=self.bias.grad)
