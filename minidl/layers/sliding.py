"""What layers whose windows slide over images have in common: arguments, shapes and checks."""

from __future__ import annotations

from typing import Any, NoReturn, TypeAlias

from minidl.checks import check_sizes
from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.kernels.windows import Windows
from minidl.layers.layer import Layer
from minidl.types import Array

Sizes: TypeAlias = "int | tuple[int, ...]"


class Sliding(Layer):
    """The base of these layers; a sample is of shape (channels, *one size for each of the `axes`).

    Attributes
    ----------
    kernel_size, stride, padding, dilation : int, or one for each axis
    in_channels, out_channels : int
        None where a layer takes what comes and gives as many.
    """

    axes = 2
    in_channels: int | None = None
    out_channels: int | None = None
    kernel_size: Sizes
    stride: Sizes
    padding: Sizes
    dilation: Sizes

    def _slide(self, kernel_size: object, stride: object, padding: object, dilation: object = 1) -> None:
        """Check these arguments and keep them; a size that all axes share as one number."""
        sizes = (
            self._sizes("kernel_size", kernel_size, at_least=1),
            self._sizes("stride", stride, at_least=1),
            self._sizes("padding", padding, at_least=0),
            self._sizes("dilation", dilation, at_least=1),
        )
        row = ((1,), (1,), (0,), (1,)) if self.axes == 1 else ((),) * 4  # a series is an image of one row
        self._windows = Windows(*(first + size for first, size in zip(row, sizes, strict=True)))

    def _sizes(self, name: str, values: object, *, at_least: int) -> Any:
        """An argument's number for each axis, once it is checked and kept."""
        sizes = check_sizes(self.label, name, values, at_least=at_least)
        if len(sizes) not in (1, self.axes):
            self.fail(ConfigurationError, f"{name} to be one number, or {self.axes}", sizes)
        sizes = sizes * (self.axes // len(sizes))
        setattr(self, name, sizes[0] if len(set(sizes)) == 1 else sizes)
        return sizes

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """The channels that come out, and how many windows there are along each axis."""
        shape = check_sizes(self.label, "sample_shape", sample_shape)
        if len(shape) != self.axes + 1 or self.in_channels not in (None, shape[0]):
            self._refuse_shape("samples", shape)
        outputs = self._outputs((1, *shape[1:]) if self.axes == 1 else shape[1:])
        return (self.out_channels or shape[0], *outputs[2 - self.axes :])

    def _outputs(self, image: tuple[int, ...]) -> tuple[int, int]:
        """How many windows (high, wide) there are in an image of (height, width), each at least once."""
        outputs = self._windows.outputs(image)
        if min(outputs) < 1:
            kernel, _, padding, dilation = self._windows
            least = [d * (k - 1) + 1 - 2 * p for k, p, d in zip(kernel, padding, dilation, strict=True)]
            expected = f"images of at least {tuple(least[2 - self.axes :])}, into which a window fits"
            self.fail(ShapeError, expected, tuple(image[2 - self.axes :]))
        return outputs

    def _as_images(self, x: Array) -> Array:
        """`x` of shape (N, channels, height, width), or an error that says what is wrong with it."""
        self.check_batch("x", x)
        if x.ndim != self.axes + 2 or self.in_channels not in (None, x.shape[1]):
            self._refuse_shape("x", x.shape, batch="batch, ")
        if x.dtype.kind != "f":
            self.fail(DTypeError, "x of a float dtype", x.dtype)
        return x[:, :, None] if self.axes == 1 else x

    def _upstream(self, dy: Array, shape: tuple[int, ...]) -> Array:
        """`dy` of this `shape` (N, channels, high, wide), or an error."""
        self.check_batch("dy", dy, (shape[1], *shape[4 - self.axes :]), batch=shape[0])
        return dy[:, :, None] if self.axes == 1 else dy

    def _from_images(self, images: Array) -> Array:
        """The same without the axis that `_as_images` added."""
        return images[:, :, 0] if self.axes == 1 else images

    def _refuse_shape(self, what: str, got: object, *, batch: str = "") -> NoReturn:
        sizes = "length" if self.axes == 1 else "height, width"
        channels = "channels" if self.in_channels is None else self.in_channels
        self.fail(ShapeError, f"{what} of shape ({batch}{channels}, {sizes})", got)
