"""Analytic gradients against numeric ones, element by element or along random directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.checks import check_float, check_int
from minidl.testing.differences import Derivative, derivative
from minidl.testing.reports import GradientError, GradientReport
from minidl.types import Array

_SHOWN = 3  # mismatches in a failure's text
_JITTER = 1e-3  # of a number's magnitude: far beyond the steps that found a kink

_Entry = tuple[str, tuple[int, ...], float, float]


@dataclass(frozen=True)
class Options:
    """How a comparison goes; see `check_gradients`."""

    rtol: float = 1e-6
    full_below: int = 1000
    directions: int = 8
    resamples: int = 5

    def __post_init__(self) -> None:
        check_float("gradient check", "rtol", self.rtol, at_least=0, below=1e-3)
        check_int("gradient check", "full_below", self.full_below, at_least=0)
        check_int("gradient check", "directions", self.directions, at_least=8)
        check_int("gradient check", "resamples", self.resamples, at_least=0)


class KinkError(Exception):
    """No derivative at this point."""


def compare(
    label: str,
    function: Callable[[], Array],
    dy: Array,
    points: Mapping[str, Array],
    moved: Mapping[str, Array],
    backward: Callable[[], Mapping[str, Array]],
    rng: Any,
    options: Options,
) -> GradientReport:
    """Compare the gradients by `points`; at a kink move all of `moved` a little and start anew.

    Parameters are those of `Comparison`; `backward` gives the analytic gradients where the arrays
    now are.
    """
    size = sum(point.size for point in points.values())
    by_element = size <= options.full_below
    saved = {name: point.copy() for name, point in moved.items()}
    kinks: list[str] = []
    try:
        with np.errstate(all="ignore"):
            while True:
                analytic = backward()
                analytic = {name: analytic[name] for name in points}
                comparison = Comparison(label, function, dy, points, analytic, options.rtol)
                try:
                    if by_element:
                        comparison.by_element()
                    else:
                        comparison.by_directions(rng, options.directions)
                    break
                except KinkError as kink:
                    kinks.append(str(kink))
                if len(kinks) > options.resamples:
                    where = ", ".join(dict.fromkeys(kinks))
                    text = f"{label}: no derivative at {len(kinks)} points in a row (by {where})"
                    raise GradientError(f"{text}: kinks everywhere, steps, or rounding far above float64's")
                for name, point in moved.items():
                    size_of = np.maximum(np.abs(saved[name]), 1)
                    point[...] = saved[name] + _JITTER * size_of * rng.standard_normal(point.shape)
    finally:
        for name, point in moved.items():
            point[...] = saved[name]
    return GradientReport(comparison.worst, comparison.compared, len(kinks), by_element)


@dataclass
class Comparison:
    """One function of several arrays, and what its backward says of them, at one point.

    Parameters
    ----------
    label : str
        Whose gradients they are, for messages.
    function : callable
        The output for the arrays as they are now.
    dy : array
        The gradient by the output.
    points, analytic : mapping of name to array
        The arrays to vary (written to and restored) and their gradients.
    """

    label: str
    function: Callable[[], Array]
    dy: Array
    points: Mapping[str, Array]
    analytic: Mapping[str, Array]
    rtol: float
    worst: dict[str, float] = field(default_factory=dict)
    compared: int = 0

    def __post_init__(self) -> None:
        finite = [np.abs(a[np.isfinite(a)]) for a in self.analytic.values()]
        self.scales = {
            name: float(np.max(a, initial=0.0)) for name, a in zip(self.points, finite, strict=True)
        }
        # What is as small as this beside the other gradients, or the output, is rounding.
        self.center = self.function()
        size = float(np.sum(np.abs(self.center * self.dy)))
        rounding = 100 * float(np.finfo(np.float64).eps) * size if np.isfinite(size) else 0.0
        self.floor = max(1e-10 * max(self.scales.values(), default=0.0), rounding)

    def by_element(self) -> None:
        """Compare every element; `GradientError` names those that are off, the worst first."""
        found = []
        for name, point in self.points.items():
            for index in np.ndindex(point.shape):
                numeric = self._by_one(point, index, f"{name}{_brackets(index)}")
                analytic = float(self.analytic[name][index])
                if self._differs(name, analytic, numeric):
                    found.append((name, index, analytic, numeric.value))
        if found:
            self._fail(found, f"{len(found)} of {self.compared} gradients wrong")

    def by_directions(self, rng: np.random.Generator, directions: int) -> None:
        """Compare along `directions` joint Gaussian directions, and a few of each array alone.

        On a mismatch halve the array that it is in, again and again, down to one element.
        """
        joint = [tuple(self.points)] * directions
        alone = [(name,) for name in self.points for _ in range(directions // 2)]
        for names in joint + alone:
            drawn = {name: rng.standard_normal(self.points[name].shape) for name in names}
            numeric, analytic = self._project(drawn)
            if self._differs(" and ".join(names), analytic, numeric):
                self._name_culprit(drawn)

    def _project(self, drawn: Mapping[str, Array]) -> tuple[Derivative, float]:
        direction = [(self.points[name], along) for name, along in drawn.items()]
        analytic = math.fsum(float(np.vdot(self.analytic[name], along)) for name, along in drawn.items())
        return self._along(direction, " and ".join(drawn), 1.0), analytic

    def _name_culprit(self, drawn: Mapping[str, Array]) -> None:
        # The parts' mismatches add up to the whole's, so one of two has half of it or more.
        if len(drawn) > 1:
            drawn = max(({name: along} for name, along in drawn.items()), key=self._mismatch)
        ((name, along),) = drawn.items()
        chosen = np.flatnonzero(along)
        while chosen.size > 1:
            chosen = max(
                np.array_split(chosen, 2), key=lambda half: self._mismatch({name: _only(along, half)})
            )
        index = tuple(int(i) for i in np.unravel_index(chosen[0], along.shape))
        numeric, analytic = self._project({name: _only(np.ones_like(along), chosen)})
        self._fail([(name, index, analytic, numeric.value)], "a wrong gradient")

    def _mismatch(self, drawn: Mapping[str, Array]) -> float:
        try:
            numeric, analytic = self._project(drawn)
        except KinkError:
            return 0.0
        off = abs(analytic - numeric.value)
        return off if math.isfinite(off) else math.inf

    def _by_one(self, point: Array, index: tuple[int, ...], what: str) -> Derivative:
        start = float(point[index])

        def moved(t: float) -> Array:
            point[index] = start + t
            return self.function()

        try:
            return self._smooth(moved, what, max(abs(start), 1.0))
        finally:
            point[index] = start

    def _smooth(self, moved: Callable[[float], Array], what: str, scale: float) -> Derivative:
        found = derivative(moved, self.center, self.dy, scale, self.floor)
        if not found.smooth:
            raise KinkError(what)
        return found

    def _along(self, direction: list[tuple[Array, Array]], what: str, scale: float) -> Derivative:
        saved = [point.copy() for point, _ in direction]

        def moved(t: float) -> Array:
            for (point, along), start in zip(direction, saved, strict=True):
                np.add(start, t * along, out=point)
            return self.function()

        try:
            return self._smooth(moved, what, scale)
        finally:
            for (point, _), start in zip(direction, saved, strict=True):
                point[...] = start

    def _differs(self, name: str, analytic: float, numeric: Derivative) -> bool:
        self.compared += 1
        off = abs(analytic - numeric.value)
        largest = max(abs(analytic), abs(numeric.value))
        scale = max(self.scales.get(name, 0.0), largest)
        self.worst[name] = max(self.worst.get(name, 0.0), off / scale if scale > 0 else 0.0)
        return not off <= self.rtol * largest + numeric.error + self.floor  # NaN differs

    def _fail(self, found: Sequence[_Entry], count: str) -> None:
        # The relative error alone would put tiny elements first, so the difference decides.
        worst = sorted(found, key=lambda e: (_relative(e) > 0.1, abs(e[2] - e[3])), reverse=True)
        lines = [f"{self.label}: {count}"]
        for entry in worst[:_SHOWN]:
            name, index, analytic, numeric = entry
            values = f"backward gives {analytic:.9g}, differences give {numeric:.9g}"
            off = f"relative error {_relative(entry):.1e}"
            if math.isnan(analytic):
                off = "NaN stood there before: backward does not assign it"
            lines.append(f"{name}{_brackets(index)}: {values} ({off})")
        raise GradientError("\n  ".join(lines))


def _relative(entry: _Entry) -> float:
    _, _, analytic, numeric = entry
    error = abs(analytic - numeric) / max(abs(analytic), abs(numeric), 1e-300)
    return error if math.isfinite(error) else math.inf


def _only(along: Array, chosen: Any) -> Array:
    kept = np.zeros_like(along)
    kept.flat[chosen] = along.flat[chosen]
    return kept


def _brackets(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""
