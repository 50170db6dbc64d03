"""The contract of a scheduler, and those that know no time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from minidl.checks import check_float, check_int
from minidl.errors import ConfigurationError


class Scheduler(ABC):
    """``scheduler.factor(epoch, step)`` times the base rate is the rate of a step.

    Schedulers multiply: ``StepDecay(0.5, every=10) * Constant(0.1)``.
    """

    @abstractmethod
    def factor(self, epoch: int, step: int) -> float:
        """The factor for the update number `step` in the pass number `epoch`, both from 0."""

    def units(self) -> set[str]:
        """What it counts, as far as it says so: of "epochs" and "steps"."""
        return set()

    def __mul__(self, other: Scheduler) -> Scheduler:
        return Product(self, other) if isinstance(other, Scheduler) else NotImplemented


class Constant(Scheduler):
    """Always the same factor, 1 by default."""

    def __init__(self, value: float = 1.0) -> None:
        self.value = check_float("Constant", "value", value, at_least=0)

    def factor(self, epoch: int, step: int) -> float:
        """`value`."""
        return self.value

    def __repr__(self) -> str:
        return f"Constant({self.value:g})"


class Product(Scheduler):
    """The product of two schedulers' factors, as ``a * b`` makes it."""

    def __init__(self, first: Scheduler, second: Scheduler) -> None:
        self.first, self.second = first, second

    def factor(self, epoch: int, step: int) -> float:
        """``first.factor * second.factor``."""
        return self.first.factor(epoch, step) * self.second.factor(epoch, step)

    def units(self) -> set[str]:
        """Those of both."""
        return self.first.units() | self.second.units()

    def __repr__(self) -> str:
        return f"{self.first!r} * {self.second!r}"


class Timed(Scheduler):
    """One that counts either epochs or steps: whichever of its two arguments is given.

    Attributes
    ----------
    epochs, steps
        One of the two, as the subclass keeps it; the other is None.
    """

    def __init__(self, epochs: Any, steps: Any) -> None:
        if (epochs is None) == (steps is None):
            got = f"epochs={epochs!r}, steps={steps!r}"
            raise ConfigurationError.expected(type(self).__name__, "one of epochs and steps", got)
        self.epochs, self.steps = epochs, steps
        self._unit = "epochs" if steps is None else "steps"
        setattr(self, self._unit, self._checked(getattr(self, self._unit)))

    def _checked(self, span: Any) -> Any:
        """What `epochs` or `steps` holds, or `ConfigurationError`: here, a number of them."""
        return check_int(type(self).__name__, self._unit, span, at_least=1)

    def _span(self) -> Any:
        """The one of `epochs` and `steps` that was given."""
        return self.epochs if self.steps is None else self.steps

    def _time(self, epoch: int, step: int) -> int:
        """How many epochs or steps have passed."""
        unit, now = ("epoch", epoch) if self.steps is None else ("step", step)
        return check_int(type(self).__name__, unit, now, at_least=0)

    def _done(self, epoch: int, step: int) -> float:
        """Which share of the span is over, 1 from its end on."""
        return float(min(self._time(epoch, step) / self._span(), 1.0))

    def units(self) -> set[str]:
        """The one that was given."""
        return {self._unit}

    def _repr(self, *first: object, **options: object) -> str:
        """Code: what comes `first`, the unit, the rest."""
        options = {self._unit: self._span(), **options}
        arguments = [*map(repr, first), *(f"{name}={value!r}" for name, value in options.items())]
        return f"{type(self).__name__}({', '.join(arguments)})"
