"""Pooling: images become smaller, each of their windows one number."""

from __future__ import annotations

from minidl.errors import ConfigurationError
from minidl.kernels.pooling import (
    max_pool,
    max_pool_backward,
    mean_pixels,
    mean_pixels_backward,
    mean_pool,
    mean_pool_backward,
)
from minidl.kernels.windows import fresh
from minidl.layers.sliding import Sizes, Sliding
from minidl.types import Array


class _Pool(Sliding):
    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        self._slide(kernel_size, kernel_size if stride is None else stride, padding)
        if any(2 * pad > size for pad, size in zip(self._windows.padding, self._windows.kernel, strict=True)):
            expected = "padding of at most half of kernel_size"
            self.fail(ConfigurationError, expected, f"{self.padding} for {self.kernel_size}")


class MaxPool2d(_Pool):
    """The largest number of each window; NaN where one of them is NaN.

    Shapes are (batch, channels, height, width). The gradient of a window goes to the first one of its
    largest numbers. Padding is never the largest. The same as PyTorch's.

    Parameters
    ----------
    kernel_size : int or (high, wide)
    stride : int or (down, right), or None
        From a window to the next; None for `kernel_size`, so that they do not overlap.
    padding : int or (down, right)
        At each side; at most half of `kernel_size`.

    Examples
    --------
    >>> import numpy as np
    >>> MaxPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4), training=False)[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, channels, height, width) -> (batch, channels, high, wide)``."""
        images = self._as_images(x)
        work = self.buffer if training else fresh
        y = work("y", (*x.shape[:2], *self._outputs(x.shape[2:])), x.dtype)
        if training:
            self.remember(images, y)
        return max_pool(images, self._windows, y)

    def backward(self, dy: Array) -> Array:
        """Each window's gradient where its largest number stood, 0 elsewhere."""
        x, y = self.recall()
        dx = self.buffer("dx", x.shape, x.dtype)
        return max_pool_backward(x, y, self._upstream(dy, y.shape), self._windows, dx, self.buffer)


class AvgPool2d(_Pool):
    """The mean of each window, in which padding counts as zeros, as by default in PyTorch.

    Parameters, shapes and dtypes are those of `MaxPool2d`.

    Examples
    --------
    >>> import numpy as np
    >>> AvgPool2d(2).forward(np.arange(16.0).reshape(1, 1, 4, 4), training=False)[0, 0]
    array([[ 2.5,  4.5],
           [10.5, 12.5]])
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, channels, height, width) -> (batch, channels, high, wide)``."""
        images = self._as_images(x)
        work = self.buffer if training else fresh
        y = work("y", (*x.shape[:2], *self._outputs(x.shape[2:])), x.dtype)
        if training:
            self.remember(x.shape, y.shape, x.dtype)
        return mean_pool(images, self._windows, y)

    def backward(self, dy: Array) -> Array:
        """Each window's gradient, in equal shares to its numbers."""
        shape, pooled, dtype = self.recall()
        dx = self.buffer("dx", shape, dtype)
        return mean_pool_backward(self._upstream(dy, pooled), self._windows, dx, self.buffer)


class GlobalAvgPool2d(Sliding):
    """The mean of each channel: ``(batch, channels, height, width) -> (batch, channels)``.

    Examples
    --------
    >>> import numpy as np
    >>> GlobalAvgPool2d().forward(np.arange(8.0).reshape(1, 2, 2, 2), training=False)
    array([[1.5, 5.5]])
    """

    def __init__(self) -> None:
        self._slide(1, 1, 0)  # of each pixel

    def forward(self, x: Array, *, training: bool) -> Array:
        """The mean over height and width."""
        images = self._as_images(x)
        self._outputs(x.shape[2:])  # of which there is one at least
        work = self.buffer if training else fresh
        if training:
            self.remember(x.shape, x.dtype)
        return mean_pixels(images, work("y", x.shape[:2], x.dtype))

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """``(channels,)``."""
        return super().output_shape(sample_shape)[:1]

    def backward(self, dy: Array) -> Array:
        """Each channel's gradient, in equal shares to its pixels."""
        shape, dtype = self.recall()
        self.check_batch("dy", dy, shape[1:2], batch=shape[0])
        return mean_pixels_backward(dy, self.buffer("dx", shape, dtype))
