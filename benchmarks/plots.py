"""The results as pictures. Needs matplotlib (minidl's extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Result
from benchmarks.tables import rows
from minidl.errors import MissingExtraError
from minidl.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from benchmarks.suite import Suite

_STYLES = {"floor": ("black", "|"), "minidl": ("#d62728", "o")}
_COLOURS = ("#7f7f7f", "#1f77b4", "#ff7f0e", "#2ca02c", "#9467bd", "#17becf", "#8c564b", "#bcbd22")
_MARKERS = "sD^vPX*"


def plot_dots(suite: Suite, results: Sequence[Result], path: Path) -> None:
    """Each contestant's median as a multiple of minidl's, a line a row, a panel a number of threads."""
    counts = sorted({result.threads for result in results})
    shown = [name for name in suite.contestants if any(r.contestant == name for r in results)]
    labels = list(dict.fromkeys(result.row for result in results))
    figure = make_figure((5.5 * len(counts) + 1.5, 1.6 + 0.42 * len(labels)))
    axes = figure.subplots(1, len(counts), sharey=True, squeeze=False)[0]
    for axis, count in zip(axes, counts, strict=True):
        for beside in rows(result for result in results if result.threads == count):
            if "minidl" not in beside:
                continue
            unit = beside["minidl"].median
            for name, result in beside.items():
                place = len(labels) - 1 - labels.index(result.row)
                lower, upper = result.quartiles
                style = style_of(name)
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
        axes[0].plot([], [], **style_of(name), linestyle="", label=CONTESTANTS[name].title)[0]
        for name in shown
    ]
    figure.suptitle(f"{suite.name}: {suite.unit.name}, median and quartiles", fontsize=11)
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(shown), 6), frameon=False)
    save_figure(figure, path)


def style_of(contestant: str) -> dict[str, object]:
    """Colour and marker, the same for a contestant in every picture."""
    if contestant in _STYLES:
        color, marker = _STYLES[contestant]
    else:
        place = [name for name in CONTESTANTS if name not in _STYLES].index(contestant)
        color, marker = _COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)]
    return {"color": color, "marker": marker}


def make_figure(size: tuple[float, float]) -> Figure:
    """An empty figure, of no window system."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError.for_extra("Plotting", "matplotlib", "plot") from None
    return Figure(figsize=size, layout="constrained")


def save_figure(figure: Figure, path: Path) -> None:
    """Write the image whole or not at all."""
    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:], dpi=130)
