"""Layers that bring their input to a common scale."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minidl.checks import check_array, check_bool, check_dtype
from minidl.errors import DataError, ShapeError
from minidl.kernels.broadcast import long_rows, standardize
from minidl.kernels.rows import row_blocks
from minidl.layers.layer import Layer
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

_BLOCK_ROWS = 128
"""Samples that `Standardize.fit` reads at once: few enough for their float64 copies to stay in the cache."""


class Standardize(Layer):
    """``y = (x - mean) / scale`` with constants fixed at construction; the net's first layer.

    It takes raw input of any real dtype, pixels as uint8 too, so that a data set stays small in
    memory and a saved net is complete.

    Parameters
    ----------
    mean, scale : float or array of one sample's shape
        Finite; every scale above 0.
    dtype : float32 or float64
        Of the output.
    """

    accepts = "real"
    dtype: np.dtype[Any]

    def __init__(
        self, mean: npt.ArrayLike, scale: npt.ArrayLike, *, dtype: npt.DTypeLike = np.float32
    ) -> None:
        self.dtype = check_dtype(self.label, dtype)
        mean = check_array(self.label, "mean", mean, dtype_error=DataError)
        scale = check_array(self.label, "scale", scale, dtype_error=DataError)
        with np.errstate(divide="ignore", over="ignore"):
            means = np.array(mean, self.dtype)
            self._scale = np.array(scale, np.float64)
            inverse_scales = np.asarray(1 / self._scale, self.dtype)
        if not (np.isfinite(means).all() and np.isfinite(inverse_scales).all()):
            self.fail(DataError, "finite means and scales other than 0", "NaN, an infinity or a scale of 0")
        if not (inverse_scales > 0).all():
            self.fail(DataError, "every scale above 0", f"a scale of {np.min(scale)}")
        self._shape = means.shape or inverse_scales.shape
        self.sample_shape = self._shape or None
        if inverse_scales.shape not in ((), self._shape):
            self.fail(ShapeError, f"scale of shape {self._shape}", inverse_scales.shape)
        self._means, self._inverse_scales = long_rows(means), long_rows(inverse_scales)

    @classmethod
    def fit(
        cls, features: npt.ArrayLike, *, shared_scale: bool = False, dtype: npt.DTypeLike = np.float32
    ) -> Self:
        """The layer that gives these `features` mean 0 and standard deviation 1.

        Parameters
        ----------
        features : array of shape (samples, ...)
            Of any real dtype; read in blocks, so a memory-mapped array is welcome.
        shared_scale : bool
            One scale for all features, as suits the pixels of images: their scales are alike, and
            a pixel that hardly ever varies is not blown up. Else each feature has its own, and a
            constant feature the scale 1.
        """
        features = check_array("Standardize.fit", "features", features, dtype_error=DataError)
        if features.ndim == 0 or len(features) == 0:
            expected = "features of shape (samples, ...)"
            raise DataError.expected("Standardize.fit", expected, features.shape)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the constants
            mean = sum(block.sum(axis=0, dtype=np.float64) for block in _blocks(features)) / len(features)
            # A second pass about the mean: sums of squares about 0 would cancel.
            squares = sum(np.square(block - mean).sum(axis=0) for block in _blocks(features)) / len(features)
        # A constant's mean may be a rounding off, and dividing by that would blow it up.
        rounding = len(features) * np.finfo(np.float64).eps * np.abs(mean)
        if check_bool("Standardize.fit", "shared_scale", shared_scale):
            squares, rounding = np.mean(squares), np.mean(rounding)
        scale = np.sqrt(squares)
        return cls(mean, np.where(scale > rounding, scale, 1.0), dtype=dtype)

    @property
    def mean(self) -> Array:
        """What is subtracted: a number or an array of one sample's shape; read-only."""
        return self._constant(self._means)

    @property
    def inverse_scale(self) -> Array:
        """What is multiplied by: a number or an array of one sample's shape; read-only."""
        return self._constant(self._inverse_scales)

    @property
    def scale(self) -> Array:
        """The scale as it was given, in float64: a number or an array of one sample's shape; read-only."""
        return _read_only(self._scale)

    def _constant(self, rows: Array) -> Array:
        return _read_only(rows[0].reshape(self._shape) if rows.ndim else rows)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, ...) -> (batch, ...)``; `x` of any real dtype."""
        try:
            if not x.ndim or (self._shape and x.shape[1:] != self._shape):
                self.check_batch("x", x, self._shape or None)
            y: Array = self.buffer("y", x.shape, self.dtype) if training else np.empty(x.shape, self.dtype)
            standardize(x, self._means, self._inverse_scales, y)
        except Exception as error:
            self._refuse(error, "x", x, self._shape or None)
        if training:
            self.remember(x.shape)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        self.check_sample(sample_shape)
        return sample_shape

    def backward(self, dy: Array) -> Array:
        """``dy / scale``."""
        (shape,) = self.recall()
        self.check_batch("dy", dy, shape[1:], batch=shape[0])
        dx: Array = np.multiply(dy, self.inverse_scale, out=self.buffer("dx", shape, self.dtype))
        return dx


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _blocks(features: Array) -> Iterator[Array]:
    for _, block in row_blocks(features, _BLOCK_ROWS):
        for start in range(0, len(block), _BLOCK_ROWS):
            yield block[start : start + _BLOCK_ROWS]
