"""How minidl's step follows the floor: a slope, a constant, and the rows that stray."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.results import Result, rows
from minidl.types import Array

_WITHIN = 0.3
"""How far a step may stray from the floor and a constant."""


def remarks(results: Sequence[Result]) -> list[str]:
    """Two lines for each number of threads: with the floor as it is, and with the slope that fits best."""
    lines = []
    for threads in sorted({result.threads for result in results}):
        pairs = [
            (beside["floor"], beside["minidl"])
            for beside in rows(result for result in results if result.threads == threads)
            if {"floor", "minidl"} <= set(beside)
        ]
        if not pairs:
            continue
        floor, times = np.array([[result.median for result in pair] for pair in pairs]).T
        for slope in dict.fromkeys((1.0, best_slope(floor, times))):
            constant = best_constant(slope * floor, times)
            model = f"{slope:.2f} × floor" if slope > 1 else "floor"
            strays = times / (slope * floor + constant) - 1
            beyond = [
                f"{minidl.row} {stray:+.0%}"
                for (_, minidl), stray in zip(pairs, strays, strict=True)
                if abs(stray) > _WITHIN
            ]
            lines.append(
                f"threads {threads}: minidl's step is {model} + {constant * 1e6:,.0f} µs, within "
                f"{strays.min():+.0%} and {strays.max():+.0%}; beyond {_WITHIN:.0%}: "
                f"{', '.join(beyond) or 'none'}"
            )
    return lines


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
