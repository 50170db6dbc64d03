"""What a sweep has found."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

from minidl.checks import check_bool, check_float, check_int, check_kind, check_list
from minidl.errors import CheckpointError, StateError
from minidl.files import as_path, atomic_write
from minidl.net import Net
from minidl.sweep.best import Best
from minidl.sweep.figures import FIGURES
from minidl.sweep.journal import JOURNAL, read_journal
from minidl.sweep.listing import csv_of, show_value, table_of
from minidl.sweep.objective import is_maximized
from minidl.sweep.row import Row
from minidl.training import History

_LARGE = 1e9  # more is written with an exponent
_DIGITS = 17  # has no float more
_LAST = ("done", "running", "stopped", "diverged", "failed")


class Results:
    """Each trial's last row, and the best trial's net and history; grows while the sweep runs.

    Attributes
    ----------
    objective : str
        What `Row.value` is.
    maximize : bool
        Whether more of it is better.
    trials : int
        How many there will be.
    """

    def __init__(
        self, rows: Sequence[Row], best: Best, *, objective: str, maximize: bool, trials: int
    ) -> None:
        self.objective = check_kind("Results", "objective", objective, str)
        self.maximize = check_bool("Results", "maximize", maximize)
        self.trials = check_int("Results", "trials", trials, at_least=0)
        self._best = best
        self._last: dict[int, Row] = {}
        self._groups: dict[str, dict[int, None]] = {}  # trials that differ in their seed alone
        for row in check_list("Results", "rows", rows, Row, "a sweep's rows"):
            self.add(row)

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Results:
        """What the sweep that writes, or wrote, into a directory has found so far."""
        folder = as_path("Results.load", directory)
        header, rows = read_journal(folder / JOURNAL)
        objective, trials = header.get("objective"), header.get("trials")
        if not isinstance(objective, str) or not isinstance(trials, int):
            got = f"one without {'trials' if isinstance(objective, str) else 'objective'}"
            raise CheckpointError.expected(str(folder / JOURNAL), "the header of a minidl sweep", got)
        maximize = is_maximized(objective)
        return cls(rows, Best(folder), objective=objective, maximize=maximize, trials=trials)

    def add(self, row: Row) -> None:
        """Take up a trial's next row."""
        self._last[check_kind("Results", "row", row, Row).trial] = row
        shared = {key: value for key, value in row.configuration.items() if key != "seed"}
        self._groups.setdefault(json.dumps(shared, sort_keys=True, default=str), {})[row.trial] = None

    @property
    def rows(self) -> list[Row]:
        """Each trial's last row, in the order of the trials."""
        return [self._last[trial] for trial in sorted(self._last)]

    @property
    def done(self) -> list[Row]:
        """The rows of the trials that spent the whole budget."""
        return [row for row in self.rows if row.status == "done"]

    @property
    def best(self) -> Row:
        """Of the trials that are done, the best; of equals the lower trial.

        Where trials differ in their ``seed`` alone, the configuration with the best mean over its seeds
        counts, or the luckiest seed would win; the row is that of its best seed.

        Raises
        ------
        StateError
            None is done: all diverged or failed, or the sweep has not come so far.
        """
        ranks = self._ranks()
        if not ranks:
            reasons = "; ".join(sorted({row.reason for row in self.rows if row.reason}))
            raise StateError.expected("Results", "a trial that is done", f"none of {len(self.rows)}", reasons)
        return self._last[min(ranks, key=ranks.__getitem__)]

    def sorted(self) -> list[Row]:
        """The rows, the best first: done, then by the rung they came to; diverged and failed last."""
        ranks = self._ranks()

        def key(row: Row) -> tuple[Any, ...]:
            if row.value is None:
                return (1, _LAST.index(row.status), row.trial)
            if row.trial in ranks:
                return (0, False, -row.rung, *ranks[row.trial])
            return (0, True, -row.rung, *row.rank(self.maximize))

        return sorted(self.rows, key=key)

    @property
    def is_repeated(self) -> bool:
        """Whether there are trials that differ in their ``seed`` alone."""
        return any(len(group) > 1 for group in self._groups.values())

    def groups(self) -> list[list[Row]]:
        """The rows as `sorted` has them, those together that differ in their ``seed`` alone."""
        place = {trial: key for key, group in self._groups.items() for trial in group}
        found: dict[str, list[Row]] = {}
        for row in self.sorted():
            found.setdefault(place[row.trial], []).append(row)
        return list(found.values())

    def averaged(self) -> list[Row]:
        """A row for each of the `groups`: its best one, with the mean figures of those that are done."""
        return [_mean(group) for group in self.groups()]

    def _ranks(self) -> dict[int, tuple[float, ...]]:
        """What sorts the trials that are done: the mean of their configuration's seeds, then their own."""
        ranks: dict[int, tuple[float, ...]] = {}
        for group in self._groups.values():
            done = [row for trial in sorted(group) if (row := self._last[trial]).status == "done"]
            if done:
                mean, _ = _mean(done).rank(self.maximize)
                ranks.update((row.trial, (mean, done[0].trial, *row.rank(self.maximize))) for row in done)
        return ranks

    def best_net(self, *, custom: Sequence[Callable[..., Any]] = ()) -> Net:
        """The best trial's net; `custom` as `minidl.load` takes it."""
        return self._best.net(self.best.trial, custom)

    def best_history(self) -> History:
        """The best trial's history."""
        return self._best.history(self.best.trial)

    @property
    def varying(self) -> list[str]:
        """The keys of the configurations that are not the same in every trial."""
        rows = self.rows
        keys = dict.fromkeys(key for row in rows for key in row.configuration)
        return [key for key in keys if any(_differ(row, rows[0], key) for row in rows)]

    @property
    def title(self) -> str:
        """The objective in words; of a function that has no name, "objective"."""
        name = self.objective.rpartition(":")[2].rpartition(".")[2]
        return name.replace("_", " ") if name.isidentifier() else "objective"

    def show(self, value: float | None, digits: int = 2) -> str:
        """The objective's value as a text: an accuracy in percent, with so many decimals.

        Others have as many as give the best value two digits more than `digits`, so that they line up.
        """
        if value is None:
            return ""
        value = check_float("Results.show", "value", value)
        digits = min(check_int("Results.show", "digits", digits, at_least=0), _DIGITS)
        if self.objective.endswith("accuracy"):
            return f"{value:.{digits}%}"
        known = [row.value for row in self._last.values() if row.value is not None] or [value]
        best = abs(max(known) if self.maximize else min(known))
        before = math.floor(math.log10(best)) + 1 if best else 0
        decimals = min(max(digits + 2 - before, 0), _DIGITS)
        return f"{value:.{decimals}f}" if abs(value) < _LARGE else f"{value:.{digits + 2}g}"

    def describe(self, row: Row) -> str:
        """What tells a trial from the others, such as ``lr 0.001, reg 0.01``."""
        found = check_kind("Results", "row", row, Row).configuration
        return ", ".join(f"{key} {show_value(found[key])}" for key in self.varying if key in found)

    def table(self) -> str:
        """A line a trial, the best first, and below it what is the same in all of them.

        Trials that differ in their ``seed`` alone share a line, with their mean and its spread. What was
        stopped, diverged or failed comes last, with the reason.
        """
        return table_of(self)

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line a trial, in their order: a column a key, the figures in full, what became of it."""
        text = csv_of(self)
        with atomic_write(path) as file:
            file.write(text.encode())

    def __repr__(self) -> str:
        best = f", best {self.objective} {self.best.value:.4g}" if self.done else ""
        return f"Results({len(self._last)} of {self.trials} trials{best})"


def _mean(group: Sequence[Row]) -> Row:
    """The first row, with the means of those that are done in the place of its figures."""
    done = [row for row in group if row.status == "done"]
    if len(done) < 2:
        return group[0]
    names = ("value", *FIGURES)
    figures: dict[str, Any] = {name: _mean_of([getattr(row, name) for row in done]) for name in names}
    metrics = {name: _mean_of([row.metrics.get(name) for row in done]) for name in done[0].metrics}
    return dataclasses.replace(group[0], **figures, metrics=metrics)


def _mean_of(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return math.fsum(known) / len(known) if len(known) == len(figures) else None


def _differ(row: Row, other: Row, key: str) -> bool:
    return bool(row.configuration.get(key) != other.configuration.get(key))
