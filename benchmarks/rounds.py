"""The contestants checked against a reference, then timed in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from benchmarks.contestants import CONTESTANTS
from benchmarks.processes import Process, WorkerError, started
from benchmarks.results import Report, Result
from benchmarks.suite import Problem, Suite

ALWAYS = ("floor", "minidl")
"""Those that everything is compared with; the others are the peers."""

# The next one must not feel that threads of a BLAS spin after their work: OpenBLAS's, as NumPy's wheels
# build it, for 2**28 ticks of the CPU's clock, a tenth of a second.
_PAUSE = 0.2

_SLOW, _SLOW_ROUNDS = 6, 3
"""A contestant whose single run takes so many times a round's length has so few rounds only."""

_TINY, _SHOWN = 1e-30, 5


class AnswersDiffer(Exception):  # noqa: N818 - says what happened
    """A contestant does not compute what the others do."""


@dataclass
class Session:
    """One suite with one number of threads, under way."""

    suite: str
    names: Sequence[str]
    """Who is to take part."""
    threads: int
    report: Report
    """Takes notes on libraries and on who could not take part; the results are returned, not put in."""
    quick: bool = False
    confined: bool = False
    """Whether everybody has as many cores as threads, and not only those who know no other limit."""
    rounds: int = 11
    seconds: float = 0.25
    """How long a contestant should work in one round."""
    bar: tqdm[Any] | None = None

    def expect(self, runs: int) -> None:
        """Let the progress bar know of so many more runs."""
        if self.bar is not None:
            self.bar.total = (self.bar.total or 0) + runs
            self.bar.refresh()

    def tick(self, row: str, runs: int = 1) -> None:
        """So many runs of this row are done."""
        if self.bar is not None:
            self.bar.set_description(f"{self.suite}, {row}, threads {self.threads}", refresh=False)
            self.bar.update(runs)

    def skip(self, name: str, reason: str) -> None:
        """Go on without a peer; without the others there is nothing to compare with."""
        if name in ALWAYS:
            raise WorkerError(f"{CONTESTANTS[name].title}: {reason}")
        self.report.skip(self.suite, name, reason)

    def refuse(self, name: str, row: str, error: Exception) -> None:
        """Go on without a peer's figures on one row, where it failed or is wrong."""
        if name in ALWAYS:
            raise error
        self.report.skip(self.suite, name, str(error), row)


def take_turns(
    names: Sequence[str],
    rounds: int,
    once: Callable[[str], float],
    tick: Callable[[], object],
    *,
    slow: Collection[str] = (),
) -> dict[str, list[float]]:
    """`once` for each name, round after round, each beginning with another one; their values.

    Those named in `slow` sit out all rounds but the first few.
    """
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            if name not in slow or number < _SLOW_ROUNDS:
                time.sleep(_PAUSE)
                values[name].append(once(name))
                tick()
    return values


def measure_in_workers(suite: Suite, session: Session) -> Iterator[Result]:
    """Every problem by every contestant, in processes that stay from the first to the last."""
    with started(suite.name, session.names, session.threads, confined=session.confined) as (
        processes,
        missing,
    ):
        for name, reason in missing.items():
            session.skip(name, reason)
        for process in processes.values():
            for record in process.ask("libraries"):
                session.report.libraries.append({"suite": suite.name, "contestant": process.name, **record})
        problems = suite.problems(session.quick)
        session.expect(len(problems) * session.rounds * len(processes))
        for problem in problems:
            yield from _measure_problem(suite, problem, processes, session)


def check(
    suite: Suite, problem: Problem, processes: Mapping[str, Process]
) -> tuple[dict[str, float | None], dict[str, Exception]]:
    """Prepare the problem everywhere, and compare the answers with the reference.

    Returns the largest relative difference of each contestant (None: it has no answers), and the
    error of each that failed or differs by more than the suite's tolerance.
    """
    differences: dict[str, float | None] = {}
    refused: dict[str, Exception] = {}
    for name, process in processes.items():
        with _noting(refused, name):
            process.send("prepare", **asdict(problem))
    reference = suite.reference(problem)
    for name in [name for name in processes if name not in refused]:
        with _noting(refused, name):
            answers = processes[name].wait()
            title = CONTESTANTS[name].title
            differences[name] = None if answers is None else _difference(suite, title, answers, reference)
    return differences, refused


@contextmanager
def _noting(refused: dict[str, Exception], name: str) -> Iterator[None]:
    try:
        yield
    except (AnswersDiffer, WorkerError) as error:
        refused[name] = error


def _difference(suite: Suite, title: str, answers: Sequence[float], reference: Sequence[float]) -> float:
    """The largest difference, relative to the reference's number."""
    if len(answers) != len(reference):
        raise AnswersDiffer(f"{title}: expected {len(reference)} answers, got {len(answers)}")
    pairs = list(zip(answers, reference, strict=True))
    difference = max(abs(answer - wanted) / max(abs(wanted), _TINY) for answer, wanted in pairs)
    if not difference <= suite.tolerance:  # a NaN is caught, too
        got = ", ".join(f"{answer:.6f}" for answer, _ in pairs[:_SHOWN])
        expected = ", ".join(f"{wanted:.6f}" for _, wanted in pairs[:_SHOWN])
        raise AnswersDiffer(f"{title}: expected {expected} within {suite.tolerance:g}, got {got}")
    return difference


def _measure_problem(
    suite: Suite, problem: Problem, processes: Mapping[str, Process], session: Session
) -> list[Result]:
    differences, refused = check(suite, problem, processes)
    counts: dict[str, int] = {}
    slow: set[str] = set()
    for name in differences:
        with _noting(refused, name):
            # The first run gets a contestant warm; the second says how many make a round.
            processes[name].run(1)
            seconds = processes[name].run(1)
            counts[name] = max(round(session.seconds / seconds), 1)
            if seconds > _SLOW * session.seconds:
                slow.add(name)
    for name, error in refused.items():
        session.refuse(name, problem.label, error)

    def once(name: str) -> float:
        return processes[name].run(counts[name]) / (counts[name] * problem.units)

    values = take_turns(list(counts), session.rounds, once, lambda: session.tick(problem.label), slow=slow)
    left_out = len(processes) * session.rounds - sum(map(len, values.values()))
    session.tick(problem.label, left_out)
    return [
        Result(suite.name, problem.label, session.threads, name, times, differences[name], asdict(problem))
        for name, times in values.items()
    ]
