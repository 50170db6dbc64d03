"""The results as pictures. Needs matplotlib (minidl's extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Result, rows
from benchmarks.suite import Suite
from minidl.errors import MissingExtraError
from minidl.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = {"floor": ("black", "|"), "minidl": ("#d62728", "o")}
_COLOURS = ("#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#17becf", "#8c564b", "#bcbd22")
_MARKERS = "sD^vPX*"


def plot(suite: Suite, results: Sequence[Result], path: Path) -> None:
    """Draw the results into an image file, which is written whole or not at all."""
    figure = (_lines if suite.axes else _dots)(suite, results)
    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=130)


def _dots(suite: Suite, results: Sequence[Result]) -> Figure:
    """Each contestant's median as a multiple of minidl's, a line a row, a panel a number of threads."""
    counts = sorted({result.threads for result in results})
    shown = [name for name in suite.contestants if any(r.contestant == name for r in results)]
    labels = list(dict.fromkeys(result.row for result in results))
    figure = _figure((5.5 * len(counts) + 1.5, 1.6 + 0.42 * len(labels)))
    axes = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for axis, count in zip(axes, counts, strict=True):
        for beside in rows(result for result in results if result.threads == count):
            if "minidl" not in beside:
                continue
            unit = beside["minidl"].median
            for name, result in beside.items():
                place = len(labels) - 1 - labels.index(result.row)
                lower, upper = result.quartiles
                style = _style(name)
                axis.plot([lower / unit, upper / unit], [place] * 2, color=style["color"], linewidth=2)
                axis.plot(result.median / unit, place, **style, linestyle="")
        axis.axvline(1, color="0.6", linewidth=0.8, zorder=0)
        axis.set_xscale("log", base=2)
        axis.set_ylim(-0.6, len(labels) - 0.4)
        axis.xaxis.set_major_formatter("{x:g}")
        axis.set_yticks(range(len(labels)), labels[::-1])
        axis.grid(axis="y", color="0.92")
        axis.set_title(f"{count} thread{'s' if count > 1 else ''}", fontsize=10)
        axis.set_xlabel("× minidl's (left: " + suite.unit.less + " than minidl)")
    handles = [
        axes[0].plot([], [], **_style(name), linestyle="", label=CONTESTANTS[name].title)[0] for name in shown
    ]
    figure.suptitle(f"{suite.name}: {suite.unit.name}, median and quartiles", fontsize=11)
    figure.legend(
        handles=handles, loc="outside lower center", ncols=min(len(shown), 4 * len(counts)), frameon=False
    )
    return figure


def _lines(suite: Suite, results: Sequence[Result]) -> Figure:
    """Log axes; a panel for each of the suite's axes, a row of panels a number of threads."""
    axes = [axis for axis in suite.axes if any(result.problem["axis"] == axis for result in results)]
    counts = sorted({result.threads for result in results})
    figure = _figure((1 + 3.7 * len(axes), 0.9 + 3.2 * len(counts)))
    panels = figure.subplots(len(counts), len(axes), squeeze=False, sharey=True, sharex="col")
    for row, threads in enumerate(counts):
        for panel, axis in zip(panels[row], axes, strict=True):
            lines: dict[str, list[Result]] = {}
            for result in results:
                if (result.threads, result.problem["axis"]) == (threads, axis):
                    lines.setdefault(result.contestant, []).append(result)
            for name, line in lines.items():
                line.sort(key=lambda result: result.problem["place"])
                place = [result.problem["place"] for result in line]
                scale = suite.unit.scale
                lower, upper = zip(*([q * scale for q in result.quartiles] for result in line), strict=True)
                style = _style(name) | ({"linestyle": "--"} if name == "floor" else {})
                panel.fill_between(place, lower, upper, color=style["color"], alpha=0.15, linewidth=0)
                medians = [result.median * scale for result in line]
                panel.plot(place, medians, **style, markersize=4, label=CONTESTANTS[name].title)
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.xaxis.set_major_formatter("{x:g}")
            panel.grid(color="0.92")
            if row == len(counts) - 1:
                panel.set_xlabel(suite.axes[axis])
        panels[row][0].set_ylabel(f"{suite.unit.name}, {threads} thread{'s' if threads > 1 else ''}")
    panels[0][0].legend(frameon=False)
    figure.suptitle(f"{suite.name}: {suite.unit.name}, median and quartiles", fontsize=11)
    return figure


def _style(contestant: str) -> dict[str, object]:
    """Colour and marker, the same for a contestant in every picture."""
    if contestant in _STYLES:
        color, marker = _STYLES[contestant]
    else:
        place = [name for name in CONTESTANTS if name not in _STYLES].index(contestant)
        color, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
    return {"color": color, "marker": marker}


def _figure(size: tuple[float, float]) -> Figure:
    """An empty figure, of no window system."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("Plotting", "matplotlib", "plot") from None
    return Figure(figsize=size, layout="constrained")
