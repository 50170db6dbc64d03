"""The contestants checked for the same losses, then timed in interleaved rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from benchmarks.contestants.classic import reference_losses
from benchmarks.problem import Problem
from benchmarks.processes import Process

TOLERANCE = 1e-5
"""How far, relative to the classic program in float64, a float32 loss may be off: over the checked
steps rounding gives some 1e-7, while a wrong gradient shows in the second step's loss."""

# Threads of a BLAS spin for some milliseconds after their work; the next one must not feel that.
_PAUSE = 0.05


class LossesDiffer(Exception):  # noqa: N818 - says what happened
    """A contestant does not compute what the others do."""


@dataclass
class Result:
    """One row of the table: a contestant's times on one problem, in seconds a step."""

    problem: Problem
    threads: int
    contestant: str
    loss_difference: float | None  # the largest, relative; None without a loss
    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def quartiles(self) -> tuple[float, float]:
        if len(self.times) < 2:
            return self.times[0], self.times[0]
        lower, _, upper = statistics.quantiles(self.times, n=4, method="inclusive")
        return lower, upper

    def as_dict(self) -> dict[str, object]:
        """The row with all its times, for a JSON file."""
        lower, upper = self.quartiles
        summary = {"median": self.median, "lower_quartile": lower, "upper_quartile": upper}
        row = {key: value for key, value in asdict(self).items() if key != "times"}
        return {"suite": "step"} | row | summary | {"times": self.times}


def check(problem: Problem, processes: Sequence[Process]) -> dict[str, float | None]:
    """Prepare the problem everywhere; the largest relative difference of each contestant's losses.

    Raises
    ------
    LossesDiffer
        For one beyond `TOLERANCE`.
    """
    for process in processes:
        process.send("prepare", **asdict(problem))
    expected = reference_losses(problem)
    differences: dict[str, float | None] = {}
    for process in processes:
        process.wait()
        losses = process.ask("losses")
        if losses is None:
            differences[process.name] = None
            continue
        pairs = zip(losses, expected, strict=True)
        difference = max(abs(loss - wanted) / abs(wanted) for loss, wanted in pairs)
        if not difference <= TOLERANCE:  # a NaN is caught, too
            found = ", ".join(f"{loss:.6f}" for loss in losses)
            wanted = ", ".join(f"{loss:.6f}" for loss in expected)
            raise LossesDiffer(f"{process.title}'s losses are {found}; the classic program's are {wanted}")
        differences[process.name] = difference
    return differences


def measure(
    problem: Problem,
    processes: Sequence[Process],
    *,
    rounds: int,
    share: float = 1.0,
    tick: Callable[[], object] = lambda: None,
) -> list[Result]:
    """Check all contestants on the problem, then time them in turn, one at a time.

    Every contestant runs once to get warm, which is not counted. After that each round begins
    with another one. `tick` is called after every run, ``(rounds + 1) * len(processes)`` times.
    """
    differences = check(problem, processes)
    results = {p.name: Result(problem, p.threads, p.name, differences[p.name]) for p in processes}
    steps = problem.steps_per_round(share)
    for number in range(rounds + 1):
        first = number % len(processes)
        for process in (*processes[first:], *processes[:first]):
            time.sleep(_PAUSE)
            seconds = process.ask("run", steps=steps)
            if number > 0:
                results[process.name].times.append(seconds / steps)
            tick()
    return list(results.values())
