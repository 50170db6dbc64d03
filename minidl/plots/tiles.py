"""Images side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_array
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import make_figure
from minidl.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIDE, _GAP, _LINE, _MARGIN = (
    1.1,
    0.14,
    0.15,
    0.1,
)  # inches: a tile, between tiles, a line of text, around all


def is_image(shape: Sequence[int]) -> bool:
    """Whether samples of this shape are grey images, (H, W) or (1, H, W), or RGB ones, (3, H, W)."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def as_images(where: str, name: str, images: object) -> Array:
    """Images as floats (N, H, W, 1 or 3), as they are laid out for drawing."""
    array = check_array(where, name, images)
    if not array.ndim or not is_image(array.shape[1:]) or not array.size:
        expected = f"{name} of shape (N, H, W), (N, 1, H, W) or (N, 3, H, W)"
        raise ShapeError.expected(where, expected, array.shape)
    array = array.astype(float)
    if not np.isfinite(array).all():
        raise DataError.expected(where, f"{name} of finite numbers", "NaN or an infinity")
    return array.reshape(len(array), -1, *array.shape[-2:]).transpose(0, 2, 3, 1)


def scaled(images: Array, *, each: bool = False) -> Array:
    """`images` (count, height, width, channels) in [0, 1]: all on one scale, or each on its own."""
    axes = (1, 2, 3) if each else None
    low, high = images.min(axis=axes, keepdims=True), images.max(axis=axes, keepdims=True)
    result: Array = (images - low) / np.where(high > low, high - low, 1.0)
    return result


def tile(tiles: Array, columns: int) -> Array:
    """One image of all `tiles` (count, height, width, channels), scaled to [0, 1] each by itself."""
    count, height, width, channels = tiles.shape
    rows = -(-count // columns)
    gap = 1 + max(height, width) // 16
    grid = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, channels))
    for index, image in enumerate(scaled(tiles, each=True)):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        grid[top : top + height, left : left + width] = image
    return grid


def tiles_figure(
    tiles: Mapping[tuple[int, int], Array],
    *,
    captions: Mapping[tuple[int, int], str] | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str,
) -> Figure:
    """A figure of images in [0, 1], each at its (row, column), with what stands below and beside them.

    Parameters
    ----------
    tiles : mapping of (row, column) to arrays of shape (H, W, channels)
    captions : mapping of (row, column) to str, optional
        The lines below a tile.
    rows, columns : sequence of str
        What stands left of each row, and above each column.
    title : str
    """
    captions = captions or {}
    down = max([row + 1 for row, _ in tiles] + [len(rows)])
    across = max([column + 1 for _, column in tiles] + [len(columns), 3])
    lines = max((text.count("\n") + 1 for text in captions.values()), default=0)
    left = 0.08 * max((len(line) for text in rows for line in text.split("\n")), default=0) + _MARGIN
    top = 2.2 * _LINE + (1.5 * _LINE if columns else 0)
    step = _SIDE + _GAP + lines * _LINE
    wide, high = left + across * (_SIDE + _GAP) + _MARGIN, top + down * step + _MARGIN
    figure = make_figure((wide, high))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(high, 0), aspect="equal")
    axes.set_axis_off()

    def write(x: float, y: float, text: str, **how: Any) -> None:
        axes.text(x, y, text, va="top", parse_math=False, **{"fontsize": 7, "linespacing": 1.15, **how})

    write(_MARGIN, _MARGIN, title, fontsize=10)
    for row, text in enumerate(rows):
        write(_MARGIN, top + row * step + _SIDE / 2 - _LINE, text)
    for column, text in enumerate(columns):
        write(left + column * (_SIDE + _GAP) + _SIDE / 2, top - 1.2 * _LINE, text, ha="center")
    for (row, column), image in tiles.items():
        height, width = (_SIDE * side / max(image.shape[:2]) for side in image.shape[:2])
        x = left + column * (_SIDE + _GAP) + (_SIDE - width) / 2
        y = top + row * step + (_SIDE - height) / 2
        place = x, x + width, y + height, y
        axes.imshow(image, cmap="gray", vmin=0, vmax=1, extent=place, interpolation="nearest")
        if text := captions.get((row, column), ""):
            write(x + width / 2, top + row * step + _SIDE + 0.03, text, ha="center")
    axes.set(xlim=(0, wide), ylim=(high, 0))  # imshow fits them to its image
    return figure
