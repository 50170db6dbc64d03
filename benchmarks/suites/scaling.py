"""A training step against hidden size, depth and batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.contestants import CONTESTANTS
from benchmarks.results import Result
from benchmarks.suites.step import Step
from benchmarks.tables import rows
from benchmarks.training import Array, Training

_WITHIN = 0.3
"""How far a step may stray from the floor and a constant."""


@dataclass(frozen=True)
class OnAxis(Training):
    """The net at one place of an axis; the other two stay as they are."""

    axis: str = "hidden"
    place: int = 50


class Scaling(Step):
    name = "scaling"
    help = "a training step against hidden size, depth and batch, with the floor beside it"
    default_peers = ()
    problem = OnAxis

    def problems(self, quick: bool) -> Sequence[OnAxis]:
        sizes = (16, 128, 1024) if quick else (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
        depths = (2, 8) if quick else (1, 2, 4, 8, 16)
        batches = (1, 32, 1024) if quick else (1, 4, 16, 64, 256, 1024, 4096)

        def on_axis(axis: str, place: int, **options: object) -> OnAxis:
            return OnAxis(f"{axis} {place}", axis=axis, place=place, **options)  # type: ignore[arg-type]

        return [
            *(on_axis("hidden", size, hidden=(size,), samples=1000) for size in sizes),
            # Deep nets amplify rounding at a larger rate.
            *(on_axis("depth", n, hidden=(256,) * n, samples=1000, learning_rate=1e-3) for n in depths),
            *(on_axis("batch", n, hidden=(256,), batch=n, samples=max(1024, 2 * n)) for n in batches),
        ]

    def remarks(self, results: Sequence[Result]) -> list[str]:
        lines = []
        for threads in sorted({result.threads for result in results}):
            pairs = [
                (beside["floor"], beside["minidl"])
                for beside in rows(result for result in results if result.threads == threads)
                if {"floor", "minidl"} <= set(beside)
            ]
            if not pairs:
                continue
            floor, times = (np.array([pair[place].median for pair in pairs]) for place in (0, 1))
            names = [minidl.row for _, minidl in pairs]
            for slope in dict.fromkeys((1.0, best_slope(floor, times))):
                constant = best_constant(slope * floor, times)
                model = f"{slope:.2f} × floor" if slope > 1 else "floor"
                strays = times / (slope * floor + constant) - 1
                beyond = [
                    f"{name} {stray:+.0%}"
                    for name, stray in zip(names, strays, strict=True)
                    if abs(stray) > _WITHIN
                ]
                lines.append(
                    f"threads {threads}: minidl's step is {model} + {constant * 1e6:,.0f} µs, within "
                    f"{strays.min():+.0%} and {strays.max():+.0%}; beyond {_WITHIN:.0%}: "
                    f"{', '.join(beyond) or 'none'}"
                )
        return lines

    def plot(self, results: Sequence[Result], path: Path) -> None:
        """Log axes; a panel for hidden size, depth and batch, a row of panels a number of threads."""
        from benchmarks.plots import make_figure, save_figure, style_of

        axes_names = list(dict.fromkeys(result.problem["axis"] for result in results))
        counts = sorted({result.threads for result in results})
        names = list(dict.fromkeys(result.contestant for result in results))
        figure = make_figure((1 + 3.7 * len(axes_names), 0.9 + 3.2 * len(counts)))
        panels = figure.subplots(len(counts), len(axes_names), squeeze=False, sharey=True, sharex="col")
        for row, threads in enumerate(counts):
            for panel, axis in zip(panels[row], axes_names, strict=True):
                for name in names:
                    line = sorted(
                        (result.problem["place"], result.median * 1e6, *(q * 1e6 for q in result.quartiles))
                        for result in results
                        if (result.contestant, result.threads) == (name, threads)
                        and result.problem["axis"] == axis
                    )
                    if not line:
                        continue
                    place, median, lower, upper = zip(*line, strict=True)
                    style = style_of(name) | ({"linestyle": "--"} if name == "floor" else {})
                    panel.fill_between(place, lower, upper, color=style["color"], alpha=0.15, linewidth=0)
                    panel.plot(place, median, **style, markersize=4, label=CONTESTANTS[name].title)
                panel.set_xscale("log", base=2)
                panel.set_yscale("log")
                panel.xaxis.set_major_formatter("{x:g}")
                panel.grid(color="0.92")
                if row == len(counts) - 1:
                    panel.set_xlabel(
                        {"hidden": "hidden units", "depth": "hidden layers of 256"}.get(axis, axis)
                    )
            panels[row][0].set_ylabel(f"µs a step, {threads} thread{'s' if threads > 1 else ''}")
        panels[0][0].legend(frameon=False)
        figure.suptitle("A training step against the net's and the batch's size", fontsize=11)
        save_figure(figure, path)


def best_constant(floor: Array, times: Array) -> float:
    """The constant >= 0 for which the largest ``|times / (floor + constant) - 1|`` is smallest."""

    def balance(constant: float) -> float:  # falls as the constant grows; 0 where both sides stray alike
        strays = times / (floor + constant) - 1
        return float(strays.max() + strays.min())

    low, high = 0.0, max(float((times - floor).max()), 0.0)
    if balance(low) <= 0:
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if balance(middle) > 0 else (low, middle)
    return low


def best_slope(floor: Array, times: Array) -> float:
    """The factor upon the floor, from 1 to 3 in steps of 0.01, that with its constant strays least."""

    def stray(slope: float) -> float:
        return float(np.abs(times / (slope * floor + best_constant(slope * floor, times)) - 1).max())

    return float(min(np.arange(1.0, 3.005, 0.01), key=stray))
