"""Schedulers: the learning rate's factor as a closed form of epoch and step.

They know no optimizer and hold no state, so that no order of calls can be wrong and a resumed run
needs nothing restored.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from minidl.checks import check_float, check_int, check_kind

__all__ = ["Constant", "Product", "Scheduler", "StepDecay"]


class Scheduler(ABC):
    """``scheduler.factor(epoch, step)`` times the base rate is the rate of a step.

    Schedulers multiply: ``StepDecay(0.5, every=10) * Constant(0.1)``.
    """

    @abstractmethod
    def factor(self, epoch: int, step: int) -> float:
        """The factor for the update number `step` in the pass number `epoch`, both from 0."""

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


class StepDecay(Scheduler):
    """The rate is multiplied by `gamma` after every `every` epochs: ``gamma ** (epoch // every)``.

    Parameters
    ----------
    gamma : float > 0
    every : int >= 1
        Epochs.
    """

    def __init__(self, gamma: float = 0.95, every: int = 1) -> None:
        self.gamma = check_float("StepDecay", "gamma", gamma, above=0)
        self.every = check_int("StepDecay", "every", every, at_least=1)

    def factor(self, epoch: int, step: int) -> float:
        """``gamma ** (epoch // every)``."""
        try:
            return self.gamma ** int(epoch // self.every)
        except OverflowError:
            return math.inf
        except Exception:
            check_int("StepDecay", "epoch", epoch, at_least=0)
            raise

    def __repr__(self) -> str:
        return f"StepDecay({self.gamma:g}, every={self.every})"


class Product(Scheduler):
    """The product of two schedulers' factors, as ``a * b`` makes it."""

    def __init__(self, first: Scheduler, second: Scheduler) -> None:
        self.first = check_kind("Product", "first", first, Scheduler)
        self.second = check_kind("Product", "second", second, Scheduler)

    def factor(self, epoch: int, step: int) -> float:
        """``first.factor * second.factor``."""
        return self.first.factor(epoch, step) * self.second.factor(epoch, step)

    def __repr__(self) -> str:
        return f"{self.first!r} * {self.second!r}"
