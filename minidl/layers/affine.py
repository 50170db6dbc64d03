"""The affine (fully connected, dense, linear) layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_dtype, check_int
from minidl.initializers import he_normal, zeros
from minidl.kernels.linear import affine, input_gradient, sum_rows, weight_gradient
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

    accepts_sparse = True
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
        self.initializer, self.sample_shape = initializer, (self.in_features,)
        shape = (self.in_features, self.out_features)
        self.weight = Parameter(shape, initializer, rng=rng, dtype=dtype, regularized=True)
        self.bias = Parameter((self.out_features,), zeros, dtype=dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, in_features) -> (batch, out_features)``."""
        try:
            # In a copied net an equal dtype may be another object.
            if x.dtype is not self.dtype:
                self.check_batch("x", x, (self.in_features,))
            if not training:
                if x.ndim != 2:
                    self.check_batch("x", x, (self.in_features,))
                return affine(x, self.weight.value, self.bias.value)
            # The product itself refuses other sizes, since they do not fit into the buffer.
            y = self.buffer("y", (len(x), self.out_features), self.dtype)
            affine(x, self.weight.value, self.bias.value, y)
        except Exception as error:
            self._refuse(error, "x", x, (self.in_features,))
        self.remember(x)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(out_features,)``."""
        self.check_sample(sample_shape)
        return (self.out_features,)

    def backward(self, dy: Array) -> Array:
        """``dx = dy @ weight.T``, of shape (batch, in_features), and what `backward_parameters` does."""
        (x,) = self.recall()
        self._assign_gradients(x, dy)
        return input_gradient(dy, self.weight.value, self.buffer("dx", x.shape, self.dtype))

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = x.T @ dy`` and ``bias.grad = dy.sum(axis=0)``."""
        (x,) = self.recall()
        self._assign_gradients(x, dy)

    def _assign_gradients(self, x: Array, dy: Array) -> None:
        try:
            if dy.dtype is not self.dtype:
                self.check_batch("dy", dy, (self.out_features,), batch=len(x))
            if not self.weight.frozen:
                weight_gradient(x, dy, self.weight.grad)
            if not self.bias.frozen:
                sum_rows(dy, self.bias.grad)
        except Exception as error:
            self._refuse(error, "dy", dy, (self.out_features,), batch=len(x))
