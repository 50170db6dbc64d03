"""Pictures of a sweep: a map of its values, and the curves of its trials. Needs the extra ``plot``."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_kind
from minidl.plots.figures import make_figure, save_figure
from minidl.sweep.listing import show_value
from minidl.sweep.maps import plot_heat_map as plot_heat_map
from minidl.sweep.objective import is_maximized, watched
from minidl.sweep.results import Results
from minidl.sweep.shades import calm_range, order

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minidl.sweep.row import Row

_ENDS = {"stopped": "o", "running": "o", "diverged": "x", "failed": "x"}
_MOST_NAMED = 10  # more colours than this are told apart by a bar, not by a legend


def plot_curves(results: Results, path: str | os.PathLike[str]) -> None:
    """Draw the objective of every trial over its steps, the best emphasized.

    Of an objective that is a function there are no curves: it is the accuracy then, or what else was
    measured at the epochs' ends. Lines are coloured by `lr`, or by the first key that varies where the
    rate does not. Those of trials that were stopped, or diverged, end early.

    Parameters
    ----------
    results : Results
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).

    Raises
    ------
    StateError
        If no trial is done.
    """
    best, varying = check_kind("plot_curves", "results", results, Results).best, results.varying
    key = "lr" if "lr" in varying else next(iter(varying), None)
    column = watched(results.objective, list(best.curve))
    percent = column.endswith("accuracy")
    palette = _palette(results, key)
    figure = make_figure((7.5, 4.3))
    axes = figure.subplots()
    empty = 0
    figures: list[float] = []
    for row in results.rows:
        colour, points = palette[_text(row, key)], _points(row, column)
        figures += points[1] if points and row.value is not None else []
        if not points:
            empty += 1
        elif row is best:
            axes.plot(*points, "o-", color="0.1", linewidth=4.6, markersize=6.5, zorder=3)
            axes.plot(*points, "o-", color=colour, linewidth=2.6, markersize=4.5, zorder=3)
        else:
            axes.plot(*points, color=colour, linewidth=1.0, alpha=0.8)
            if row.status in _ENDS:
                axes.plot(points[0][-1], points[1][-1], _ENDS[row.status], color=colour, markersize=4)
    if key:
        _add_key(axes, key, palette)
    note = f"   ({empty} of {len(results.rows)} trials ended before they had a point)" if empty else ""
    axes.set(xlabel=f"step{note}", ylabel=f"{column.replace('_', ' ')}{' (%)' * percent}", xlim=(0, None))
    if figures and not percent:  # what is far off, such as a loss before a divergence, would hide the others
        worst, top = calm_range(figures, maximize=is_maximized(column))
        margin = 0.05 * (top - worst)
        axes.set_ylim(min(worst - margin, top + margin), max(worst - margin, top + margin))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    which = f"Best of {len(results.rows)} trials: {results.describe(best)}, " if varying else "One trial: "
    title = f"{which}{results.title} {results.show(best.value)}"
    figure.suptitle(textwrap.fill(title, 92), fontsize=11, x=0.02, ha="left")
    save_figure(figure, path)


def _points(row: Row, column: str = "validation_accuracy") -> tuple[list[int], list[float]] | None:
    """Steps and figures: of the epochs, and the last, measured where it ended; accuracies in percent."""
    steps = row.curve["step"]
    pairs = list(zip(steps, row.curve.get(column) or [None] * len(steps), strict=True))
    if row.steps > max([0, *steps]):
        pairs.append((row.steps, getattr(row, column, row.metrics.get(column))))
    factor = 100 if column.endswith("accuracy") else 1
    pairs = [(step, factor * figure) for step, figure in pairs if figure is not None]
    return ([step for step, _ in pairs], [figure for _, figure in pairs]) if pairs else None


def _palette(results: Results, key: str | None) -> dict[str, Any]:
    """A colour for each value of `key`, in the values' order."""
    from matplotlib import colormaps

    if key is None:
        return {"": colormaps["viridis"](0.4)}
    values = sorted((row.configuration.get(key) for row in results.rows), key=order)
    texts = list(dict.fromkeys(map(show_value, values)))
    return dict(zip(texts, colormaps["viridis"](np.linspace(0, 0.9, len(texts))), strict=True))


def _text(row: Row, key: str | None) -> str:
    return "" if key is None else show_value(row.configuration.get(key))


def _add_key(axes: Axes, key: str, palette: dict[str, Any]) -> None:
    """Say which colour is which value: one by one, or where they are many by a bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.lines import Line2D

    texts = list(palette)
    if len(texts) <= _MOST_NAMED:
        lines = [Line2D([], [], color=palette[text], label=text) for text in texts]
        axes.figure.legend(handles=lines, title=key, frameon=False, loc="outside right center")
        return
    scale = ScalarMappable(Normalize(0, len(texts)), ListedColormap(list(palette.values())))
    bar = axes.figure.colorbar(scale, ax=axes, label=key)
    places = [round(place) for place in np.linspace(0, len(texts) - 1, 5)]
    bar.set_ticks([place + 0.5 for place in places], labels=[texts[place] for place in places])
