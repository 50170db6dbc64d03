"""The curves of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence

import numpy as np

from minidl.advice import shown
from minidl.checks import check_kind
from minidl.errors import DataError
from minidl.plots.figures import BLUE, ORANGE, make_figure, save_figure
from minidl.plots.smoothing import smooth
from minidl.types import Array

_COLOURS = {"train": BLUE, "validation": ORANGE}


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
