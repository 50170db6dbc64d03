"""How values become colours and places in a sweep's pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeGuard

import numpy as np

from minidl.sweep.results import Results
from minidl.sweep.row import Row

_SHADES = "YlGnBu"


def order(value: object) -> tuple[bool, float, str]:
    """Sorts numbers before names."""
    return (False, float(value), "") if is_number(value) else (True, 0.0, str(value))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shades_of(results: Results, rows: Collection[Row]) -> tuple[Any, Any]:
    """What turns values into colours: the best is the darkest, but light enough for what is written on it."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    worst, best = value_range(results, rows)
    part = np.linspace(0.05, 0.9, 128)
    colours = colormaps[_SHADES](part if results.maximize else part[::-1])
    norm = Normalize(min(worst, best), max(worst, best), clip=True)
    return norm, LinearSegmentedColormap.from_list("shades", colours)


def value_range(results: Results, rows: Collection[Row]) -> tuple[float, float]:
    """The values that get the lightest and the darkest colour.

    What lies far below the middle gets the lightest too, or one bad trial would make all good ones
    look alike.
    """
    return calm_range([row.value for row in rows if row.value is not None], maximize=results.maximize)


def calm_range(figures: Sequence[float], *, maximize: bool) -> tuple[float, float]:
    """The worst figure to be told from worse ones, and the best."""
    values = np.array(figures)
    best = values.max() if maximize else values.min()
    worst = values.min() if maximize else values.max()
    reach = min(abs(best - worst), 3 * abs(best - np.median(values))) or abs(best - worst) or 1.0
    return float(best - reach if maximize else best + reach), float(best)
