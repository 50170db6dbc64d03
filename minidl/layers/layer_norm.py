"""Normalization over each sample alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_int, check_shape
from minidl.errors import ConfigurationError, ShapeError
from minidl.layers.sample_norm import SampleNorm
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class LayerNorm(SampleNorm):
    """``y = (x - mean) / sqrt(var + eps) * weight + bias``, with mean and variance over the last axes of `x`.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes of `x`, such as ``64`` for samples (64,) or (time, 64).
    eps : float > 0
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameter of `normalized_shape`
        At first 1 and 0; no penalty covers them.

    Notes
    -----
    Source: Ba, Kiros, Hinton (2016), "Layer Normalization", arXiv:1607.06450.

    Examples
    --------
    >>> LayerNorm(2).forward(np.array([[1, 3]], np.float32), training=False).round(2).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        *,
        eps: float = 1e-5,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        shape = check_shape(self.label, "normalized_shape", normalized_shape)
        if not math.prod(shape) or not shape:
            expected = "normalized_shape to be whole numbers >= 1"
            self.fail(ConfigurationError, expected, shape, "such as 64 or (8, 8)")
        self.normalized_shape = shape
        self._prepare(shape, 1, eps, dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, ..., *normalized_shape)``, and the same shape."""
        self.check_batch("x", x)
        self._require_fit(x.shape)
        return self._normalized(x, 1, training=training)

    def _require_fit(self, shape: tuple[object, ...]) -> None:
        if shape[1:][-len(self.normalized_shape) :] != self.normalized_shape:
            wanted = ", ".join(map(str, self.normalized_shape))
            self.fail(ShapeError, f"x of shape (batch, ..., {wanted})", str(shape).replace("'", ""))


class GroupNorm(SampleNorm):
    """As `LayerNorm`, with mean and variance over the numbers of each group of a sample's channels.

    Parameters
    ----------
    num_groups : int
        Neighbouring channels form a group; it divides `num_channels`.
    num_channels : int
        C, in samples of shape (C, ...).
    eps : float > 0
    dtype : float32 or float64

    Attributes
    ----------
    weight, bias : Parameter of shape (C,)
        At first 1 and 0; no penalty covers them.

    Notes
    -----
    Source: Wu, He (2018), "Group Normalization", arXiv:1803.08494.
    """

    def __init__(
        self, num_groups: int, num_channels: int, *, eps: float = 1e-5, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.num_groups = check_int(self.label, "num_groups", num_groups, at_least=1)
        self.num_channels = check_int(self.label, "num_channels", num_channels, at_least=1)
        if self.num_channels % self.num_groups:
            expected = f"num_groups to divide the {self.num_channels} channels"
            self.fail(ConfigurationError, expected, self.num_groups)
        self._prepare((self.num_channels,), self.num_groups, eps, dtype)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, C, ...)``, and the same shape."""
        self.check_batch("x", x)
        self._require_fit(x.shape)
        return self._normalized(x, math.prod(x.shape[2:]), training=training)

    def _require_fit(self, shape: tuple[object, ...]) -> None:
        if shape[1:2] != (self.num_channels,):
            wanted = f"x of shape (batch, {self.num_channels}, ...)"
            self.fail(ShapeError, wanted, str(shape).replace("'", ""))
