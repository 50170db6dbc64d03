"""The contract of a scheduler, and those that know no time."""

from __future__ import annotations

from abc import ABC, abstractmethod

from minidl.checks import check_float, check_kind


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
        self.first = check_kind("Product", "first", first, Scheduler)
        self.second = check_kind("Product", "second", second, Scheduler)

    def factor(self, epoch: int, step: int) -> float:
        """``first.factor * second.factor``."""
        return self.first.factor(epoch, step) * self.second.factor(epoch, step)

    def units(self) -> set[str]:
        """Those of both."""
        return self.first.units() | self.second.units()

    def __repr__(self) -> str:
        return f"{self.first!r} * {self.second!r}"
