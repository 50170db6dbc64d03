"""Convolution, the transposed one, and their backward passes, by products of matrices.

Everywhere in this file `x` and `dy` are of shape (N, channels, rows, pixels of a row), and a convolution's
`weight` is of shape (out, in / groups, high, wide); the groups follow from the shapes. `work` lends memory:
what `BLOCK_BYTES` allows, and a block's padded images and outputs, however large the batch is.

The transposed convolution is what takes a convolution's dy to its dx. Its weight is that convolution's:
(in, out / groups, high, wide).
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.linear import sum_rows
from minidl.kernels.way import compiled
from minidl.kernels.windows import Unfolding, Windows, Work
from minidl.types import Array


@compiled
def convolution(
    x: Array, weight: Array, bias: Array | None, windows: Windows, out: Array, work: Work
) -> Array:
    """``out[n, o] = bias[o] + sum over c, i, j of weight[o, c, i, j] * (what of x[n, c] is at i, j)``."""
    _gathered(x, weight, windows, work, out, bias)
    return out


def convolution_definition(x: Array, weight: Array, bias: Array, windows: Windows) -> Array:
    """What `convolution` computes."""
    groups = x.shape[1] // weight.shape[1]
    y = np.zeros((len(x), len(weight), *windows.outputs(x.shape)), x.dtype)
    for (i, j), seen, by in windows.over(x.shape, y.shape):
        product = np.einsum("ngchw,goc->ngohw", _split(x[seen], groups), _matrices(weight, i, j, groups))
        y[by] += product.reshape(y[by].shape)
    return y + bias[:, None, None]


@compiled
def convolution_backward(
    x: Array, weight: Array, dy: Array, windows: Windows, dx: Array | None, dweight: Array | None, work: Work
) -> None:
    """The gradients by `x` and `weight`, in `dx` and `dweight`; what is None is left out."""
    if dx is None:
        _gathered(x, weight, windows, work, fetched=dy, gradient=dweight)
    elif _turns(windows, dy, dx) and len(weight) <= 2 * x.shape[1]:
        # dx is a convolution, too: of dy with the weight turned about. The columns of dy then serve both
        # gradients, those of x would serve one. Only where dy has many more channels are they dearer.
        groups = x.shape[1] // weight.shape[1]
        turned, about = _turned(weight, windows, groups, work)
        gradient = None if dweight is None else work("turned gradient", turned.shape, weight.dtype)
        _gathered(dy, turned, about, work, dx, fetched=x, gradient=gradient)
        if dweight is not None and gradient is not None:
            _turn(gradient, dweight, groups)
    else:
        _scattered(dy, weight, windows, work, dx, loaded=x, gradient=dweight)


def convolution_backward_definition(
    x: Array, weight: Array, dy: Array, windows: Windows
) -> tuple[Array, Array]:
    """What `convolution_backward` computes: dx and dweight."""
    groups = x.shape[1] // weight.shape[1]
    dx, dweight = np.zeros(x.shape, x.dtype), np.zeros(weight.shape, x.dtype)
    for (i, j), seen, by in windows.over(x.shape, dy.shape):
        d, of_x = _split(dy[by], groups), _split(x[seen], groups)
        product = np.einsum("ngohw,goc->ngchw", d, _matrices(weight, i, j, groups))
        dx[seen] += product.reshape(dx[seen].shape)
        dweight[..., i, j] = np.einsum("ngohw,ngchw->goc", d, of_x).reshape(weight.shape[:2])
    return dx, dweight


@compiled
def transposed_convolution(
    x: Array, weight: Array, bias: Array | None, windows: Windows, out: Array, work: Work
) -> Array:
    """``out[n, c] = bias[c] + what a convolution of images like out gives as dx[n, c] for dy = x``."""
    if _turns(windows, x, out):
        turned, about = _turned(weight, windows, out.shape[1] // weight.shape[1], work)
        _gathered(x, turned, about, work, out, bias)
    else:
        _scattered(x, weight, windows, work, out, bias)
    return out


def transposed_convolution_definition(
    x: Array, weight: Array, bias: Array, windows: Windows, image: tuple[int, int]
) -> Array:
    """What `transposed_convolution` computes for an `out` of (height, width) as in `image`."""
    blank = np.zeros((len(x), len(bias), *image), x.dtype)
    return convolution_backward_definition(blank, weight, x, windows)[0] + bias[:, None, None]


@compiled
def transposed_convolution_backward(
    x: Array, weight: Array, dy: Array, windows: Windows, dx: Array | None, dweight: Array | None, work: Work
) -> None:
    """The gradients by `x` and `weight`, in `dx` and `dweight`; what is None is left out."""
    _gathered(dy, weight, windows, work, dx, fetched=x, gradient=dweight)


def transposed_convolution_backward_definition(
    x: Array, weight: Array, dy: Array, windows: Windows
) -> tuple[Array, Array]:
    """What `transposed_convolution_backward` computes: dx and dweight."""
    groups = dy.shape[1] // weight.shape[1]
    dx = np.zeros(x.shape, x.dtype)
    for (i, j), seen, by in windows.over(dy.shape, x.shape):
        product = np.einsum("ngchw,goc->ngohw", _split(dy[seen], groups), _matrices(weight, i, j, groups))
        dx[by] += product.reshape(dx[by].shape)
    return dx, convolution_backward_definition(dy, weight, x, windows)[1]


@compiled
def sum_pixels(dy: Array, out: Array, work: Work) -> None:
    """The sum of each channel over samples and pixels, in `out` (channels,): a bias's gradient."""
    sums = work("sums", dy.shape[:2], dy.dtype)
    sum_rows(np.add.reduce(dy, axis=(2, 3), out=sums), out)


def sum_pixels_definition(dy: Array) -> Array:
    """What `sum_pixels` computes."""
    total: Array = dy.sum(axis=(0, 2, 3))
    return total


# ------------------------------------------------------------------- by products of matrices


def _gathered(
    images: Array,
    weight: Array,
    windows: Windows,
    work: Work,
    out: Array | None = None,
    bias: Array | None = None,
    *,
    fetched: Array | None = None,
    gradient: Array | None = None,
) -> None:
    """``out = weight @ columns of the images + bias`` and ``gradient = fetched @ columns.T``."""
    sized = fetched if out is None else out
    if sized is None or (out is None and gradient is None):
        return
    groups = images.shape[1] // weight.shape[1]
    unfolding = Unfolding(images.shape, windows, sized.shape[2:], groups, images.dtype, work)
    matrices, total = weight.reshape(groups, -1, unfolding.places // groups), _Total(gradient, groups, work)
    for block in unfolding.blocks():
        unfolding.load(images[block])
        for band in unfolding.bands():
            columns = unfolding.gather(band)
            if fetched is not None and gradient is not None:
                total.add(unfolding.fetch(fetched[block], band), columns)
            if out is not None:
                outputs = unfolding.outputs(len(weight), band)
                unfolding.store(np.matmul(matrices, columns, outputs), out[block], band, bias)


def _scattered(
    maps: Array,
    weight: Array,
    windows: Windows,
    work: Work,
    out: Array,
    bias: Array | None = None,
    *,
    loaded: Array | None = None,
    gradient: Array | None = None,
) -> None:
    """``out = weight.T @ maps, put where its columns come from, + bias``; ``gradient = maps @ columns.T``.

    The columns of the gradient are those of the images that are `loaded`.
    """
    groups = out.shape[1] // weight.shape[1]
    unfolding = Unfolding(out.shape, windows, maps.shape[2:], groups, maps.dtype, work)
    matrices, total = weight.reshape(groups, -1, unfolding.places // groups), _Total(gradient, groups, work)
    for block in unfolding.blocks():
        unfolding.clear()
        if loaded is not None and gradient is not None:
            unfolding.load(loaded[block])
        for band in unfolding.bands():
            rows = unfolding.fetch(maps[block], band)
            if loaded is not None and gradient is not None:
                total.add(rows, unfolding.gather(band))
            columns = np.matmul(matrices.swapaxes(1, 2), rows, unfolding.columns(band))
            unfolding.scatter(columns, band)
        unfolding.spread(out[block], bias)


class _Total:
    """A weight's gradient, which grows block by block."""

    def __init__(self, gradient: Array | None, groups: int, work: Work) -> None:
        if gradient is not None:
            gradient.fill(0)  # for there may be no sample at all
            self.sum = gradient.reshape(groups, len(gradient) // groups, -1)
            self.part = work("part of a gradient", self.sum.shape, gradient.dtype)

    def add(self, rows: Array, columns: Array) -> None:
        """Add the products of the rows with each place's columns."""
        np.add(self.sum, np.matmul(rows, columns.swapaxes(1, 2), self.part), self.sum)


def _turns(windows: Windows, maps: Array, images: Array) -> bool:
    """Whether the transposed convolution is a convolution as well: of maps with no gaps in between."""
    about = _about(windows)
    fits = about.outputs(maps.shape) == images.shape[2:]  # not so with an output padding
    return windows.stride == (1, 1) and min(about.padding) >= 0 and fits


def _about(windows: Windows) -> Windows:
    """The windows of the convolution that is the transposed one."""
    (high, wide), _, (top, left), (down, right) = windows
    return windows._replace(padding=(down * (high - 1) - top, right * (wide - 1) - left))


def _turned(weight: Array, windows: Windows, groups: int, work: Work) -> tuple[Array, Windows]:
    """Weight and windows of the convolution that is the transposed one."""
    shape = (weight.shape[1] * groups, len(weight) // groups, *windows.kernel)
    turned = work("turned weight", shape, weight.dtype)
    _turn(weight, turned, groups)
    return turned, _about(windows)


def _turn(weight: Array, out: Array, groups: int) -> None:
    """`weight` with each window turned by 180 degrees and each group's channels in and out swapped."""
    grouped = weight.reshape(groups, -1, *weight.shape[1:])[..., ::-1, ::-1]
    np.copyto(out.reshape(groups, -1, *out.shape[1:]), grouped.swapaxes(1, 2))


def _split(maps: Array, groups: int) -> Array:
    """The channels as (groups, channels of a group)."""
    return maps.reshape(len(maps), groups, maps.shape[1] // groups, *maps.shape[2:])


def _matrices(weight: Array, i: int, j: int, groups: int) -> Array:
    """What each group multiplies its channels by at a place of the window: (groups, out, in)."""
    return weight[..., i, j].reshape(groups, -1, weight.shape[1])
