"""A sweep under way: what has come of it, and what is to be run next."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from minidl.errors import CheckpointError
from minidl.sweep.adaptive import Adaptive, draw
from minidl.sweep.best import Best
from minidl.sweep.extension import numbered
from minidl.sweep.halving import Halving
from minidl.sweep.journal import Journal
from minidl.sweep.portable import name_of
from minidl.sweep.results import Results
from minidl.sweep.row import Row
from minidl.sweep.space import Configuration
from minidl.sweep.trial import Outcome, Setup, Task

OnResult: TypeAlias = Callable[[Row, Results], object]


class Plan(Protocol):
    """What a run needs of its `Sweep`."""

    setup: Setup
    configurations: list[Configuration]
    adaptive: Adaptive | None
    trials: int
    budgets: list[int]
    halving: Halving | None
    maximize: bool


class Run:
    """What a run has come to: journal, results, the best net, and the states of trials under way."""

    def __init__(self, sweep: Plan, journal: Journal, best: Best, on_result: OnResult | None) -> None:
        self._sweep, self._journal, self._best, self._on_result = sweep, journal, best, on_result
        self._states: dict[int, bytes | None] = {}
        self._configurations = numbered(sweep.configurations, journal.earlier)
        self.results = Results(
            journal.rows,
            best,
            objective=name_of(sweep.setup.objective),
            maximize=sweep.maximize,
            trials=sweep.trials if sweep.adaptive else len(self._configurations),
        )
        self._check_configurations()
        self._tidy()

    def rounds(self) -> Iterator[tuple[list[int], int]]:
        """The trials that run side by side and the rung they go to; a round follows from those before."""
        adaptive = self._sweep.adaptive
        if adaptive:
            for drawn in draw(adaptive, lambda trial: self._rows_at(0)[trial], maximize=self._sweep.maximize):
                self._configurations = drawn
                yield list(drawn), 0
            return
        entrants = list(self._configurations)
        for rung in range(len(self._sweep.budgets)):
            yield entrants, rung
            entrants = self._promote(entrants, rung)

    def tasks(self, entrants: list[int], rung: int) -> list[Task]:
        """What of a rung the journal does not hold."""
        budgets, held = self._sweep.budgets, self._rows_at(rung)
        start = budgets[rung - 1] if rung else 0
        last = rung == len(budgets) - 1
        return [
            Task(trial, self._configurations[trial], rung, start, budgets[rung], last,
                 self._states.pop(trial, None))
            for trial in entrants
            if trial not in held
        ]  # fmt: skip

    def take(self, outcome: Outcome) -> None:
        """Put an outcome where it belongs."""
        row = outcome.row
        self.results.add(row)
        is_best = row.status == "done" and self.results.best.trial == row.trial
        if is_best:
            self._keep(outcome)
        self._states[row.trial] = outcome.state
        self._add(row)
        if row.status == "done":
            self._tidy()

    def lost(self) -> list[Task]:
        """The best trial once more, where its net is not there.

        It was not the best when it was done: what made it so is that another seed of the configuration
        before it was worse.
        """
        results = self.results
        if not (results.is_repeated and results.done and not self._best.holds(results.best.trial)):
            return []
        row = results.best
        budget = self._sweep.budgets[-1]
        return [Task(row.trial, row.configuration, row.rung, 0, budget, last=True)]

    def restore(self, outcome: Outcome) -> None:
        """Keep what comes of it."""
        if outcome.net:
            self._keep(outcome)
            self._tidy()

    def _check_configurations(self) -> None:
        """`CheckpointError` where the journal has other configurations than its header stands for."""
        if self._sweep.adaptive:  # they are compared when they are drawn
            return
        for row in self._journal.rows:
            known = self._configurations.get(row.trial)
            if row.configuration != known:
                expected = f"trial {row.trial} with {known}" if known else "no trial beyond its space"
                got = f"trial {row.trial} with {row.configuration}"
                raise CheckpointError.expected("Sweep, going on with a journal", expected, got)

    def _tidy(self) -> None:
        """Drop the nets of the trials that are done, once the best one's is there."""
        if self.results.done:
            self._best.keep_only(self.results.best.trial, self._journal.done)

    def _keep(self, outcome: Outcome) -> None:
        assert outcome.net is not None
        assert outcome.history is not None
        self._best.keep(outcome.row.trial, outcome.net, outcome.history)

    def _promote(self, entrants: list[int], rung: int) -> list[int]:
        """Those of a rung that go on to the next; the others' last row says why they do not."""
        halving, rows = self._sweep.halving, self._rows_at(rung)
        if halving is None or rung == len(self._sweep.budgets) - 1:
            return []
        promoted = halving.promoted([rows[trial] for trial in entrants], maximize=self._sweep.maximize)
        reason = f"not among the best {len(promoted)} of {len(entrants)} at rung {rung + 1}"
        for trial in entrants:
            if trial not in promoted and rows[trial].status == "running":
                self._states.pop(trial, None)
                self._add(dataclasses.replace(rows[trial], status="stopped", reason=reason))
        return promoted

    def _rows_at(self, rung: int) -> dict[int, Row]:
        return {row.trial: row for row in self._journal.rows if row.rung == rung}

    def _add(self, row: Row) -> None:
        self._journal.append(row)
        self.results.add(row)
        if self._on_result:
            self._on_result(row, self.results)
