"""The largest number and the mean of each window.

`x` and `dx` are of shape (N, channels, height, width), `y` and `dy` of (N, channels, high, wide), all of one
float dtype. Padding never is the largest number of a window, and counts as zeros in its mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.kernels.way import compiled
from minidl.kernels.windows import Windows, Work
from minidl.types import Array

_BLOCK_NUMBERS = 1 << 18
"""Numbers of images in a block of samples: few enough to stay near from one place of a window to the next."""


@compiled
def max_pool(x: Array, windows: Windows, out: Array) -> Array:
    """The largest number of each window, in `out`; NaN where one of them is NaN."""
    for block in _blocks(x):
        images, largest = x[block], out[block]
        largest.fill(-np.inf)
        for _, seen, by in windows.over(images.shape, largest.shape):
            np.maximum(largest[by], images[seen], out=largest[by])
    return out


def max_pool_definition(x: Array, windows: Windows) -> Array:
    """What `max_pool` computes."""
    largest: Array = _windows(x, windows, -np.inf).max(axis=(-2, -1))
    return largest


@compiled
def max_pool_backward(x: Array, y: Array, dy: Array, windows: Windows, dx: Array, work: Work) -> Array:
    """The gradient by `x`, in `dx`: each window's goes to the first one of its largest numbers.

    Where `y`, what `max_pool` made of `x`, is NaN, it goes to the window's first number.
    """
    apart = _are_apart(windows)
    for block in _blocks(x):
        images, largest, gradient, d = x[block], y[block], dx[block], dy[block]
        free, below = (work(name, largest.shape, np.dtype(bool)) for name in ("free", "below"))
        part = work("part", largest.shape, x.dtype)
        free.fill(True)
        gradient.fill(0)
        for _, seen, by in windows.over(images.shape, largest.shape):
            still_free, hits = below[by], free[by]
            np.less(images[seen], largest[by], still_free)
            np.logical_and(still_free, hits, still_free)
            np.not_equal(still_free, hits, hits)  # what was free and no longer is
            # Converted first, then multiplied: NumPy takes a product of two dtypes through memory of its own.
            np.copyto(part[by], hits)
            np.copyto(hits, still_free)
            _give(np.multiply(part[by], d[by], part[by]), gradient[seen], apart)
    return dx


def max_pool_backward_definition(x: Array, dy: Array, windows: Windows) -> Array:
    """What `max_pool_backward` computes, where there is no NaN."""
    padded, inside = _padded(x, windows, -np.inf)
    dx = np.zeros_like(padded)
    for n, c, row, pixel in np.ndindex(dy.shape):
        window = _window(n, c, row, pixel, windows)
        numbers = padded[window]
        dx[window][np.unravel_index(np.argmax(numbers), numbers.shape)] += dy[n, c, row, pixel]
    gradient: Array = dx[inside]
    return gradient


@compiled
def mean_pool(x: Array, windows: Windows, out: Array) -> Array:
    """The mean of each window, in `out`."""
    for block in _blocks(x):
        images, means = x[block], out[block]
        means.fill(0)
        for _, seen, by in windows.over(images.shape, means.shape):
            np.add(means[by], images[seen], means[by])
        np.multiply(means, 1 / math.prod(windows.kernel), means)
    return out


def mean_pool_definition(x: Array, windows: Windows) -> Array:
    """What `mean_pool` computes."""
    means: Array = _windows(x, windows, 0).mean(axis=(-2, -1))
    return means


@compiled
def mean_pool_backward(dy: Array, windows: Windows, dx: Array, work: Work) -> Array:
    """The gradient by the input, in `dx`: each number of a window gets its share of the window's."""
    apart = _are_apart(windows)
    for block in _blocks(dx):
        gradient = dx[block]
        shares = work("shares", dy[block].shape, dx.dtype)
        np.multiply(dy[block], 1 / math.prod(windows.kernel), shares)
        gradient.fill(0)
        for _, seen, by in windows.over(gradient.shape, shares.shape):
            _give(shares[by], gradient[seen], apart)
    return dx


def mean_pool_backward_definition(x: Array, dy: Array, windows: Windows) -> Array:
    """What `mean_pool_backward` computes; of `x`, the shape alone matters."""
    padded, inside = _padded(x, windows, 0)
    dx = np.zeros_like(padded)
    for n, c, row, pixel in np.ndindex(dy.shape):
        dx[_window(n, c, row, pixel, windows)] += dy[n, c, row, pixel] / math.prod(windows.kernel)
    gradient: Array = dx[inside]
    return gradient


@compiled
def mean_pixels(x: Array, out: Array) -> Array:
    """The mean of each channel's pixels, in `out` (N, channels)."""
    np.add.reduce(x, axis=(2, 3), out=out)
    return np.multiply(out, 1 / math.prod(x.shape[2:]), out)


def mean_pixels_definition(x: Array) -> Array:
    """What `mean_pixels` computes."""
    means: Array = x.mean(axis=(2, 3))
    return means


@compiled
def mean_pixels_backward(dy: Array, dx: Array) -> Array:
    """The gradient by the input, in `dx`, of `dy` (N, channels)."""
    np.copyto(dx, dy[:, :, None, None])
    return np.multiply(dx, 1 / math.prod(dx.shape[2:]), dx)


def mean_pixels_backward_definition(x: Array, dy: Array) -> Array:
    """What `mean_pixels_backward` computes; of `x`, the shape alone matters."""
    return np.zeros_like(x) + dy[:, :, None, None] / math.prod(x.shape[2:])


def _blocks(x: Array) -> Iterator[slice]:
    step = max(1, _BLOCK_NUMBERS // max(1, math.prod(x.shape[1:])))
    return (slice(start, start + step) for start in range(0, len(x), step))


def _are_apart(windows: Windows) -> bool:
    """Whether no number is part of two windows."""
    return all(kernel <= stride for kernel, stride in zip(windows.kernel, windows.stride, strict=True))


def _give(parts: Array, pixels: Array, apart: bool) -> None:
    """Add the parts to the pixels, where windows share some."""
    if apart:
        np.copyto(pixels, parts)
    else:
        np.add(pixels, parts, pixels)


# ------------------------------------------------------------------- for the definitions


def _padded(x: Array, windows: Windows, value: float) -> tuple[Array, tuple[Any, ...]]:
    """The images with their padding of so large a value, and where in it the images are."""
    high, wide = windows.padding
    padded = np.pad(x, ((0, 0), (0, 0), (high, high), (wide, wide)), constant_values=value)
    return padded, (..., slice(high, high + x.shape[2]), slice(wide, wide + x.shape[3]))


def _windows(x: Array, windows: Windows, value: float) -> Array:
    """Each window's numbers, of shape (N, channels, high, wide, *kernel)."""
    padded, _ = _padded(x, windows, value)
    down, right = windows.stride
    return np.lib.stride_tricks.sliding_window_view(padded, windows.kernel, (2, 3))[:, :, ::down, ::right]


def _window(n: int, c: int, row: int, pixel: int, windows: Windows) -> tuple[Any, ...]:
    """Where a window's numbers are among those of the padded images."""
    (high, wide), (down, right), _, _ = windows
    return n, c, slice(row * down, row * down + high), slice(pixel * right, pixel * right + wide)
