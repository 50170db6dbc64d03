"""Of `minidl.kernels.convolution`."""

from __future__ import annotations

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.convolution import (
    convolution,
    convolution_backward,
    sum_pixels,
    transposed_convolution,
    transposed_convolution_backward,
)
from minidl.kernels.windows import Windows, fresh
from minidl.types import Array


def _problem(draw: Draw) -> tuple[Windows, Array, Array, Array]:
    """Windows, images, a weight and maps."""
    kernel, stride, padding, dilation = (
        (draw.integer(low, high), draw.integer(low, high)) for low, high in ((1, 3), (1, 3), (0, 3), (1, 2))
    )
    windows = Windows(kernel, stride, padding, dilation)
    samples, channels, high, wide = draw.sizes(4)
    groups, maps, inner = draw.integer(1, 3), draw.integer(1, 9), min(max(channels, 1), 5)
    if draw.integer(0, 2) == 0:  # so many that vectors run over channels, of images that stay small
        maps, inner = draw.integer(24, 70), draw.integer(16, 40)
        samples, high, wide = (min(size, 15) for size in (samples, high, wide))
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    images = (samples, groups * inner, max(high, least[0]), max(wide, least[1]))
    outputs = windows.outputs(images)
    weight = draw.array(groups * maps, inner, *kernel)
    return windows, draw.array(*images), weight, draw.array(samples, groups * maps, *outputs)


def _forward(draw: Draw) -> tuple[object, ...]:
    windows, x, weight, maps = _problem(draw)
    bias = draw.array(len(weight)) if draw.integer(0, 2) else None
    return x, weight, bias, windows, draw.empty(*maps.shape), fresh


def _transposed_forward(draw: Draw) -> tuple[object, ...]:
    windows, images, weight, x = _problem(draw)
    bias = draw.array(images.shape[1]) if draw.integer(0, 2) else None
    return x, weight, bias, windows, draw.empty(*images.shape), fresh


def _gradients(draw: Draw, x: Array, weight: Array) -> tuple[Array | None, Array | None]:
    which = draw.integer(0, 3)
    return (draw.empty(*x.shape) if which else None), (draw.empty(*weight.shape) if which != 1 else None)


def _backward(draw: Draw) -> tuple[object, ...]:
    windows, x, weight, dy = _problem(draw)
    return x, weight, dy, windows, *_gradients(draw, x, weight), fresh


def _transposed_backward(draw: Draw) -> tuple[object, ...]:
    windows, dy, weight, x = _problem(draw)
    return x, weight, dy, windows, *_gradients(draw, x, weight), fresh


def _sum_pixels(draw: Draw) -> tuple[object, ...]:
    shape = draw.sizes(4)
    return draw.array(*shape), draw.lent(shape[1]), fresh


# Sums of products, which both ways add up in other orders: the errors grow with the number of terms.
# Neither way says where zeros of the padding meet infinities.
CASES = [
    Case(convolution, _forward, ulps=100, of_array=True, special=False),
    Case(transposed_convolution, _transposed_forward, ulps=100, of_array=True, special=False),
    Case(convolution_backward, _backward, ulps=300, of_array=True, special=False),
    Case(transposed_convolution_backward, _transposed_backward, ulps=300, of_array=True, special=False),
    Case(sum_pixels, _sum_pixels, ulps=2000, of_array=True),
]
