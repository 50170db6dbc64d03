"""Successive halving: the worst trials are stopped early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minidl.checks import check_bool, check_int, check_list
from minidl.sweep.row import Row


@dataclass(frozen=True)
class Halving:
    """Of the trials that reach a rung, the best 1 / `eta` go on.

    Synchronous successive halving (Jamieson and Talwalkar 2016, "Non-stochastic best arm
    identification and hyperparameter optimization"): every trial of a rung is measured before any
    goes on, so that what is stopped does not depend on which worker was first.

    Parameters
    ----------
    eta : int >= 2
    rungs : int >= 1, optional
        How often trials are stopped; without it as often as their number can be divided by `eta`.
    """

    eta: int = 3
    rungs: int | None = None

    def __post_init__(self) -> None:
        # As the journal's header holds them: Python's own numbers.
        object.__setattr__(self, "eta", check_int("Halving", "eta", self.eta, at_least=2))
        if self.rungs is not None:
            object.__setattr__(self, "rungs", check_int("Halving", "rungs", self.rungs, at_least=1))

    def budgets(self, budget: int, trials: int) -> list[int]:
        """What a trial has spent at each rung and at the end: ``budget / eta**k``, rounded down."""
        budget = check_int("Halving", "budget", budget, at_least=1)
        trials = check_int("Halving", "trials", trials, at_least=0)
        rungs = self.rungs
        if rungs is None:
            rungs = next(k for k in range(trials + 1) if self.eta ** (k + 1) > trials)
        # More rungs than the budget can be divided by would all be of one step.
        return sorted({max(budget // self.eta**k, 1) for k in range(min(rungs, budget.bit_length()) + 1)})

    def promoted(self, rows: Sequence[Row], *, maximize: bool) -> list[int]:
        """The trials among `rows`, one of each that entered the rung, that go on; one at least.

        Ties go to the lower number. What diverged or failed does not go on.
        """
        check_list("Halving", "rows", rows, Row, "a sweep's rows")
        check_bool("Halving", "maximize", maximize)
        alive = [row for row in rows if row.value is not None]
        ranked = sorted(alive, key=lambda row: row.rank(maximize))
        return sorted(row.trial for row in ranked[: max(len(rows) // self.eta, 1)])
