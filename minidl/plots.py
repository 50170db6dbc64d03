"""Pictures of a run: its curves, and the weights of a first layer. Needs the extra ``plot``."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minidl.advice import shown
from minidl.checks import check_array, check_int, check_kind, check_sizes
from minidl.errors import ConfigurationError, DataError, MissingExtraError, ShapeError
from minidl.files import as_path, atomic_write
from minidl.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_history", "plot_weights", "smooth"]

_MOST_TILES = 400
_COLOURS = {"train": "#1f77b4", "validation": "#d95f02"}


def smooth(values: npt.ArrayLike, window: int) -> Array:
    """The running mean over `window` neighbours, narrower towards the ends; same length.

    What is not finite is left out; NaN where nothing else is near.
    """
    values = check_array("smooth", "values", values).astype(float)
    if values.ndim != 1:
        raise ShapeError.expected("smooth", "values of shape (count,)", values.shape)
    known = np.isfinite(values)
    half = min(check_int("smooth", "window", window, at_least=1) // 2, len(values))
    sums, counts = (
        np.concatenate([[0.0], np.cumsum(column)]) for column in (np.where(known, values, 0.0), known)
    )
    index = np.arange(len(values))
    reach = np.minimum(np.minimum(index, index[::-1]), half)
    above, below = index + reach + 1, index - reach
    near = counts[above] - counts[below]
    means = np.full(len(values), np.nan)
    np.divide(sums[above] - sums[below], near, out=means, where=near > 0)
    return means


def plot_history(
    steps: Mapping[str, Sequence[float]],
    epochs: Mapping[str, Sequence[float | None]],
    path: str | os.PathLike[str],
) -> None:
    """Draw the loss per step, raw and smoothed, over the first metric per epoch.

    Parameters
    ----------
    steps, epochs : columns of a `History`
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    """
    (loss,) = _columns("steps", steps, "loss")
    if not len(loss):
        raise DataError.expected("plot_history", "a history with at least one step", "an empty one")
    metric = _first_metric(epochs)
    columns = _columns("epochs", epochs, *(f"{part}_{metric}" for part in _COLOURS)) if metric else []
    measured = dict(zip(_COLOURS, columns, strict=False))
    rows = 1 + any(map(len, measured.values()))
    figure = make_figure((7.5, 3.2 * rows))
    axes = np.atleast_1d(figure.subplots(rows, 1))

    count = np.arange(1, len(loss) + 1)
    axes[0].plot(count, loss, color=_COLOURS["train"], alpha=0.3, linewidth=0.8, label="each step")
    smoothed = smooth(loss, max(len(loss) // 25, 1))
    axes[0].plot(count, smoothed, color=_COLOURS["train"], linewidth=1.8, label="smoothed")
    axes[0].set(xlabel="step", ylabel="loss (with penalty)", xlim=(0, len(loss) + 1))
    known = loss[np.isfinite(loss)]
    if known.size and known.min() > 0 and np.nanmax(smoothed) > 20 * np.nanmin(smoothed):
        axes[0].set_yscale("log")  # or all but the start would be one flat line
    else:
        axes[0].set_ylim(bottom=0)

    scale, unit = (100, "%") if metric == "accuracy" else (1, "")
    for part, column in measured.items():
        points = [(epoch, scale * value) for epoch, value in enumerate(column, 1) if math.isfinite(value)]
        if points:
            epoch, values = zip(*points, strict=True)
            last = f"{values[-1]:.1f}%" if unit else f"{values[-1]:.4g}"
            label = f"{part}, {last} at the end"
            axes[1].plot(epoch, values, "o-", color=_COLOURS[part], markersize=3, label=label)
            axes[1].set(xlabel="epoch", ylabel=metric.replace("_", " ") + (f" ({unit})" if unit else ""))
            axes[1].xaxis.get_major_locator().set_params(integer=True)
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    save_figure(figure, path)


def _first_metric(epochs: Mapping[str, Sequence[float | None]]) -> str:
    """The name of the first metric that a history has columns of; "" where there is none."""
    check_kind("plot_history", "epochs", epochs, Mapping)
    names = (name.removeprefix("train_") for name in epochs if str(name).startswith("train_"))
    return next((name for name in names if name != "loss"), "")


def _columns(name: str, table: Mapping[str, Sequence[float | None]], *wanted: str) -> list[Array]:
    """The columns `wanted` of a history's table; NaN where it has None."""
    check_kind("plot_history", name, table, Mapping)
    try:
        return [np.array([math.nan if x is None else float(x) for x in table[key]]) for key in wanted]
    except (KeyError, TypeError, ValueError):
        expected = f"{name} with columns of numbers {', '.join(wanted)}, as a History has them"
        raise DataError.expected("plot_history", expected, shown(table)) from None


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
    is_image = len(sample_shape) == 2 or (len(sample_shape) == 3 and sample_shape[0] in (1, 3))
    if not is_image:
        figure = make_figure((7.5, 4.5))
        axis = figure.subplots()
        limit = float(np.abs(weight).max()) or 1.0
        image = axis.imshow(
            weight, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="none"
        )
        axis.set(xlabel="hidden unit", ylabel="feature", title=f"Weights of {units} units")
        figure.colorbar(image, ax=axis)
        return save_figure(figure, path)
    shown = min(units, _MOST_TILES)
    height, width = sample_shape[-2:]
    tiles = weight[:, :shown].T.reshape(shown, -1, height, width).transpose(0, 2, 3, 1)
    columns = math.ceil(math.sqrt(1.3 * shown * height / width))
    grid = _tile(tiles, columns)
    size = 7.5
    figure = make_figure((size, size * grid.shape[0] / grid.shape[1] + 0.4))
    axis = figure.subplots()
    axis.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    which = f"{units} units" if shown == units else f"the first {shown} of {units} units"
    axis.set_title(f"First layer's weights, {which}, each scaled by itself", fontsize=10)
    axis.set_axis_off()
    return save_figure(figure, path)


def _tile(tiles: Array, columns: int) -> Array:
    """One image of all `tiles` (count, height, width, channels), scaled to [0, 1] each by itself."""
    count, height, width, channels = tiles.shape
    low, high = tiles.min(axis=(1, 2, 3), keepdims=True), tiles.max(axis=(1, 2, 3), keepdims=True)
    scaled = (tiles - low) / np.where(high > low, high - low, 1.0)
    rows = -(-count // columns)
    gap = 1 + max(height, width) // 16
    grid = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, channels))
    for index, tile in enumerate(scaled):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        grid[top : top + height, left : left + width] = tile
    return grid


def make_figure(size: tuple[float, float]) -> Figure:
    """A figure of `size` inches; `MissingExtraError` without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("plotting", "matplotlib", "plot") from None
    # A figure of its own, not pyplot's: no window, no global state.
    return Figure(figsize=size, dpi=120, layout="constrained")


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write the figure, whole or not at all; the suffix of `path` gives the format."""
    suffix = as_path("plot", path).suffix.lstrip(".").lower()
    known = figure.canvas.get_supported_filetypes()
    if suffix not in known:
        raise ConfigurationError.expected("plot", f"a file name ending in one of {sorted(known)}", str(path))
    with atomic_write(path) as file:
        figure.savefig(file, format=suffix)
