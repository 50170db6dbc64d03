"""Windows that slide over images, and their numbers as the columns of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minidl.types import Array

Work: TypeAlias = Callable[[str, tuple[int, ...], Any], Array]
"""Lends memory with arbitrary content by name, shape and dtype, as `Module.buffer` does."""

BLOCK_BYTES = 1 << 21
"""What the columns of a block of samples may take: as much as stays in a core's cache and its share of the
next one. Of a sample that takes more by itself, a band of output rows is in memory at a time."""


def fresh(name: str, shape: tuple[int, ...], dtype: Any) -> Array:
    """New memory, where nothing is lent: in inference."""
    return np.empty(shape, dtype)


class Windows(NamedTuple):
    """How windows lie over an image of (height, width); each pair is in this order, too.

    Attributes
    ----------
    kernel : numbers of a window
    stride : from one window to the next
    padding : zeros at each side of the image
    dilation : from one number of a window to the next
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def outputs(self, image: tuple[int, ...]) -> tuple[int, int]:
        """How many windows (high, wide) fit into a padded image of (..., height, width); may be below 1."""
        high, wide = (
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, stride, padding, dilation in zip(image[-2:], *self, strict=True)
        )
        return high, wide

    def over(
        self, image: tuple[int, ...], outputs: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, int], tuple[Any, ...], tuple[Any, ...]]]:
        """For each place (i, j) in a window: the numbers of the image that stand there, and of which outputs.

        Yields the place, an index of the image and one of the outputs (both of shape (..., height, width));
        what would lie in the padding is left out.
        """
        for place in np.ndindex(self.kernel):
            sizes = zip(place, image[-2:], outputs[-2:], *self[1:], strict=True)
            both = [_run(at * dilation - padding, size, count, stride)
                    for at, size, count, stride, padding, dilation in sizes]  # fmt: skip
            yield place, (..., both[0][0], both[1][0]), (..., both[0][1], both[1][1])


def _run(start: int, size: int, count: int, stride: int) -> tuple[slice, slice]:
    """Of the numbers ``start + stride * output``, those within the image, and their outputs."""
    first = max(0, -(start // stride))
    last = max(first, min(count, -((start - size) // stride)))
    begin = start + stride * first
    return slice(begin, begin + stride * (last - first), stride), slice(first, last)


def _copy_rows(source: Array, out: Array) -> None:
    """Copy images; each row as one item if it lies in one run: NumPy copies many short rows slowly."""
    row = source.shape[-1] * source.itemsize
    in_runs = source.strides[-1] == source.itemsize and out.strides[-1] == out.itemsize
    if row and in_runs and source.dtype == out.dtype:
        source, out = source.view((np.void, row)), out.view((np.void, row))
    np.copyto(out, source)


class Unfolding:
    """The windows of a batch of images as the columns of a matrix, a block of samples at a time.

    A block's columns are of shape (groups, numbers of a window, columns). Each of the outputs has a column,
    in the order (sample, row, pixel of a row). With a stride of 1 there are more of them, `pitch` to a row:
    the windows that begin in the padded image's row and reach into the next one. So what a place in the
    window sees of a sample is one run of memory, which is copied at once. Whoever reads products of these
    columns drops those that are too many; whoever multiplies by them has zeros there. To keep them few, the
    zeros to the right of a row are those to the left of the next one, as far as windows reach that way; and
    those below an image are those above the next one.

    Parameters
    ----------
    images : tuple of int
        The shape (N, channels, height, width) of all images.
    windows : Windows
    outputs : tuple of int
        Windows (high, wide).
    groups : int
        Into which the channels are divided.
    dtype : numpy.dtype
    work : Work
    """

    def __init__(
        self,
        images: tuple[int, ...],
        windows: Windows,
        outputs: tuple[int, ...],
        groups: int,
        dtype: np.dtype[Any],
        work: Work,
    ) -> None:
        self.samples, self.channels, self.high, self.wide = images
        self.windows, self.groups, self.dtype, self.work = windows, groups, dtype, work
        (kernel_high, kernel_wide), stride, padding, dilation = windows
        self.rows, self.pixels = outputs
        reach = dilation[0] * (kernel_high - 1), dilation[1] * (kernel_wide - 1)
        shared = min(padding[0], reach[0]), min(padding[1], reach[1])
        self.padded_high = self.high + 2 * padding[0] - shared[0]
        self.padded_wide = self.wide + 2 * padding[1] - shared[1]
        in_one_run = stride == (1, 1) and self.rows > 1 and 2 * self.padded_wide <= 3 * self.pixels
        self.pitch = self.padded_wide if in_one_run else self.pixels
        self.beyond = shared[0] * self.padded_wide + reach[1]  # what the last image's windows see behind it
        self.places = self.channels * kernel_high * kernel_wide
        row_bytes = max(1, self.places * self.pitch * dtype.itemsize)
        self.block = max(1, min(self.samples, BLOCK_BYTES // (row_bytes * max(1, self.rows))))
        self.band = max(1, min(self.rows, BLOCK_BYTES // row_bytes))
        self.count = 0  # samples in the block at hand
        self._held: dict[str, Array] = {}

    def blocks(self) -> Iterator[slice]:
        """The samples of each block in turn."""
        for start in range(0, self.samples, self.block):
            block = slice(start, min(start + self.block, self.samples))
            self.count = block.stop - start
            yield block

    def bands(self) -> Iterator[slice]:
        """The output rows of each band in turn."""
        for start in range(0, self.rows, self.band):
            yield slice(start, min(start + self.band, self.rows))

    def _memory(self, name: str, size: int, largest: int) -> Array:
        """The first `size` numbers of memory for the `largest` block."""
        if name not in self._held:
            self._held[name] = self.work(name, (largest,), self.dtype)
        return self._held[name][:size]

    def _image(self, name: str) -> Array:
        area = self.channels * self.padded_high * self.padded_wide
        return self._memory(name, self.count * area + self.beyond, self.block * area + self.beyond)

    def _inside(self, memory: Array) -> Array:
        """The images without their padding, of shape (samples, channels, height, width)."""
        (top, left), shape = self.windows.padding, (self.channels, self.count, self.padded_high, -1)
        whole = memory[: memory.size - self.beyond].reshape(shape)
        return whole[:, :, top : top + self.high, left : left + self.wide].swapaxes(0, 1)

    def load(self, images: Array) -> None:
        """Take a block of images (samples, channels, height, width), and pad them."""
        padded = self._image("padded")
        if self.windows.padding == (0, 0):
            padded[padded.size - self.beyond :] = 0
        else:
            padded.fill(0)
        _copy_rows(images, self._inside(padded))

    def clear(self) -> None:
        """Begin a block of images of zeros, which `scatter` adds to."""
        self._image("spread").fill(0)

    def spread(self, out: Array, bias: Array | None = None) -> None:
        """Give what was added to the images, and a bias for each channel, in `out`."""
        spread = self._image("spread")
        if bias is not None:
            rows = spread[: spread.size - self.beyond].reshape(self.channels, -1)
            np.add(rows, bias[:, None], rows)
        _copy_rows(self._inside(spread), out)

    def _places(self, memory: Array, band: slice) -> Array:
        """What each place of a window sees: a view (channels, high, wide, samples, rows, pitch)."""
        kernel, (down, right), _, dilation = self.windows
        row, item = self.padded_wide * self.dtype.itemsize, self.dtype.itemsize
        area = row * self.padded_high
        strides = (area * self.count, dilation[0] * row, dilation[1] * item, area, down * row, right * item)
        shape = (self.channels, *kernel, self.count, band.stop - band.start, self.pitch)
        # NumPy does not look whether a view ends within a buffer of no bytes.
        buffer = memory if memory.size else np.empty(1, self.dtype)
        return np.ndarray(shape, self.dtype, buffer, band.start * down * row, strides)

    def columns(self, band: slice) -> Array:
        """Memory for the columns of a band, of shape (groups, numbers of a window, columns)."""
        size = self.count * (band.stop - band.start) * self.pitch
        columns = self._memory(
            "columns", self.places * size, self.places * self.block * self.band * self.pitch
        )
        return columns.reshape(self.groups, -1, size)

    def gather(self, band: slice) -> Array:
        """The columns of the images that were loaded."""
        places, columns = self._places(self._image("padded"), band), self.columns(band)
        np.copyto(columns.reshape(places.shape), places)
        return columns

    def scatter(self, columns: Array, band: slice) -> None:
        """Add each of the columns' numbers to the pixel that it would come from."""
        places = self._places(self._image("spread"), band)
        numbers = columns.reshape(places.shape)
        for i, j in np.ndindex(self.windows.kernel):
            np.add(places[:, i, j], numbers[:, i, j], places[:, i, j])

    def outputs(self, channels: int, band: slice) -> Array:
        """Memory for a number of each channel for each column: (groups, channels of a group, columns)."""
        size = self.count * (band.stop - band.start) * self.pitch
        outputs = self._memory("outputs", channels * size, channels * self.block * self.band * self.pitch)
        return outputs.reshape(self.groups, -1, size)

    def _pixels(self, outputs: Array, band: slice) -> Array:
        """The columns that are pixels, of shape (samples, channels, rows, pixels of a row)."""
        whole = outputs.reshape(-1, self.count, band.stop - band.start, self.pitch)
        return whole[..., : self.pixels].swapaxes(0, 1)

    def fetch(self, maps: Array, band: slice) -> Array:
        """A block of maps (samples, channels, rows, pixels of a row) as `outputs`."""
        outputs = self.outputs(maps.shape[1], band)
        if self.pitch > self.pixels:
            outputs.reshape(-1, self.pitch)[:, self.pixels :] = 0
        _copy_rows(maps[:, :, band], self._pixels(outputs, band))
        return outputs

    def store(self, outputs: Array, maps: Array, band: slice, bias: Array | None = None) -> None:
        """Give the pixels among the `outputs`, and a bias for each channel, in `maps`."""
        if bias is not None:
            rows = outputs.reshape(maps.shape[1], -1)
            np.add(rows, bias[:, None], rows)
        _copy_rows(self._pixels(outputs, band), maps[:, :, band])
