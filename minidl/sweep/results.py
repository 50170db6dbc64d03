"""What a sweep has found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minidl.errors import StateError
from minidl.layers import Sequential
from minidl.sweep.best import Best
from minidl.sweep.trial import Row
from minidl.training import History

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
        self, rows: Iterable[Row], best: Best, *, objective: str, maximize: bool, trials: int
    ) -> None:
        self.objective, self.maximize, self.trials = objective, maximize, trials
        self._best = best
        self._last: dict[int, Row] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take up a trial's next row."""
        self._last[row.trial] = row

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

    def best_net(self, *, custom: Sequence[Callable[..., Any]] = ()) -> Sequential:
        """The best trial's net; `custom` as `minidl.load` takes it."""
        return self._best.net(self.best.trial, custom)

    def best_history(self) -> History:
        """The best trial's history."""
        return self._best.history(self.best.trial)

    def __repr__(self) -> str:
        best = f", best {self.objective} {self.best.value:.4g}" if self.done else ""
        return f"Results({len(self._last)} of {self.trials} trials{best})"
