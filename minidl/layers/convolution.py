"""Convolutions of images and of series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_bool, check_callable, check_dtype, check_int
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal, zeros
from minidl.kernels.convolution import convolution, convolution_backward, sum_pixels
from minidl.kernels.windows import fresh
from minidl.layers.filters import Filters
from minidl.layers.sliding import Sizes, Sliding
from minidl.parameters import Parameter
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


class Convolution(Sliding):
    """What the convolutions have in common; see `Conv2d` for the arguments."""

    dtype: np.dtype[Any]
    in_channels: int
    out_channels: int
    bias: Parameter | bool
    _kernel = staticmethod(convolution)
    _backward_kernel = staticmethod(convolution_backward)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        initializer: Initializer = he_normal,
    ) -> None:
        self.in_channels = check_int(self.label, "in_channels", in_channels, at_least=1)
        self.out_channels = check_int(self.label, "out_channels", out_channels, at_least=1)
        self._slide(kernel_size, stride, padding, dilation)
        self.groups = check_int(self.label, "groups", groups, at_least=1)
        for name, count in (("in_channels", self.in_channels), ("out_channels", self.out_channels)):
            if count % self.groups:
                self.fail(ConfigurationError, f"{name} that {self.groups} groups share evenly", count)
        self.dtype = check_dtype(self.label, dtype)
        self.initializer = check_callable(self.label, "initializer", initializer, "rng", "shape", "dtype")
        shape = (*self._channels_of_weight(), *self._windows.kernel[2 - self.axes :])
        self.weight = Parameter(shape, self._filters(), rng=rng, dtype=self.dtype, regularized=True)
        self.bias = check_bool(self.label, "bias", bias) and Parameter(
            (self.out_channels,), zeros, dtype=dtype
        )

    def config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as they are now; `bias`, if there, is whether there is one."""
        found = super().config()
        bias = {"bias": isinstance(self.bias, Parameter) or self.bias}
        return found | bias if "bias" in found else found

    def _channels_of_weight(self) -> tuple[int, int]:
        return self.out_channels, self.in_channels // self.groups

    def _filters(self) -> Initializer:
        return Filters(self.initializer)

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(batch, in_channels, ...) -> (batch, out_channels, ...)``."""
        images = self._as_images(x)
        shape = (len(x), self.out_channels, *self._outputs(images.shape[2:]))
        work = self.buffer if training else fresh
        y, bias = work("y", shape, self.dtype), self.bias.value if isinstance(self.bias, Parameter) else None
        self._kernel(images, self._windowed(self.weight.value), bias, self._windows, y, work)
        if training:
            self.remember(images, shape)
        return self._from_images(y)

    def backward(self, dy: Array) -> Array:
        """The gradient by the input, of its shape, and what `backward_parameters` does."""
        images, shape = self.recall()
        dx = self.buffer("dx", images.shape, self.dtype)
        self._differentiate(images, self._upstream(dy, shape), dx)
        return self._from_images(dx)

    def backward_parameters(self, dy: Array) -> None:
        """The gradients of `weight` and of `bias`, unless they are frozen."""
        images, shape = self.recall()
        self._differentiate(images, self._upstream(dy, shape))

    def _differentiate(self, images: Array, dy: Array, dx: Array | None = None) -> None:
        dweight = None if self.weight.frozen else self._windowed(self.weight.grad)
        value = self._windowed(self.weight.value)
        self._backward_kernel(images, value, dy, self._windows, dx, dweight, self.buffer)
        if isinstance(self.bias, Parameter) and not self.bias.frozen:
            sum_pixels(dy, self.bias.grad, self.buffer)

    def _windowed(self, weight: Array) -> Array:
        return weight[:, :, None] if self.axes == 1 else weight


class Conv2d(Convolution):
    """``y[n, o] = bias[o] + sum over c, i, j of weight[o, c, i, j] * x[n, c, what stands there]``.

    For the output at (row, pixel), "there" is (stride * row + dilation * i - padding, the same with pixel
    and j), with zeros outside of the image. The outputs of each group of channels see the inputs of theirs
    alone. Known as cross-correlation, too; the same as PyTorch's.

    Parameters
    ----------
    in_channels, out_channels : int
        Both divisible by `groups`.
    kernel_size, stride, padding, dilation : int, or (high, wide)
    groups : int
    bias : bool
    rng : Generator, seed or None
        Draws the weight; the bias starts at 0.
    dtype : float32 or float64
    initializer : callable ``(rng, shape, dtype) -> array``
        Of the weight; it draws a matrix (in_channels / groups * high * wide, out_channels).

    Attributes
    ----------
    weight : Parameter of shape (out_channels, in_channels / groups, high, wide)
    bias : Parameter of shape (out_channels,), or False

    Examples
    --------
    >>> Conv2d(3, 16, 3, padding=1).forward(np.ones((5, 3, 8, 8), np.float32), training=False).shape
    (5, 16, 8, 8)
    """


class Conv1d(Convolution):
    """`Conv2d` along one axis, with a weight (out_channels, in_channels / groups, kernel_size).

    Examples
    --------
    >>> Conv1d(3, 16, 5, stride=2).forward(np.ones((5, 3, 11), np.float32), training=False).shape
    (5, 16, 4)
    """

    axes = 1
