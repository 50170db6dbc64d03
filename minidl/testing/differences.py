"""Numeric derivatives: central differences with Richardson extrapolation that judges itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minidl.types import Array

STEPS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Relative to the number varied. The largest that agrees with its halves is taken: for a smooth
function that is 1e-2, where rounding is smallest; a kink near by asks for less."""

_EPS = float(np.finfo(np.float64).eps)
_SETTLED = 1e-7  # how well the extrapolations must agree, relative to the derivative, to stop at once
_ACCEPTED = 1e-5  # and to be of use at all
_RESOLVED = 1e-9  # or relative to what is differentiated: a derivative that small is rounding
_LEVELS = (1.0, 0.5, 0.25)


class Derivative(NamedTuple):
    """A numeric derivative, how far it may be off, and whether there is one at all."""

    value: float
    error: float
    smooth: bool


def derivative(
    function: Callable[[float], Array], center: Array, dy: Array, scale: float, floor: float
) -> Derivative:
    """The derivative of ``sum(function(t) * dy)`` at ``t = 0``.

    Three central differences, of steps h, h/2 and h/4, are extrapolated to h = 0 twice over
    (Romberg); their disagreement is the error's estimate. The differences from the left and from
    the right are extrapolated alike: at a kink they go to different limits.

    Parameters
    ----------
    function : callable
        ``t -> array`` of float64, a new one for each call.
    center : array
        The function at 0.
    dy : array
        Of the function's shape.
    scale : float
        The magnitude of what `t` is added to.
    floor : float
        A derivative as small as this counts as 0.
    """
    best, size = Derivative(math.nan, math.inf, False), 0.0
    moved = np.zeros(center.shape, np.bool_)
    for step in STEPS:
        found, magnitude = _romberg(function, center, dy, step * scale, moved)
        if not math.isfinite(found.value):
            continue  # left the domain, perhaps
        if found.smooth and found.error <= _SETTLED * abs(found.value) + floor:
            return found
        if found.error < best.error:
            best, size = found, magnitude
    usable = best.smooth and best.error <= _ACCEPTED * abs(best.value) + floor + _RESOLVED * size / scale
    return best._replace(smooth=usable)


def _romberg(
    function: Callable[[float], Array], center: Array, dy: Array, h: float, moved: Array
) -> tuple[Derivative, float]:
    """The extrapolated derivative for one step, and the magnitude of what was differentiated.

    `moved` marks the numbers that any step so far has changed; it is updated.
    """
    slopes, jumps = [], []
    for level in _LEVELS:
        up, down = function(h * level), function(-h * level)
        # Subtracted number by number, before the sum: what does not depend on t cancels exactly.
        slopes.append(_dot(up - down, dy) / (2 * h * level))
        jumps.append(_dot((up - center) - (center - down), dy) / (h * level))
        moved |= up != down
    # Rounding is that of the numbers that move, and of intermediates of about 1 behind them: a loss
    # near 0 is the logarithm of a number near 1. A step too small to move anything tells nothing.
    sizes = (np.abs(center) + 1) * np.abs(dy)
    magnitude = float(np.sum(sizes, where=moved)) if moved.any() else float(np.max(sizes, initial=0.0))
    first, second = (4 * slopes[1] - slopes[0]) / 3, (4 * slopes[2] - slopes[1]) / 3
    value = (16 * second - first) / 15
    noise = 30 * _EPS * magnitude / h
    error = 10 * abs(value - second) + noise
    # The one-sided slopes differ by f''h + O(h³) where f is smooth: extrapolated, by nothing.
    first, second = 2 * jumps[1] - jumps[0], 2 * jumps[2] - jumps[1]
    jump = (8 * second - first) / 7
    kinked = abs(jump) > 10 * abs(jump - second) + 4 * noise + 1e-6 * abs(value)
    return Derivative(value, error, not kinked), magnitude


def _dot(a: Array, b: Array) -> Any:
    return float(np.sum(a * b))
