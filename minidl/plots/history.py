"""The curves of a run."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.checks import check_int, check_kind
from minidl.errors import DataError
from minidl.plots.figures import BLUE, ORANGE, make_figure, save_figure
from minidl.plots.smoothing import smooth
from minidl.tables import is_share, metric_names
from minidl.types import Array

_COLOURS = {"train": BLUE, "validation": ORANGE}
_MOST_MARKERS = 60  # of more epochs, they would merge into a band


def plot_history(
    steps: Mapping[str, Sequence[float]],
    epochs: Mapping[str, Sequence[float | None]],
    path: str | os.PathLike[str],
    *,
    unfinished: Mapping[str, float | None] | None = None,
    kept_epoch: int | None = None,
) -> None:
    """Draw the loss per step, raw and smoothed, over each metric per epoch.

    The loss per epoch is among these where there is a validation loss, beside which it stands.

    Parameters
    ----------
    steps, epochs : columns of a `History`
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    unfinished : dict, optional
        The numbers of an epoch that is not at its end, as `History.unfinished`: a hollow point.
    kept_epoch : int, optional
        The epoch whose values the net holds, as `History.kept_epoch`: a line, and its numbers.
    """
    (loss,) = _columns("steps", steps, "loss")
    if not len(loss):
        raise DataError.expected("plot_history", "a history with at least one step", "an empty one")
    check_kind("plot_history", "epochs", epochs, Mapping)
    if kept_epoch is not None:
        kept_epoch = check_int("plot_history", "kept_epoch", kept_epoch, at_least=1)
    unfinished = {} if unfinished is None else check_kind("plot_history", "unfinished", unfinished, Mapping)
    rows = {name: [unfinished.get(name)] for name in epochs} if unfinished else {}
    panels = []
    for metric in metric_names(epochs):
        keys = [key for part in _COLOURS if (key := f"{part}_{metric}") in epochs]
        columns = dict(zip(keys, _columns("epochs", epochs, *keys), strict=True))
        last = dict(zip(keys, _columns("unfinished", rows, *keys), strict=True)) if rows else {}
        parts = {key: np.append(column, last.get(key, ())) for key, column in columns.items()}
        known = [key for key, values in parts.items() if np.isfinite(values).any()]
        if any(map(len, parts.values())) and (metric != "loss" or "validation_loss" in known):
            panels.append((metric, parts))
    figure = make_figure((7.5, 3.2 * (1 + len(panels))))
    axes = np.atleast_1d(figure.subplots(1 + len(panels), 1))

    numbers = np.arange(1, len(loss) + 1)
    axes[0].plot(numbers, loss, color=_COLOURS["train"], alpha=0.3, linewidth=0.8, label="each step")
    smoothed = smooth(loss, max(len(loss) // 25, 1), keeps_start=True)
    axes[0].plot(numbers, smoothed, color=_COLOURS["train"], linewidth=1.8, label="smoothed")
    axes[0].set(xlabel="step", ylabel="loss (and any penalty)", xlim=(0, len(loss) + 1))
    _scale_losses(axes[0], loss, smoothed)

    count = max((len(values) for _, parts in panels for values in parts.values()), default=0)
    places = _places(count, epochs, rows)
    for axis, (metric, parts) in zip(axes[1:], panels, strict=True):
        _draw_metric(axis, metric, parts, places, kept_epoch, bool(rows))
    for axis in axes:
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        if axis.get_legend_handles_labels()[0]:  # of a metric that is NaN throughout, there is none
            axis.legend(frameon=False)
    save_figure(figure, path)


def _scale_losses(axis: Any, losses: Array, curve: Array) -> None:
    """From 0 on, or in powers of ten where all but a curve's start would be one flat line."""
    known = losses[np.isfinite(losses)]
    if known.size and known.min() > 0 and np.nanmax(curve) > 20 * np.nanmin(curve):
        axis.set_yscale("log")
    elif not known.size or known.min() >= 0:
        axis.set_ylim(bottom=0)


def _places(count: int, epochs: Mapping[str, Sequence[float | None]], unfinished: Mapping[str, Any]) -> Array:
    """Where `count` epochs stand: at 1, 2, …; an unfinished one as far behind the last as it has come."""
    places = np.arange(1.0, count + 1)
    if unfinished:
        (ends,) = _columns("epochs", epochs, "step")
        ((step,),) = _columns("unfinished", unfinished, "step")
        last = [0.0, *ends][-2:]
        done = (step - last[1]) / max(last[1] - last[0], 1) if len(last) > 1 else 0.5
        places[-1:] += min(max(done, 0.1), 1.0) - 1
    return places


def _draw_metric(
    axis: Any, metric: str, columns: Mapping[str, Array], places: Array, kept: int | None, cut: bool
) -> None:
    """A metric per epoch, of training and validation; where the last is `cut` off, its point is hollow."""
    scale, unit = (100, "%") if is_share(metric) else (1, "")

    def written(value: float) -> str:
        return f"{scale * value:.1f}%" if unit else f"{value:.4g}"

    marker = "o" if len(places) <= _MOST_MARKERS else None
    at_kept = []
    for key, column in columns.items():
        part = key.partition("_")[0]
        (known,) = np.isfinite(column).nonzero()
        if not known.size:
            continue
        says = "train (while training)" if part == "train" else part
        style = {"color": _COLOURS[part], "markersize": 3}
        label = f"{says}, {written(column[known[-1]])} at the end"
        axis.plot(places[known], scale * column[known], marker=marker, label=label, **style)
        if cut and known[-1] == len(places) - 1:
            axis.plot(
                places[-1], scale * column[-1], "o", markerfacecolor="white", **style | {"markersize": 6}
            )
        if kept and kept <= len(column) and math.isfinite(column[kept - 1]):
            at_kept.append(f"{part} {written(column[kept - 1])}")
    if at_kept:
        label = f"kept epoch {kept}: {', '.join(at_kept)}"
        axis.axvline(kept, color="0.3", linestyle="--", linewidth=1, label=label)
    if len(places) == 1 and cut:
        axis.set_xlim(0, 1)
    axis.set(
        xlabel="epoch" + " (hollow: unfinished)" * cut,
        ylabel=metric.replace("_", " ") + (f" ({unit})" if unit else ""),
    )
    if metric == "loss":
        axis.set_ylabel("loss (no penalty)")
        values = np.concatenate([*columns.values()])
        _scale_losses(axis, values, values)
    axis.xaxis.get_major_locator().set_params(integer=True)


def _columns(name: str, table: Mapping[str, Sequence[float | None]], *wanted: str) -> list[Array]:
    """The columns `wanted` of a history's table; NaN where it has None."""
    check_kind("plot_history", name, table, Mapping)
    try:
        return [np.array([math.nan if x is None else float(x) for x in table[key]]) for key in wanted]
    except (KeyError, TypeError, ValueError):
        expected = f"{name} with columns of numbers {', '.join(wanted)}, as a History has them"
        raise DataError.expected("plot_history", expected, shown(table)) from None
