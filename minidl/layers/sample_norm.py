"""What the norms over each sample alone have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_dtype, check_float, check_sizes
from minidl.initializers import ones, zeros
from minidl.kernels.linear import sum_rows
from minidl.kernels.normalization import (
    group_sums,
    normalize,
    normalize_backward,
    place_sums,
    scale_and_shift,
)
from minidl.layers.layer import Layer
from minidl.parameters import Parameter
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class SampleNorm(Layer):
    """A norm that takes mean and variance over groups of a sample's numbers."""

    dtype: np.dtype[Any]

    def _prepare(self, shape: tuple[int, ...], groups: int, eps: float, dtype: npt.DTypeLike) -> None:
        """Make what all of them have: a weight and a bias of this shape, for channels in so many groups."""
        self.eps = check_float(self.label, "eps", eps, above=0)
        self.dtype = check_dtype(self.label, dtype)
        self._channels, self._groups = math.prod(shape), groups
        self.weight, self.bias = Parameter(shape, ones, dtype=dtype), Parameter(shape, zeros, dtype=dtype)

    @abstractmethod
    def _require_fit(self, shape: tuple[object, ...]) -> None:
        """Raise `ShapeError` for a batch of another shape than the layer takes."""

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        shape = check_sizes(self.label, "sample_shape", sample_shape)
        self._require_fit(("batch", *shape))
        return shape

    def _normalized(self, x: Array, places: int, *, training: bool) -> Array:
        """`x` as channels of so many places each, normalized, scaled and shifted."""
        numbers = self._channels * places
        samples = math.prod(x.shape) // max(numbers, 1)
        # Mean and variance belong to the rows of the one view, weight and bias to the channels of the other.
        rows = 1, samples * self._groups, numbers // self._groups
        channels = samples, self._channels, places
        normal, y = (
            self.buffer(name, x.shape, self.dtype) if training else np.empty(x.shape, self.dtype)
            for name in ("normal", "y")
        )
        _, _, inverse_deviation = normalize(x.reshape(rows), self.eps, normal.reshape(rows))
        weight, bias = self.weight.value.reshape(-1), self.bias.value.reshape(-1)
        scale_and_shift(normal.reshape(channels), weight, bias, y.reshape(channels))
        if training:
            self.remember(normal, inverse_deviation, rows, channels)
        return y

    def backward(self, dy: Array) -> Array:
        """``dx = (d - mean(d) - normal * mean(d * normal)) / deviation``, where ``d = dy * weight``."""
        normal, inverse_deviation, rows, channels = self.recall()
        sums, products = self._assign_gradients(dy, normal, channels)
        weight = self.weight.value.reshape(-1)
        dx = self.buffer("dx", normal.shape, self.dtype)
        scale_and_shift(dy.reshape(channels), weight, None, dx.reshape(channels))
        normalize_backward(
            dx.reshape(rows),
            normal.reshape(rows),
            inverse_deviation,
            group_sums(sums, weight, self._groups),
            group_sums(products, weight, self._groups),
            dx.reshape(rows),
        )
        return dx

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = sum(dy * normal)`` and ``bias.grad = sum(dy)``, over all that they apply to."""
        normal, _, _, channels = self.recall()
        self._assign_gradients(dy, normal, channels)

    def _assign_gradients(self, dy: Array, normal: Array, channels: tuple[int, ...]) -> tuple[Array, Array]:
        """Assign the parameters' gradients; each sample's part in them, of shape (N, C)."""
        self.check_batch("dy", dy, normal.shape[1:], batch=len(normal))
        dy, normal = dy.reshape(channels), normal.reshape(channels)
        sums = place_sums(dy, None, self.buffer("sums", channels[:2], self.dtype))
        products = place_sums(dy, normal, self.buffer("products", channels[:2], self.dtype))
        sum_rows(sums, self.bias.grad.reshape(-1))
        sum_rows(products, self.weight.grad.reshape(-1))
        return sums, products
