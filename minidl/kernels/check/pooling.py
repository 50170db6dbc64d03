"""Of `minidl.kernels.pooling`, and the sum of pixels in `minidl.kernels.convolution`."""

from typing import Any

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.pooling import (
    max_pool,
    max_pool_backward,
    mean_pixels,
    mean_pixels_backward,
    mean_pool,
    mean_pool_backward,
)
from minidl.kernels.windows import Windows, fresh
from minidl.types import Array

_KINDS = (
    Windows((2, 2), (2, 2)),
    Windows((3, 3), (2, 2), (1, 1)),
    Windows((3, 3), (3, 3)),
    Windows((3, 3), (1, 1), (1, 1)),
    Windows((1, 2), (1, 2)),
    Windows((2, 5), (3, 1), (1, 2)),
    Windows((2, 2), (1, 1), (0, 1), (2, 3)),
)


def _problem(draw: Draw) -> tuple[Windows, tuple[int, ...], tuple[int, ...]]:
    """Windows, and the shapes of images and of outputs."""
    windows = _KINDS[draw.integer(0, len(_KINDS) - 1)]
    *outer, high, wide = draw.sizes(4)
    if draw.integer(0, 1):  # images that windows fill
        high, wide = (size * stride for size, stride in zip((high, wide), windows.stride, strict=True))
    kernel, _, _, dilation = windows
    least = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    shape = *outer, max(high, least[0]), max(wide, least[1])
    return windows, shape, (*outer, *windows.outputs(shape))


def _images(draw: Draw, shape: tuple[int, ...]) -> Array:
    """Images of few different numbers, so that some of a window are equal, now and then."""
    images = draw.array(*shape)
    return images if draw.integer(0, 1) else images.round(out=images)


def _pool(draw: Draw) -> tuple[Any, ...]:
    windows, shape, outputs = _problem(draw)
    return _images(draw, shape), windows, draw.empty(*outputs)


def _max_backward(draw: Draw) -> tuple[Any, ...]:
    windows, shape, outputs = _problem(draw)
    x, y = _images(draw, shape), draw.empty(*outputs)
    getattr(max_pool, "__self__", max_pool)(x, windows, y)
    return x, y, draw.array(*outputs), windows, draw.empty(*shape), fresh


def _mean_backward(draw: Draw) -> tuple[Any, ...]:
    windows, shape, outputs = _problem(draw)
    return draw.array(*outputs), windows, draw.empty(*shape), fresh


def _shape(draw: Draw) -> tuple[int, ...]:
    """Of images that have pixels."""
    samples, channels, *image = draw.sizes(4)
    return samples, channels, *(max(size, 1) for size in image)


def _means(draw: Draw) -> tuple[Any, ...]:
    shape = _shape(draw)
    return draw.array(*shape), draw.empty(*shape[:2])


def _means_backward(draw: Draw) -> tuple[Any, ...]:
    shape = _shape(draw)
    return draw.array(*shape[:2]), draw.empty(*shape)


CASES = [
    Case(max_pool, _pool, ulps=0),
    Case(max_pool_backward, _max_backward, ulps=0),
    Case(mean_pool, _pool, ulps=2, of_array=True),
    Case(mean_pool_backward, _mean_backward, ulps=4, of_array=True),
    Case(mean_pixels, _means, ulps=4, of_array=True),
    Case(mean_pixels_backward, _means_backward, ulps=0),
]
