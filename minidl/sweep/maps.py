"""The objective over the keys of the configurations: a map of two, or of one a line."""

from __future__ import annotations

import math
import os
import textwrap
from typing import TYPE_CHECKING, Any

from minidl.checks import check_kind
from minidl.errors import ConfigurationError
from minidl.plots.figures import make_figure, save_figure
from minidl.sweep.listing import show_value
from minidl.sweep.results import Results
from minidl.sweep.shades import is_number, order, shades_of, value_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minidl.sweep.row import Row

_BEST = "#d95f02"
_WIDE = 20  # a range of so many times its least value is drawn on a logarithmic scale


def plot_heat_map(
    results: Results, path: str | os.PathLike[str], x: str | None = None, y: str | None = None
) -> None:
    """Draw the objective's value over two keys of the configuration, the best framed.

    Where other keys vary too, a cell shows the best over them; of trials that differ in their ``seed``
    alone it shows the mean. Where the two keys form no grid, as after a random search, each trial is a
    point. Where one key varies, the value is drawn over it as a line.

    Parameters
    ----------
    results : Results
    path : path-like
        The image to write; its suffix gives the format (png, svg, pdf).
    x, y : str, optional
        The keys. Without them ``lr`` and ``reg`` where both vary, else the two of the most values, numbers
        before names.

    Raises
    ------
    ConfigurationError
        If a configuration has no value under one of the keys, or no key varies.
    StateError
        If no trial is done.
    """
    check_kind("plot_heat_map", "results", results, Results).best  # noqa: B018 - an error where none is
    keys = _keys(results, x, y)
    rows = results.averaged()
    best = rows[0]
    others = [key for key in results.varying if key not in (*keys, "seed")]
    is_share = results.objective.endswith("accuracy")
    if len(keys) == 1:
        figure = make_figure((6.0, 4.0))
        _draw_line(figure.subplots(), results, rows, keys[0])
    else:
        cells: dict[tuple[Any, Any], Row] = {}
        for row in rows:  # the best of a cell comes first
            cells.setdefault((_value(row, keys[0]), _value(row, keys[1])), row)
        columns, lines = (sorted({place[axis] for place in cells}, key=order) for axis in (0, 1))
        numbers = all(is_number(value) for value in (*columns, *lines))
        if not numbers or 2 * len(cells) >= len(columns) * len(lines):
            figure = make_figure((max(2.6 + 0.95 * len(columns), 5.5), max(1.5 + 0.6 * len(lines), 2.4)))
            axes = figure.subplots()
            colours = _draw_cells(axes, results, best, cells, columns, lines)
        else:
            figure = make_figure((7.5, 5.0))
            axes = figure.subplots()
            colours = _draw_points(axes, results, best, cells)
        bar = figure.colorbar(colours, ax=axes, format=_percent if is_share else None)
        bar.set_label("darker is better", fontsize=9)
        bar.outline.set_visible(False)
        axes.set(xlabel=keys[0], ylabel=keys[1])
    which = "the larger" if results.maximize else "the smaller"
    beyond = f", the best over {' and '.join(others)}" if others else ""
    mean = ", mean over the seeds" if results.is_repeated else ""
    title = f"{results.title.capitalize()} ({which} the better){mean}{beyond}"
    width = int(figure.get_figwidth() * 11)
    figure.suptitle(textwrap.fill(title, width), fontsize=11, x=0.02, ha="left")
    save_figure(figure, path)


def comparable_keys(results: Results) -> list[str]:
    """The keys that every configuration has and that vary, numbers and many values first; no seed."""
    rows = results.rows
    keys = [key for key in results.varying if key != "seed" and all(key in row.configuration for row in rows)]
    counts = {key: len({_value(row, key) for row in rows}) for key in keys}
    numeric = {key: all(is_number(_value(row, key)) for row in rows) for key in keys}
    return sorted(keys, key=lambda key: (not numeric[key], -counts[key]))


def _keys(results: Results, x: str | None, y: str | None) -> list[str]:
    """The two keys to draw over, or the one that varies."""
    given = [key for key in (x, y) if key is not None]
    for key in given:
        check_kind("plot_heat_map", "key", key, str)
        for row in results.rows:
            if key not in row.configuration:
                expected, got = f"a value of {key!r} in every configuration", f"none in trial {row.trial}"
                raise ConfigurationError.expected("plot_heat_map", expected, got, "name other keys")
    found = comparable_keys(results)
    there = found or [key for key in ("lr", "reg") if all(key in row.configuration for row in results.rows)]
    if not given and {"lr", "reg"} <= {*there}:
        return ["lr", "reg"]
    keys = given + [key for key in found if key not in given][: 2 - len(given)]
    if not keys:
        expected, got = "a key that varies and that every configuration has", "none"
        raise ConfigurationError.expected("plot_heat_map", expected, got, "name two keys, x and y")
    return keys if x is not None or len(given) != 1 else keys[::-1]


def _value(row: Row, key: str) -> Any:
    """The value where it is a number, else as a text."""
    value = row.configuration[key]
    return value if is_number(value) else show_value(value) or "None"


def _draw_cells(
    axes: Axes,
    results: Results,
    best: Row,
    cells: dict[tuple[Any, Any], Row],
    columns: list[Any],
    lines: list[Any],
) -> Any:
    """A rectangle a cell, the better the darker; hatched where there is no value."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.patches import Rectangle

    norm, shades = shades_of(results, cells.values())
    worst, best_value = value_range(results, cells.values())
    for (x, y), row in cells.items():
        across, up = columns.index(x), lines.index(y)
        corner, size = (across - 0.48, up - 0.47), (0.96, 0.94)
        text: dict[str, Any] = {"x": across, "y": up, "ha": "center", "va": "center"}
        if row.value is None:
            axes.add_patch(Rectangle(corner, *size, fc="0.97", ec="0.85", hatch="////", lw=0))
            axes.text(**text, s=row.status, color="0.4", fontsize=8)
            continue
        ink = "white" if (row.value - worst) / (best_value - worst) > 0.55 else "0.15"
        axes.add_patch(Rectangle(corner, *size, fc=shades(norm(row.value)), lw=0))
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
    return ScalarMappable(norm, shades)


def _draw_points(axes: Axes, results: Results, best: Row, cells: dict[tuple[Any, Any], Row]) -> Any:
    """A point a trial, a cross where there is no value; logarithmic axes where a range is wide."""
    valued = {place: row.value for place, row in cells.items() if row.value is not None}
    norm, shades = shades_of(results, cells.values())
    xs, ys = zip(*valued, strict=True)
    points = axes.scatter(xs, ys, s=70, c=list(valued.values()), cmap=shades, norm=norm, ec="0.4", lw=0.5)
    for place, row in cells.items():
        if row.value is None:
            axes.plot(*place, "x", color="0.5", markersize=6)
        elif row is best:
            axes.plot(*place, "o", markersize=13, mfc="none", mec=_BEST, mew=2.5)
    for set_scale, places in zip((axes.set_xscale, axes.set_yscale), zip(*cells, strict=True), strict=True):
        _widen(set_scale, places)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return points


def _draw_line(axes: Axes, results: Results, rows: list[Row], key: str) -> None:
    """Every trial as a point over one key, the best of each value joined by a line, and named."""
    places = sorted({_value(row, key) for row in rows}, key=order)
    numbers = all(map(is_number, places))
    best: dict[Any, float] = {}
    for row in rows:
        place = _value(row, key) if numbers else places.index(_value(row, key))
        if row.value is None:
            axes.axvline(place, color="0.7", linestyle=":", linewidth=1.0)
            axes.annotate(row.status, (place, 0.02), xycoords=("data", "axes fraction"), rotation=90,
                          ha="right", fontsize=8, color="0.4")  # fmt: skip
        else:
            axes.plot(place, row.value, "o", color="#1f77b4", markersize=5)
            best.setdefault(place, row.value)
    line = sorted(best.items())
    if numbers:
        axes.plot(*zip(*line, strict=True), color="#1f77b4", linewidth=1.2)
    top = rows[0]
    place = _value(top, key) if numbers else places.index(_value(top, key))
    value = top.value if top.value is not None else math.nan
    axes.plot(place, value, "o", markersize=12, mfc="none", mec=_BEST, mew=2.5)
    beside = (0, 10 if results.maximize else -17)
    axes.annotate(results.show(value), (place, value), xytext=beside, textcoords="offset points", ha="center",
                  weight="bold", fontsize=9)  # fmt: skip
    if numbers:
        _widen(axes.set_xscale, places)
    else:
        axes.set_xticks(range(len(places)), places)
        axes.set_xlim(-0.5, len(places) - 0.5)
    axes.margins(y=0.15)
    if results.objective.endswith("accuracy"):
        axes.yaxis.set_major_formatter(_percent)
    axes.set(xlabel=key, ylabel=results.title)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _percent(value: float, _: object) -> str:
    return f"{value:.1%}"


def _widen(set_scale: Any, places: Any) -> None:
    if min(places) > 0 and max(places) > _WIDE * min(places):
        set_scale("log")
