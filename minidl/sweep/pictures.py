"""Pictures of a sweep: a map of its values, and the curves of its trials. Needs the extra ``plot``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from minidl.checks import check_kind
from minidl.errors import ConfigurationError
from minidl.plots.figures import make_figure, save_figure
from minidl.sweep.results import Results, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minidl.sweep.trial import Row

_BEST = "#d95f02"
_ENDS = {"stopped": "o", "running": "o", "diverged": "x", "failed": "x"}
_MOST_NAMED = 10  # more colours than this are told apart by a bar, not by a legend


def plot_heat_map(results: Results, path: str | os.PathLike[str], x: str = "lr", y: str = "reg") -> None:
    """Draw the objective's value over two keys of the configuration, the best framed.

    Where other keys vary too, a cell shows the best over them. Where the two keys form no grid, as
    after a random search, each trial is a point.

    Parameters
    ----------
    results : Results
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    x, y : str
        The keys; their values must be numbers.

    Raises
    ------
    ConfigurationError
        If a configuration has no number under one of the keys.
    StateError
        If no trial is done.
    """
    best = check_kind("plot_heat_map", "results", results, Results).best
    _check_numbers(results, (x, y))
    cells: dict[tuple[float, float], Row] = {}
    for row in results.sorted():  # the best of a cell comes first
        cells.setdefault((row.configuration[x], row.configuration[y]), row)
    columns, lines = (sorted({place[axis] for place in cells}) for axis in (0, 1))
    if 2 * len(cells) >= len(columns) * len(lines):
        figure = make_figure((max(1.6 + 0.95 * len(columns), 4.5), 1.3 + 0.6 * len(lines)))
        axes = figure.subplots()
        _draw_cells(axes, results, best, cells, columns, lines)
    else:
        figure = make_figure((7.5, 5.0))
        axes = figure.subplots()
        points = _draw_points(axes, results, best, cells)
        figure.colorbar(points, ax=axes, format=lambda value, _: results.show(value, 1))
    others = [key for key in results.varying if key not in (x, y)]
    beyond = f", the best over {' and '.join(others)}" if others else ""
    axes.set(xlabel=x, ylabel=y)
    axes.set_title(results.title.capitalize() + beyond, fontsize=11, loc="left")
    save_figure(figure, path)


def plot_curves(results: Results, path: str | os.PathLike[str]) -> None:
    """Draw every trial's validation accuracy over its steps, the best emphasized.

    Lines are coloured by `lr`, or by the first key that varies where the rate does not. Those of
    trials that were stopped, or diverged, end early.

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
    palette = _palette(results, key)
    figure = make_figure((7.5, 4.3))
    axes = figure.subplots()
    empty = 0
    for row in results.rows:
        colour, points = palette[_text(row, key)], _points(row)
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
    axes.set(xlabel=f"step{note}", ylabel="validation accuracy (%)", xlim=(0, None))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    which = f"Best of {len(results.rows)} trials: {results.describe(best)}, " if varying else "One trial: "
    axes.set_title(f"{which}{results.title} {results.show(best.value)}", fontsize=11, loc="left")
    save_figure(figure, path)


def _check_numbers(results: Results, keys: tuple[str, str]) -> None:
    for key in keys:
        check_kind("plot_heat_map", "key", key, str)
        for row in results.rows:
            value = row.configuration.get(key)
            if not _is_number(value):
                expected = f"a number as {key!r} in every configuration"
                got = f"{value!r} in trial {row.trial}"
                raise ConfigurationError.expected("plot_heat_map", expected, got, "name other keys")


def _draw_cells(
    axes: Axes,
    results: Results,
    best: Row,
    cells: dict[tuple[float, float], Row],
    columns: list[float],
    lines: list[float],
) -> None:
    """A rectangle a cell, the better the darker; hatched where there is no value."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    worst, best_value = _range(results)
    for (x, y), row in cells.items():
        across, up = columns.index(x), lines.index(y)
        corner, size = (across - 0.48, up - 0.47), (0.96, 0.94)
        text: dict[str, Any] = {"x": across, "y": up, "ha": "center", "va": "center"}
        if row.value is None:
            axes.add_patch(Rectangle(corner, *size, fc="0.97", ec="0.85", hatch="////", lw=0))
            axes.text(**text, s=row.status, color="0.4", fontsize=8)
            continue
        shade = max((row.value - worst) / (best_value - worst), 0.0)
        ink = "white" if shade > 0.55 else "0.15"
        axes.add_patch(Rectangle(corner, *size, fc=colormaps["YlGnBu"](0.05 + 0.85 * shade), lw=0))
        if row is best:
            axes.add_patch(Rectangle(corner, *size, fill=False, ec=_BEST, lw=2.5, zorder=3))
        axes.text(**text, s=results.show(row.value), color=ink, weight="bold" if row is best else "normal")
        if row.status != "done":
            axes.text(
                across, up - 0.3, f"{row.steps:,} steps", ha="center", va="center", color=ink, fontsize=6.5
            )
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(lines) - 0.5))
    axes.set_xticks(range(len(columns)), [show_value(value) for value in columns])
    axes.set_yticks(range(len(lines)), [show_value(value) for value in lines])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_points(axes: Axes, results: Results, best: Row, cells: dict[tuple[float, float], Row]) -> Any:
    """A point a trial, a cross where there is no value; logarithmic axes where a range is wide."""
    from matplotlib.colors import Normalize

    valued = {place: row.value for place, row in cells.items() if row.value is not None}
    low, high = sorted(_range(results))
    shades = "YlGnBu" if results.maximize else "YlGnBu_r"
    xs, ys = zip(*valued, strict=True)
    points = axes.scatter(
        xs, ys, s=70, c=list(valued.values()), cmap=shades, norm=Normalize(low, high), ec="0.4", lw=0.5
    )
    for place, row in cells.items():
        if row.value is None:
            axes.plot(*place, "x", color="0.5", markersize=6)
        elif row is best:
            axes.plot(*place, "o", markersize=13, mfc="none", mec=_BEST, mew=2.5)
    for set_scale, places in zip((axes.set_xscale, axes.set_yscale), zip(*cells, strict=True), strict=True):
        if min(places) > 0 and max(places) > 20 * min(places):
            set_scale("log")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return points


def _range(results: Results) -> tuple[float, float]:
    """The values that get the lightest and the darkest colour.

    What lies far below the middle gets the lightest too, or one bad trial would make all good ones
    look alike.
    """
    values = np.array([row.value for row in results.rows if row.value is not None])
    best = values.max() if results.maximize else values.min()
    worst = values.min() if results.maximize else values.max()
    reach = min(abs(best - worst), 3 * abs(best - np.median(values))) or abs(best - worst) or 1.0
    return float(best - reach if results.maximize else best + reach), float(best)


def _points(row: Row) -> tuple[list[int], list[float]] | None:
    """Steps and accuracies in percent: those of the epochs, and the last, measured where it ended."""
    pairs = list(zip(row.curve["step"], row.curve["validation_accuracy"], strict=True))
    if row.steps > max([0, *row.curve["step"]]):
        pairs.append((row.steps, row.validation_accuracy))
    pairs = [(step, 100 * accuracy) for step, accuracy in pairs if accuracy is not None]
    return ([step for step, _ in pairs], [accuracy for _, accuracy in pairs]) if pairs else None


def _palette(results: Results, key: str | None) -> dict[str, Any]:
    """A colour for each value of `key`, in the values' order."""
    from matplotlib import colormaps

    if key is None:
        return {"": colormaps["viridis"](0.4)}
    values = sorted((row.configuration.get(key) for row in results.rows), key=_order)
    texts = list(dict.fromkeys(map(show_value, values)))
    return dict(zip(texts, colormaps["viridis"](np.linspace(0, 0.9, len(texts))), strict=True))


def _text(row: Row, key: str | None) -> str:
    return "" if key is None else show_value(row.configuration.get(key))


def _order(value: object) -> tuple[bool, float, str]:
    return (False, float(value), "") if _is_number(value) else (True, 0.0, str(value))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
