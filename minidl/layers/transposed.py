"""The transposed convolution, which makes images larger."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minidl.errors import ConfigurationError, ShapeError
from minidl.initializers import he_normal
from minidl.kernels.convolution import transposed_convolution, transposed_convolution_backward
from minidl.layers.convolution import Convolution
from minidl.layers.filters import TransposedFilters
from minidl.layers.sliding import Sizes
from minidl.types import Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


class ConvTranspose2d(Convolution):
    """The map that takes a convolution's dy to its dx; the same as PyTorch's.

    ``y[n, c, stride * row + dilation * i - padding, the same with pixel and j]`` is the sum of
    ``weight[o, c, i, j] * x[n, o, row, pixel]`` over all that come there, and ``bias[c]``. An axis of
    `size` numbers becomes one of
    ``(size - 1) * stride - 2 * padding + dilation * (kernel_size - 1) + output_padding + 1``.

    Parameters
    ----------
    output_padding : int, or (down, right)
        Rows and pixels at the end, below the larger one of stride and dilation: with a stride, outputs of
        several sizes have a convolution to one input, and this says which of them is meant.
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, rng, dtype
        As in `Conv2d`.
    initializer : callable ``(rng, shape, dtype) -> array``
        Of the weight; it draws matrices (what an output sees, out_channels), with a stride several.

    Attributes
    ----------
    weight : Parameter of shape (in_channels, out_channels / groups, high, wide)
    bias : Parameter of shape (out_channels,), or False

    Examples
    --------
    >>> layer = ConvTranspose2d(16, 3, 4, stride=2, padding=1, rng=0)
    >>> layer.forward(np.ones((5, 16, 8, 8), np.float32), training=False).shape
    (5, 3, 16, 16)
    """

    output_padding: Sizes
    _kernel = staticmethod(transposed_convolution)
    _backward_kernel = staticmethod(transposed_convolution_backward)

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        *,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        initializer: Initializer = he_normal,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride=stride, padding=padding, dilation=dilation,
            groups=groups, bias=bias, rng=rng, dtype=dtype, initializer=initializer,
        )  # fmt: skip
        self._rest = self._sizes("output_padding", output_padding, at_least=0)
        limits = zip(self._rest, self._windows.stride, self._windows.dilation, strict=True)
        if not all(rest < max(stride, dilation) for rest, stride, dilation in limits):
            expected = "output_padding below the larger one of stride and dilation"
            self.fail(ConfigurationError, expected, output_padding)

    def _channels_of_weight(self) -> tuple[int, int]:
        return self.in_channels, self.out_channels // self.groups

    def _filters(self) -> Initializer:
        kernel, stride, _, _ = self._windows
        return TransposedFilters(self.initializer, self.groups, math.prod(map(min, kernel, stride)))

    def _outputs(self, image: tuple[int, ...]) -> tuple[int, int]:
        """The size (height, width) of what an image becomes."""
        sizes = zip(image, *self._windows, self._rest, strict=True)
        high, wide = (
            (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + rest + 1
            for size, kernel, stride, padding, dilation, rest in sizes
        )
        if min(high, wide, *image) < 1:
            self.fail(ShapeError, "images of which something is left without the padding", tuple(image))
        return high, wide
