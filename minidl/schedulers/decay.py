"""Schedulers that let the rate fall."""

from __future__ import annotations

import math

from minidl.checks import check_float, check_int
from minidl.schedulers.scheduler import Scheduler
from minidl.schedulers.timed import Timed


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

    def units(self) -> set[str]:
        """Epochs."""
        return {"epochs"}

    def __repr__(self) -> str:
        return f"StepDecay({self.gamma:g}, every={self.every})"


class ExponentialDecay(Timed):
    """The rate falls smoothly, to `gamma` of itself in every so many epochs or steps: ``gamma ** (t / T)``.

    Parameters
    ----------
    gamma : float > 0
    epochs, steps : int >= 1
        T, one of the two; one epoch by default.
    """

    def __init__(self, gamma: float, *, epochs: int | None = None, steps: int | None = None) -> None:
        super().__init__(1 if epochs is None and steps is None else epochs, steps)
        self.gamma = check_float(type(self).__name__, "gamma", gamma, above=0)

    def factor(self, epoch: int, step: int) -> float:
        """``gamma ** (t / T)``."""
        try:
            return float(self.gamma ** (self._time(epoch, step) / self._span()))
        except OverflowError:
            return math.inf

    def __repr__(self) -> str:
        return self._repr(self.gamma)


class CosineDecay(Timed):
    """From 1 down to `final` along half a cosine: ``final + (1 - final) * (1 + cos(π * t / T)) / 2``.

    After T epochs or steps it stays at `final`. Source: Loshchilov and Hutter (2017), "SGDR: stochastic
    gradient descent with warm restarts", equation 5, without restarts.

    Parameters
    ----------
    epochs, steps : int >= 1
        T, one of the two.
    final : float >= 0
    """

    def __init__(self, *, epochs: int | None = None, steps: int | None = None, final: float = 0.0) -> None:
        super().__init__(epochs, steps)
        self.final = check_float(type(self).__name__, "final", final, at_least=0)

    def factor(self, epoch: int, step: int) -> float:
        """The cosine at ``t / T``."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * self._done(epoch, step))) / 2

    def __repr__(self) -> str:
        return self._repr(final=self.final)


class PolynomialDecay(Timed):
    """From 1 down to `final` along a power: ``final + (1 - final) * (1 - t / T) ** power``.

    After T epochs or steps it stays at `final`. With power 1 it is a straight line.

    Parameters
    ----------
    power : float > 0
    epochs, steps : int >= 1
        T, one of the two.
    final : float >= 0
    """

    def __init__(
        self, power: float = 1.0, *, epochs: int | None = None, steps: int | None = None, final: float = 0.0
    ) -> None:
        super().__init__(epochs, steps)
        self.power = check_float(type(self).__name__, "power", power, above=0)
        self.final = check_float(type(self).__name__, "final", final, at_least=0)

    def factor(self, epoch: int, step: int) -> float:
        """The power at ``t / T``."""
        left = float((1 - self._done(epoch, step)) ** self.power)
        return self.final + (1 - self.final) * left

    def __repr__(self) -> str:
        return self._repr(self.power, final=self.final)
