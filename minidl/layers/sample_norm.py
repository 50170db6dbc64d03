"""What the norms over each sample alone have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_dtype, check_float, check_sizes
from minidl.initializers import ones, zeros
from minidl.kernels.normalization import group_norm, group_norm_backward
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
        samples = math.prod(x.shape) // max(self._channels * places, 1)
        numbers = x.reshape(samples, self._channels, places)
        y: Array = self.buffer("y", x.shape, self.dtype) if training else np.empty(x.shape, self.dtype)
        weight, bias = self.weight.value.reshape(-1), self.bias.value.reshape(-1)
        statistics = group_norm(numbers, weight, bias, self.eps, self._groups, y.reshape(numbers.shape))
        if training:
            self.remember(x.shape, numbers, statistics)
        return y

    def backward(self, dy: Array) -> Array:
        """``dx = (d - mean(d) - normal * mean(d * normal)) / deviation``, where ``d = dy * weight``."""
        shape, numbers, _ = remembered = self.recall()
        work: Array = self.buffer("work", (2, *numbers.shape), self.dtype)
        self._backward(dy, work, *remembered)
        dx: Array = work[0].reshape(shape)
        return dx

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = sum(dy * normal)`` and ``bias.grad = sum(dy)``, over all that they apply to."""
        self._backward(dy, None, *self.recall())

    def _backward(
        self, dy: Array, work: Array | None, shape: tuple[int, ...], x: Array, statistics: Array
    ) -> None:
        self.check_batch("dy", dy, shape[1:], batch=shape[0])
        weight, gradients = self.weight.value.reshape(-1), (self.weight.grad, self.bias.grad)
        by_weight, by_bias = (gradient.reshape(-1) for gradient in gradients)
        dy = dy.reshape(x.shape)
        group_norm_backward(dy, x, statistics, weight, self._groups, by_weight, by_bias, work)
