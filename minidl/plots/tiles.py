"""Images side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minidl.checks import check_array
from minidl.errors import DataError, ShapeError
from minidl.plots.figures import ORANGE, make_figure
from minidl.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Box: TypeAlias = tuple[float, float, float, float]

_SIDE, _GAP, _LINE, _MARGIN = 1.1, 0.13, 0.15, 0.1  # inches: a tile, between tiles, a line, around all
_GREY = "#999999"
# ColorBrewer's RdBu of five classes, from the lowest weight by 0 to the highest.
_DIVERGING = np.array([[5, 113, 176], [146, 197, 222], [247, 247, 247], [244, 165, 130], [202, 0, 32]]) / 255


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


def coloured(weights: Array) -> Array:
    """`weights` (count, height, width, channels) as RGB in [0, 1], each on its own scale.

    Of one channel, blue is below 0, white 0, and red above; three channels are the colours themselves.
    """
    if weights.shape[-1] == 3:
        return scaled(weights, each=True)
    highest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    places = (weights / np.where(highest > 0, highest, 1.0))[..., 0]
    return np.stack([np.interp(places, np.linspace(-1, 1, 5), one) for one in _DIVERGING.T], axis=-1)


def colour_note(weights: Array) -> str:
    """What the colours say that `coloured` gives."""
    return "each scaled by itself" + (": red above 0, blue below" if weights.shape[-1] == 1 else "")


def mosaic(tiles: Array, columns: int) -> tuple[Array, list[Box]]:
    """One image of all `tiles` (count, height, width, 3) with white gaps, and the edges of each in it."""
    finer = -(-8 // max(tiles.shape[1:3]))  # so that a gap, which is a pixel at least, is narrow
    tiles = tiles.repeat(finer, axis=1).repeat(finer, axis=2)
    count, height, width, _ = tiles.shape
    gap = 1 + max(height, width) // 10
    grid = np.ones((-(-count // columns) * (height + gap) + gap, columns * (width + gap) + gap, 3))
    edges = []
    for place, image in enumerate(tiles):
        top, left = (
            part * size + gap
            for part, size in zip(divmod(place, columns), (height + gap, width + gap), strict=True)
        )
        grid[top : top + height, left : left + width] = image
        edges.append((left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5))
    return grid, edges


def tiles_figure(
    tiles: Mapping[tuple[int, int], Array],
    *,
    captions: Mapping[tuple[int, int], str] | None = None,
    boxes: Mapping[tuple[int, int], Box] | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    title: str,
    note: str = "",
) -> Figure:
    """A figure of images in [0, 1], each at its (row, column), with what stands below and beside them.

    Parameters
    ----------
    tiles : mapping of (row, column) to arrays of shape (H, W, channels)
    captions : mapping of (row, column) to str, optional
        The lines below a tile.
    boxes : mapping of (row, column) to (left, top, right, bottom), optional
        The edges of a box that marks a part of a tile, in its pixels.
    rows, columns : sequence of str
        What stands left of each row, and above each column.
    title, note : str
        The note stands below the title, in small letters.
    """
    captions, boxes = captions or {}, boxes or {}
    down = max([row + 1 for row, _ in tiles] + [len(rows)])
    across = max([column + 1 for _, column in tiles] + [len(columns)])
    lines = max((text.count("\n") + 1 for text in captions.values()), default=0)
    left = 0.08 * max((len(line) for text in rows for line in text.split("\n")), default=0) + _MARGIN
    top = _MARGIN + (2.2 + 1.1 * bool(note) + 1.2 * bool(columns)) * _LINE
    shapes = [image.shape[:2] for image in tiles.values()] or [(1, 1)]
    cell_high, cell_wide = (_SIDE * max(each[axis] / max(each) for each in shapes) for axis in (0, 1))
    step, stride = cell_high + _GAP + lines * _LINE, cell_wide + _GAP
    texts = max(0.078 * len(title), 0.056 * len(note))  # inches, roughly
    wide, high = max(left + across * stride, texts + _MARGIN) + _MARGIN, top + down * step + _MARGIN
    figure = make_figure((wide, high))  # first: it says which extra is missing
    from matplotlib.image import AxesImage

    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()

    def write(x: float, y: float, text: str, **how: Any) -> None:
        """Each line on a baseline of its own: above a slash, `va="top"` would leave more room."""
        for number, line in enumerate(text.split("\n")):
            how = {"fontsize": 7, **how}
            axes.text(x, y + (number + 0.75) * _LINE, line, va="baseline", parse_math=False, **how)

    write(_MARGIN, _MARGIN, title, fontsize=10)
    if note:
        write(_MARGIN, _MARGIN + 1.4 * _LINE, note)
    for row, text in enumerate(rows):
        middle = top + row * step + cell_high / 2
        write(_MARGIN, middle - (text.count("\n") + 1) * _LINE / 2, text)
    for column, text in enumerate(columns):
        write(left + column * stride + cell_wide / 2, top - 1.2 * _LINE, text, ha="center")
    frames, marks = [], []
    for (row, column), image in tiles.items():
        pixel = _SIDE / max(image.shape[:2])
        height, width = (pixel * pixels for pixels in image.shape[:2])
        x = left + column * stride + (cell_wide - width) / 2
        y = top + row * step + (cell_high - height) / 2
        place = x, x + width, y + height, y
        drawn = AxesImage(axes, cmap="gray", extent=place, interpolation="nearest")  # imshow takes longer
        drawn.set(data=image, clim=(0, 1))
        axes.add_image(drawn)
        frames.append((x, y, x + width, y + height))
        if box := boxes.get((row, column)):
            marks.append((x + pixel * box[0], y + pixel * box[1], x + pixel * box[2], y + pixel * box[3]))
        if text := captions.get((row, column), ""):
            write(x + width / 2, top + row * step + cell_high + 0.03, text, ha="center")
    axes.set(xlim=(0, wide), ylim=(high, 0), aspect="equal")
    add_boxes(axes, frames)
    add_boxes(axes, marks, ORANGE, 1.2)
    return figure


def add_boxes(axes: Axes, edges: Sequence[Box], colour: str = _GREY, line: float = 0.5) -> None:
    """Draw boxes, of whose edges we know left, top, right and bottom."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    boxes = [Rectangle((left, top), right - left, bottom - top) for left, top, right, bottom in edges]
    # Above the images, which would cover the inner half of the lines.
    axes.add_collection(
        PatchCollection(boxes, facecolor="none", edgecolor=colour, linewidth=line, zorder=3), autolim=False
    )
