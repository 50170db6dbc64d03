"""Normalization over the batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_dtype, check_float, check_int, check_sizes
from minidl.errors import ShapeError
from minidl.initializers import ones, zeros
from minidl.kernels.normalization import (
    batch_norm,
    batch_norm_backward,
    batch_norm_inference,
    move_statistics,
)
from minidl.layers.layer import Layer
from minidl.parameters import Parameter, State
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class _BatchNorm(Layer):
    """What the batch norms of all dimensions have in common: channels stand on axis 1."""

    dtype: np.dtype[Any]
    running_states = "running_mean", "running_var"  # made anew for an average of parameters
    _shapes: dict[int, str]  # what a batch may look like, by its number of dimensions

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        self.num_features = check_int(self.label, "num_features", num_features, at_least=1)
        self.eps = check_float(self.label, "eps", eps, above=0)
        self.momentum = check_float(self.label, "momentum", momentum, at_least=0, at_most=1)
        self.dtype = check_dtype(self.label, dtype)
        shape = (self.num_features,)
        self.weight, self.bias = Parameter(shape, ones, dtype=dtype), Parameter(shape, zeros, dtype=dtype)
        self.running_mean, self.running_var = (
            State(shape, zeros, dtype=dtype),
            State(shape, ones, dtype=dtype),
        )

    def forward(self, x: Array, *, training: bool) -> Array:
        """The normalized batch, of the shape of `x`.

        `ShapeError` for another shape, and in training for one number a channel, which has no variance.
        """
        self.check_batch("x", x)
        self._require_fit(x.shape)
        numbers = x.reshape(len(x), self.num_features, math.prod(x.shape[2:]))
        weight, bias = self.weight.value, self.bias.value
        mean, variance = self.running_mean.value, self.running_var.value
        if not training:
            return batch_norm_inference(numbers, mean, variance, weight, bias, self.eps).reshape(x.shape)
        count = len(x) * numbers.shape[2]
        if count < 2:
            remedy = "train with larger batches, none of which may be of one sample"
            self.fail(ShapeError, "more than one number for each channel in training", x.shape, remedy)
        y: Array = self.buffer("y", numbers.shape, self.dtype)
        statistics = batch_norm(numbers, weight, bias, self.eps, y)
        # Of a batch whose loss is not finite, nothing is kept.
        move_statistics(mean, variance, statistics, self.momentum, count / (count - 1))
        self.remember(x.shape, numbers, statistics)
        return y.reshape(x.shape)

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        shape = check_sizes(self.label, "sample_shape", sample_shape)
        self._require_fit(("batch", *shape))
        return shape

    def _require_fit(self, shape: tuple[object, ...]) -> None:
        if len(shape) not in self._shapes or shape[1] != self.num_features:
            shapes = " or ".join(wanted.format(self.num_features) for wanted in self._shapes.values())
            self.fail(ShapeError, f"x of shape {shapes}", str(shape).replace("'", ""))

    def backward(self, dy: Array) -> Array:
        """``dx = weight / deviation * (dy - mean(dy) - normal * mean(dy * normal))``, of the shape of `x`."""
        shape, numbers, _ = remembered = self.recall()
        dx: Array = self.buffer("dx", numbers.shape, self.dtype)
        self._backward(dy, dx, *remembered)
        return dx.reshape(shape)

    def backward_parameters(self, dy: Array) -> None:
        """``weight.grad = sum(dy * normal)`` and ``bias.grad = sum(dy)``, for each channel."""
        self._backward(dy, None, *self.recall())

    def _backward(
        self, dy: Array, dx: Array | None, shape: tuple[int, ...], x: Array, statistics: Array
    ) -> None:
        self.check_batch("dy", dy, shape[1:], batch=shape[0])
        weight, bias = self.weight, self.bias
        batch_norm_backward(dy.reshape(x.shape), x, statistics, weight.value, weight.grad, bias.grad, dx)


class BatchNorm1d(_BatchNorm):
    """``y = (x - mean) / sqrt(var + eps) * weight + bias``, with a mean and variance for each channel.

    For features (N, C) and for sequences (N, C, L). A training forward takes mean and variance over the
    batch (and the L places), the variance divided by their number. It moves the running statistics by
    ``running += momentum * (batch's - running)``, the variance divided by one less, as in PyTorch.
    Inference uses the running statistics, so that a sample does not depend on the others of its batch.

    Parameters
    ----------
    num_features : int
        C, the channels.
    eps : float > 0
    momentum : float in [0, 1]
        The share of a batch in the running statistics.
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameter of shape (C,)
        At first 1 and 0; no penalty covers them.
    running_mean, running_var : State of shape (C,)
        At first 0 and 1. A batch that is not finite leaves them as they are.

    Notes
    -----
    Source: Ioffe, Szegedy (2015), "Batch Normalization", arXiv:1502.03167.

    Examples
    --------
    >>> layer = BatchNorm1d(2)
    >>> layer.forward(np.array([[1, 5], [3, 9]], np.float32), training=True).round(2).tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    >>> print(layer.running_mean.value)
    [0.2 0.7]
    """

    _shapes = {2: "(batch, {})", 3: "(batch, {}, length)"}  # noqa: RUF012 - read only


class BatchNorm2d(_BatchNorm):
    """`BatchNorm1d` for images (N, C, H, W), with mean and variance over the batch, rows and columns."""

    _shapes = {4: "(batch, {}, height, width)"}  # noqa: RUF012 - read only
