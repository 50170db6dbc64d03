"""What the first layer has learned to look for: its weights as images."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_sizes
from minidl.errors import ShapeError
from minidl.plots.figures import make_figure, save_figure
from minidl.plots.tiles import is_image, tile

_MOST_TILES = 400


def plot_weights(weight: npt.ArrayLike, sample_shape: Sequence[int], path: str | os.PathLike[str]) -> None:
    """Draw the first layer's weights: one tile a unit, each scaled by itself.

    Good weights show structure, such as strokes, edges and colours; bad ones noise.

    Parameters
    ----------
    weight : array of shape (features, units)
    sample_shape : sequence of int
        ``(height, width)`` or ``(1, height, width)`` for grey images, ``(3, height, width)`` for
        RGB; any other shape is drawn as one map of features by units.
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    """
    weight = check_array("plot_weights", "weight", weight).astype(float)
    sample_shape = check_sizes("plot_weights", "sample_shape", sample_shape, at_least=1)
    if weight.ndim != 2 or math.prod(sample_shape) != len(weight) or not weight.size:
        expected = f"weight of shape ({math.prod(sample_shape)}, units)"
        raise ShapeError.expected("plot_weights", expected, weight.shape)
    units = weight.shape[1]
    if not is_image(sample_shape):
        figure = make_figure((7.5, 4.5))
        axis = figure.subplots()
        limit = float(np.abs(weight).max()) or 1.0
        image = axis.imshow(
            weight, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
        )
        axis.locator_params(integer=True)
        axis.set(xlabel="hidden unit", ylabel="feature", title=f"Weights of {units} units")
        figure.colorbar(image, ax=axis)
        return save_figure(figure, path)
    shown = min(units, _MOST_TILES)
    height, width = sample_shape[-2:]
    tiles = weight[:, :shown].T.reshape(shown, -1, height, width).transpose(0, 2, 3, 1)
    columns = math.ceil(math.sqrt(1.3 * shown * height / width))
    grid = tile(tiles, columns)
    size = 7.5
    figure = make_figure((size, size * grid.shape[0] / grid.shape[1] + 0.4))
    axis = figure.subplots()
    axis.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    which = f"{units} units" if shown == units else f"the first {shown} of {units} units"
    axis.set_title(f"First layer's weights, {which}, each scaled by itself", fontsize=10)
    axis.set_axis_off()
    return save_figure(figure, path)
