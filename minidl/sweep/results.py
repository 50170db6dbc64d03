"""What a sweep has found."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minidl.checks import check_bool, check_float, check_int, check_kind, check_list
from minidl.errors import CheckpointError, StateError
from minidl.files import as_path, atomic_write
from minidl.net import Net
from minidl.sweep.best import Best
from minidl.sweep.journal import JOURNAL, read_journal
from minidl.sweep.trial import FIGURES, Row
from minidl.tables import table
from minidl.training import History

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
        maximize = objective != "validation_loss"
        return cls(rows, Best(folder), objective=objective, maximize=maximize, trials=trials)

    def add(self, row: Row) -> None:
        """Take up a trial's next row."""
        self._last[check_kind("Results", "row", row, Row).trial] = row

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

        Raises
        ------
        StateError
            None is done: all diverged or failed, or the sweep has not come so far.
        """
        done = self.done
        if not done:
            reasons = "; ".join(sorted({row.reason for row in self.rows if row.reason}))
            raise StateError.expected("Results", "a trial that is done", f"none of {len(self.rows)}", reasons)
        return min(done, key=lambda row: row.rank(self.maximize))

    def sorted(self) -> list[Row]:
        """The rows, the best first: done, then by the rung they came to; diverged and failed last."""

        def key(row: Row) -> tuple[Any, ...]:
            if row.value is None:
                return (1, _LAST.index(row.status), row.trial)
            return (0, row.status != "done", -row.rung, *row.rank(self.maximize))

        return sorted(self.rows, key=key)

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
        """The objective in words."""
        return self.objective.rpartition(":")[2].replace("_", " ")

    def show(self, value: float | None, digits: int = 2) -> str:
        """The objective's value as a text: an accuracy in percent, with so many decimals."""
        if value is None:
            return ""
        value = check_float("Results.show", "value", value)
        digits = min(check_int("Results.show", "digits", digits, at_least=0), _DIGITS)
        return f"{value:.{digits}%}" if self.objective.endswith("accuracy") else f"{value:.{digits + 2}g}"

    def describe(self, row: Row) -> str:
        """What tells a trial from the others, such as ``lr 0.001, reg 0.01``."""
        return _describe(check_kind("Results", "row", row, Row), self.varying)

    def table(self) -> str:
        """A line a trial, the best first, and below it what is the same in all of them.

        What was stopped, diverged or failed comes last, with the reason.
        """
        rows, varying = self.sorted(), self.varying
        columns = {
            "trial": [str(row.trial) for row in rows],
            **{key: [show_value(row.configuration.get(key)) for row in rows] for key in varying},
            "steps": [f"{row.steps:,}" for row in rows],
            "train": [_percent(row.train_accuracy) for row in rows],
            "validation": [_percent(row.validation_accuracy) for row in rows],
        }
        if self.objective != "validation_accuracy":
            columns[self.title] = [self.show(row.value) for row in rows]
            if rows:  # where numbers are predicted, there are no accuracies
                columns = {name: texts for name, texts in columns.items() if any(texts)}
        fates = list(map(_fate, rows))
        if any(fates):
            columns[""] = fates
        last = [len(columns) - 1] if any(fates) else []
        text = table(list(columns), zip(*columns.values(), strict=True), left=last)
        same = [key for key in (rows[0].configuration if rows else ()) if key not in varying]
        return f"{text}\n\nin every trial: {_describe(rows[0], same)}" if same else text

    def save_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a line a trial, in their order: a column a key, the figures in full, what became of it."""
        rows = self.rows
        keys = list(dict.fromkeys(key for row in rows for key in row.configuration))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["trial", *keys, "steps", "status", "value", *FIGURES, "reason"])
        for row in rows:
            values = [row.configuration.get(key) for key in keys]
            values = [show_value(value) if isinstance(value, list) else value for value in values]
            figures = [getattr(row, name) for name in FIGURES]
            writer.writerow([row.trial, *values, row.steps, row.status, row.value, *figures, row.reason])
        with atomic_write(path) as file:
            file.write(text.getvalue().encode())

    def __repr__(self) -> str:
        best = f", best {self.objective} {self.best.value:.4g}" if self.done else ""
        return f"Results({len(self._last)} of {self.trials} trials{best})"


def show_value(value: Any) -> str:
    """A value of a configuration as a text: floats short, lists as ``300,100``."""
    if isinstance(value, list):
        return ",".join(map(show_value, value))
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def _describe(row: Row, keys: Iterable[str]) -> str:
    found = row.configuration
    return ", ".join(f"{key} {show_value(found[key])}" for key in keys if key in found)


def _differ(row: Row, other: Row, key: str) -> bool:
    return bool(row.configuration.get(key) != other.configuration.get(key))


def _percent(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.2%}"


def _fate(row: Row) -> str:
    """Why a trial ended before its end; without an error's remedy, which is the same in all."""
    if row.status == "done":
        return row.reason or ""
    return f"{row.status}: {row.reason.partition('; ')[0]}" if row.reason else row.status
