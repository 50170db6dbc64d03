"""What the first layer has learned to look for: its weights as images."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_kind, check_sizes
from minidl.errors import ShapeError
from minidl.plots.figures import make_figure, save_figure, short_names
from minidl.plots.tiles import add_boxes, colour_note, coloured, is_image, mosaic
from minidl.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_TILES = 400
_MOST_NAMES = 50


def plot_weights(
    weight: npt.ArrayLike,
    sample_shape: Sequence[int],
    path: str | os.PathLike[str],
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
) -> None:
    """Draw the first layer's weights: one tile a unit, each scaled by itself.

    Weights of grey images are blue below 0 and red above. Good weights show structure, such as strokes,
    edges and colours; bad ones noise.

    Parameters
    ----------
    weight : array of shape (features, units), or (units, channels, *kernel_size)
        An affine layer's, or a convolution's.
    sample_shape : sequence of int
        What a unit looks at: ``(height, width)`` or ``(1, height, width)`` of grey images, ``(3, height,
        width)`` of RGB, for a convolution with the height and width of its kernel. Any other shape is
        drawn as one map of features by units.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    names : sequence of str, optional
        Of the features, which stand beside the rows of a map: the columns of a table.
    title : str, optional

    Raises
    ------
    ShapeError, DTypeError, ConfigurationError
    """
    weight = check_array("plot_weights", "weight", weight).astype(float)
    sample_shape = check_sizes("plot_weights", "sample_shape", sample_shape, at_least=1)
    features = math.prod(sample_shape)
    if weight.ndim > 2 and math.prod(weight.shape[1:]) == features:
        weight = weight.reshape(len(weight), -1).T
    if weight.ndim != 2 or features != len(weight) or not weight.size:
        shape = f"({features}, units)"
        if weight.ndim > 2:
            shape = f"(units, channels, *kernel_size) with {features} numbers a unit, or {shape}"
        raise ShapeError.expected("plot_weights", f"weight of shape {shape}", weight.shape)
    units = weight.shape[1]
    rows = None if names is None else short_names("plot_weights", names, features)
    if title is not None:
        check_kind("plot_weights", "title", title, str)
    title = title or f"First layer's weights, {units} units"
    if not is_image(sample_shape):
        return save_figure(_map(weight, rows, title), path)
    shown = min(units, _MOST_TILES)
    height, width = sample_shape[-2:]
    tiles = weight[:, :shown].T.reshape(shown, -1, height, width).transpose(0, 2, 3, 1)
    down = math.ceil(shown / math.ceil(math.sqrt(1.3 * shown * height / width)))
    across = math.ceil(shown / down)  # no more than the rows need, so that the last one is nearly full
    note = colour_note(tiles) if shown == units else f"the first {shown} of them, {colour_note(tiles)}"
    return save_figure(_tiles(coloured(tiles), across, title, note), path)


def _tiles(tiles: Array, across: int, title: str, note: str) -> Figure:
    """A tile a unit, each in a frame."""
    grid, edges = mosaic(tiles, across)
    size, head = min(7.5, 1.25 * across), 0.5  # inches
    high = size * len(grid) / grid.shape[1]
    wide = max(size, 0.08 * len(title) + 0.3, 0.06 * len(note) + 0.3)
    figure = make_figure((wide, high + head))
    figure.set_layout_engine("none")  # which takes as long as all the rest
    axis = figure.add_axes((0, 0, size / wide, high / (high + head)))
    known = np.nan_to_num(grid, nan=1.0)  # a unit with NaN, in a net that diverged, is an empty frame
    axis.imshow((known * 255).astype(np.uint8), interpolation="nearest")
    add_boxes(axis, edges)
    axis.set_axis_off()
    for up, text, letters in ((0.3, title, 10), (0.1, note, 7)):
        figure.text(0.1 / wide, (high + up) / (high + head), text, fontsize=letters, parse_math=False)
    return figure


def _map(weight: Array, names: list[str] | None, title: str) -> Figure:
    """All weights in one map, a row a feature."""
    features = len(weight)
    rows = range(0, features, -(-features // _MOST_NAMES))  # of many features, those that have room
    figure = make_figure((7.5, max(4.5, 0.19 * len(rows) + 1.2 if names else 0)))
    axis = figure.subplots()
    limit = float(np.abs(weight).max()) or 1.0
    image = axis.imshow(weight, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none")
    axis.locator_params(integer=True)
    axis.set(xlabel="unit", ylabel="" if names else "feature")
    if names:
        axis.set_yticks(list(rows), [names[row] for row in rows], fontsize=8, parse_math=False)
    axis.set_title(title, parse_math=False)
    figure.colorbar(image, ax=axis)
    return figure
