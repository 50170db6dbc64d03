"""The curves of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_kind
from minidl.errors import DataError
from minidl.plots.figures import BLUE, ORANGE, make_figure, save_figure
from minidl.plots.smoothing import smooth
from minidl.tables import is_share, metric_names
from minidl.types import Array

_COLOURS = {"train": BLUE, "validation": ORANGE}


def plot_history(
    steps: Mapping[str, Sequence[float]],
    epochs: Mapping[str, Sequence[float | None]],
    path: str | os.PathLike[str],
) -> None:
    """Draw the loss per step, raw and smoothed, over each metric per epoch.

    Parameters
    ----------
    steps, epochs : columns of a `History`
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    """
    (loss,) = _columns("steps", steps, "loss")
    if not len(loss):
        raise DataError.expected("plot_history", "a history with at least one step", "an empty one")
    check_kind("plot_history", "epochs", epochs, Mapping)
    metrics = [name for name in metric_names(epochs) if name != "loss"]
    keys = {name: [key for part in _COLOURS if (key := f"{part}_{name}") in epochs] for name in metrics}
    columns = {
        name: dict(zip(own, _columns("epochs", epochs, *own), strict=True)) for name, own in keys.items()
    }
    columns = {name: parts for name, parts in columns.items() if any(map(len, parts.values()))}
    figure = make_figure((7.5, 3.2 * (1 + len(columns))))
    axes = np.atleast_1d(figure.subplots(1 + len(columns), 1))

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

    for axis, (metric, parts) in zip(axes[1:], columns.items(), strict=True):
        _draw_metric(axis, metric, parts)
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.get_legend_handles_labels()[0]:  # of a metric that is NaN throughout, there is none
            axis.legend(frameon=False)
    save_figure(figure, path)


def _draw_metric(axis: Any, metric: str, columns: Mapping[str, Array]) -> None:
    """A metric per epoch, of training and validation."""
    scale, unit = (100, "%") if is_share(metric) else (1, "")
    for key, column in columns.items():
        part = key.partition("_")[0]
        points = [(epoch, scale * value) for epoch, value in enumerate(column, 1) if math.isfinite(value)]
        if points:
            epoch, values = zip(*points, strict=True)
            last = f"{values[-1]:.1f}%" if unit else f"{values[-1]:.4g}"
            axis.plot(
                epoch, values, "o-", color=_COLOURS[part], markersize=3, label=f"{part}, {last} at the end"
            )
    axis.set(xlabel="epoch", ylabel=metric.replace("_", " ") + (f" ({unit})" if unit else ""))
    axis.xaxis.get_major_locator().set_params(integer=True)


def _columns(name: str, table: Mapping[str, Sequence[float | None]], *wanted: str) -> list[Array]:
    """The columns `wanted` of a history's table; NaN where it has None."""
    check_kind("plot_history", name, table, Mapping)
    try:
        return [np.array([math.nan if x is None else float(x) for x in table[key]]) for key in wanted]
    except (KeyError, TypeError, ValueError):
        expected = f"{name} with columns of numbers {', '.join(wanted)}, as a History has them"
        raise DataError.expected("plot_history", expected, shown(table)) from None
