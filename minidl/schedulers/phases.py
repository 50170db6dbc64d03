"""Schedulers that begin gently, and those of several parts."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Any

from minidl.advice import shown
from minidl.checks import check_float, check_list, check_sizes
from minidl.errors import ConfigurationError
from minidl.schedulers.scheduler import Scheduler
from minidl.schedulers.timed import Timed


class LinearWarmup(Timed):
    """From `start` up to 1 in a straight line: ``start + (1 - start) * t / T``, and 1 from then on.

    Multiply by it what is to come after: ``LinearWarmup(steps=200) * CosineDecay(epochs=30)``.

    Parameters
    ----------
    epochs, steps : int >= 1
        T, one of the two.
    start : float >= 0
    """

    def __init__(self, *, epochs: int | None = None, steps: int | None = None, start: float = 0.1) -> None:
        super().__init__(epochs, steps)
        self.start = check_float(type(self).__name__, "start", start, at_least=0)

    def factor(self, epoch: int, step: int) -> float:
        """The line at ``t / T``."""
        done = self._done(epoch, step)
        return self.start + (1 - self.start) * done if done < 1 else 1.0

    def __repr__(self) -> str:
        return self._repr(start=self.start)


class OneCycle(Timed):
    """Up to 1 and down again, along half cosines, to far below where it began.

    With T epochs or steps, it begins at ``1 / div_factor``, is at 1 when ``t = pct_start * T - 1``, and at
    ``1 / (div_factor * final_div_factor)`` from ``t = T - 1`` on. The optimizer's rate is the highest one.
    Source: Smith and Topin (2018), "Super-convergence: very fast training of neural networks using large
    learning rates", in PyTorch's form of two phases.

    Parameters
    ----------
    epochs, steps : int >= 1
        T, one of the two.
    pct_start : float in [0, 1)
        The share of T in which it goes up.
    div_factor, final_div_factor : float >= 1
    """

    def __init__(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        super().__init__(epochs, steps)
        name = type(self).__name__
        self.pct_start = check_float(name, "pct_start", pct_start, at_least=0, below=1)
        self.div_factor = check_float(name, "div_factor", div_factor, at_least=1)
        self.final_div_factor = check_float(name, "final_div_factor", final_div_factor, at_least=1)

    def factor(self, epoch: int, step: int) -> float:
        """The cosine of the phase that t is in."""
        now, top, end = self._time(epoch, step), self.pct_start * self._span() - 1, self._span() - 1
        start = 1 / self.div_factor
        if now < top:
            return _cosine(start, 1.0, now / top)
        return _cosine(1.0, start / self.final_div_factor, min((now - top) / (end - top), 1.0))

    def __repr__(self) -> str:
        names = ("pct_start", "div_factor", "final_div_factor")
        return self._repr(**{name: getattr(self, name) for name in names})


class _Parts(Timed):
    """What changes at boundaries, given in epochs or in steps."""

    def _checked(self, span: Any) -> list[int]:
        bounds = check_sizes(type(self).__name__, self._unit, span, at_least=1)
        if any(first >= second for first, second in itertools.pairwise(bounds)):
            expected = f"{self._unit} that rise from each boundary to the next"
            raise ConfigurationError.expected(type(self).__name__, expected, shown(span))
        return list(bounds)

    def _part(self, epoch: int, step: int) -> int:
        """Which part it is, from 0."""
        return bisect.bisect_right(self._span(), self._time(epoch, step))

    def _check_parts(self, what: str, count: int) -> None:
        bounds = len(self._span())
        if count != bounds + 1:
            expected = f"{bounds + 1} {what} around {bounds} boundaries"
            raise ConfigurationError.expected(type(self).__name__, expected, count)


class PiecewiseConstant(_Parts):
    """One factor after the other: ``PiecewiseConstant([1, 0.1, 0.01], epochs=[30, 60])``.

    Parameters
    ----------
    factors : sequence of float >= 0
    epochs, steps : sequence of int >= 1
        One of the two: when the second factor begins, the third, and so on, in rising order.
    """

    def __init__(
        self,
        factors: Sequence[float],
        *,
        epochs: Sequence[int] | int | None = None,
        steps: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(epochs, steps)
        name = type(self).__name__
        try:
            given = list(factors)
        except Exception:  # what is no sequence, or a generator that raises
            raise ConfigurationError.expected(name, "a sequence of factors", shown(factors)) from None
        self.factors = [check_float(name, "each factor", factor, at_least=0) for factor in given]
        self._check_parts("factors", len(self.factors))

    def factor(self, epoch: int, step: int) -> float:
        """The one whose time it is."""
        return self.factors[self._part(epoch, step)]

    def __repr__(self) -> str:
        return self._repr(self.factors)


class Join(_Parts):
    """One scheduler after the other: ``Join([LinearWarmup(epochs=5), CosineDecay(epochs=25)], epochs=5)``.

    Each counts from 0 where it begins. In epochs, it does not know how many steps were made until then, nor
    the other way round: so all but the first must count what the boundaries are given in. To combine the
    two units, multiply: ``LinearWarmup(steps=200) * CosineDecay(epochs=30)``.

    Parameters
    ----------
    schedulers : list of Scheduler
        One of your own is given the other count as it is, from the beginning of the training.
    epochs, steps : sequence of int >= 1
        One of the two: when the second scheduler begins, the third, and so on, in rising order.
    """

    def __init__(
        self,
        schedulers: Sequence[Scheduler],
        *,
        epochs: Sequence[int] | int | None = None,
        steps: Sequence[int] | int | None = None,
    ) -> None:
        super().__init__(epochs, steps)
        name = type(self).__name__
        self.schedulers = check_list(name, "schedulers", schedulers, Scheduler, "objects of class Scheduler")
        self._check_parts("schedulers", len(self.schedulers))
        for scheduler in self.schedulers[1:]:
            if scheduler.units() - {self._unit}:
                expected = f"schedulers that count {self._unit} behind a boundary in {self._unit}"
                remedy = "multiply schedulers of different units"
                raise ConfigurationError.expected(name, expected, repr(scheduler), remedy)

    def factor(self, epoch: int, step: int) -> float:
        """That of the scheduler whose time it is."""
        part = self._part(epoch, step)
        begun = self._span()[part - 1] if part else 0
        if self.steps is None:
            return self.schedulers[part].factor(epoch - begun, step)
        return self.schedulers[part].factor(epoch, step - begun)

    def units(self) -> set[str]:
        """That of the boundaries, and those of the first."""
        return {self._unit} | self.schedulers[0].units()

    def __repr__(self) -> str:
        return self._repr(self.schedulers)


def _cosine(start: float, end: float, done: float) -> float:
    """From `start` to `end` along half a cosine, of which the share `done` is over."""
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2
