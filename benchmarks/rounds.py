"""The contestants checked against a reference, then timed in interleaved rounds."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.contestants import CONTESTANTS
from benchmarks.problems import Problem, Program
from benchmarks.processes import Process, WorkerError, run_program, started
from benchmarks.results import Report, Result
from benchmarks.suite import ALWAYS, Suite

# The next one must not feel that threads of a BLAS spin after their work: OpenBLAS's, as NumPy's wheels
# build it, for 2**28 ticks of the CPU's clock, a tenth of a second.
_PAUSE = 0.2

_SLOW, _SLOW_ROUNDS = 6, 3
"""A contestant whose single run takes so many times a round's length has so few rounds only."""

_QUICK_PROGRAM_ROUNDS = 3
_TINY, _SHOWN = 1e-30, 5


class AnswersDiffer(Exception):  # noqa: N818 - says what happened
    """A contestant does not compute what the others do."""


@dataclass
class Session:
    """One suite with one number of threads, under way."""

    suite: Suite
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
    bar: tqdm[Any] = field(default_factory=lambda: tqdm(disable=True))

    def expect(self, runs: int) -> None:
        """Let the progress bar know of so many more runs."""
        self.bar.total = (self.bar.total or 0) + runs
        self.bar.refresh()

    def tick(self, row: str, runs: int = 1) -> None:
        """So many runs of this row are done."""
        self.bar.set_description(f"{self.suite.name}, {row}, threads {self.threads}", refresh=False)
        self.bar.update(runs)

    def leave_out(self, reasons: Mapping[str, str] | Mapping[str, Exception], row: str = "") -> None:
        """Go on without these peers, or only without their figures on one row.

        Without the floor or minidl there is nothing to compare with: that is raised.
        """
        for name, reason in reasons.items():
            if name in ALWAYS:
                title = CONTESTANTS[name].title
                raise reason if isinstance(reason, Exception) else WorkerError(f"{title}: {reason}")
            self.report.skip(self.suite.name, name, str(reason), row)


def measure(session: Session) -> Iterator[Result]:
    """All problems, row by row, so that these are kept if the run is broken off later."""
    return (_measure_in_workers if session.suite.task else _measure_programs)(session)


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
        first = number % max(len(names), 1)
        for name in (*names[first:], *names[:first]):
            if name not in slow or number < _SLOW_ROUNDS:
                time.sleep(_PAUSE)
                values[name].append(once(name))
                tick()
    return values


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
            process.send("prepare", task=problem.task or suite.task, problem=problem)
    reference = suite.reference(problem)
    for name in [name for name in processes if name not in refused]:
        with _noting(refused, name):
            answers = processes[name].wait()
            title = CONTESTANTS[name].title
            differences[name] = None if answers is None else _difference(suite, title, answers, reference)
    return differences, refused


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


@contextmanager
def _noting(refused: dict[str, Exception], name: str) -> Iterator[None]:
    try:
        yield
    except (AnswersDiffer, WorkerError) as error:
        refused[name] = error


# -------------------------------------------------------------------- in processes that stay


def _measure_in_workers(session: Session) -> Iterator[Result]:
    """Every problem by every contestant, each in one process from the first problem to the last."""
    suite = session.suite
    with started(session.names, session.threads, confined=session.confined) as (processes, missing):
        session.leave_out(missing)
        for name, process in processes.items():
            for record in process.ask("libraries"):
                session.report.libraries.append({"suite": suite.name, "contestant": name, **record})
        problems = suite.problems(session.quick)
        session.expect(len(problems) * session.rounds * len(processes))
        for problem in problems:
            yield from _measure_problem(session, problem, processes)


def _measure_problem(session: Session, problem: Problem, processes: Mapping[str, Process]) -> list[Result]:
    suite, length = session.suite, session.seconds * session.suite.patience
    differences, refused = check(suite, problem, processes)
    counts: dict[str, int] = {}
    slow: set[str] = set()
    for name in differences:
        with _noting(refused, name):
            # The first run gets a contestant warm; the second says how many make a round.
            processes[name].run(1)
            seconds = processes[name].run(1)
            counts[name] = max(round(length / seconds), 1)
            if seconds > _SLOW * length:
                slow.add(name)
    session.leave_out(refused, problem.label)

    def once(name: str) -> float:
        return processes[name].run(counts[name]) / (counts[name] * problem.units)

    values = take_turns(list(counts), session.rounds, once, partial(session.tick, problem.label), slow=slow)
    left_out = len(processes) * session.rounds - sum(map(len, values.values()))
    session.tick(problem.label, left_out)
    return [
        Result(suite.name, problem.label, session.threads, name, times, differences[name], asdict(problem))
        for name, times in values.items()
    ]


# -------------------------------------------------------------------- whole programs


def _measure_programs(session: Session) -> Iterator[Result]:
    """Every value is that of one run of a program from start to end; the first run is not counted."""
    suite = session.suite
    missing = {name: reason for name in session.names if (reason := CONTESTANTS[name].missing)}
    session.leave_out(missing)
    rounds = min(session.rounds, _QUICK_PROGRAM_ROUNDS) if session.quick else session.rounds
    with tempfile.TemporaryDirectory() as directory:
        suite.write_input(Path(directory))
        for problem in suite.problems(session.quick):
            once = partial(_run_program, session, problem, directory)
            refused: dict[str, Exception] = {}
            for name in [name for name in session.names if name not in missing]:
                with _noting(refused, name):
                    once(name)  # also gets the program's files into the system's cache
            session.leave_out(refused, problem.label)
            ready = [name for name in session.names if name not in {*missing, *refused}]
            session.expect(rounds * len(ready))
            values = take_turns(ready, rounds, once, partial(session.tick, problem.label))
            for name in ready:
                yield Result(suite.name, problem.label, session.threads, name, values[name])


def _run_program(session: Session, problem: Problem, directory: str, name: str) -> float:
    assert isinstance(problem, Program)
    command = dict(problem.commands)[name]
    seconds, output = run_program(name, command, session.threads, session.confined, directory)
    accuracy, *value = map(float, output.split())
    if not accuracy >= problem.least:
        wanted, title = problem.least, CONTESTANTS[name].title
        raise AnswersDiffer(f"{title}: expected a test accuracy of {wanted:.1%}, got {accuracy:.1%}")
    return value[0] if value else seconds
