"""The contestants checked against a reference, then timed in interleaved rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from benchmarks.processes import Process, WorkerError, started
from benchmarks.results import Report, Result
from benchmarks.suite import Problem, Suite

ALWAYS = ("floor", "minidl")
"""Those that everything is compared with; the others are the peers."""

# Threads of a BLAS spin for some milliseconds after their work; the next one must not feel that.
_PAUSE = 0.05


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
            raise WorkerError(reason)
        self.report.skip(self.suite, name, reason)


def take_turns(
    names: Sequence[str], rounds: int, once: Callable[[str], float], tick: Callable[[], object]
) -> dict[str, list[float]]:
    """`once` for each name, round after round, each beginning with another one; their values."""
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            time.sleep(_PAUSE)
            values[name].append(once(name))
            tick()
    return values


def measure_in_workers(suite: Suite, session: Session) -> list[Result]:
    """Every problem by every contestant, in processes that stay from the first to the last."""
    results: list[Result] = []
    with started(suite.name, session.names, session.threads) as (processes, missing):
        for name, reason in missing.items():
            session.skip(name, reason)
        for process in processes.values():
            for record in process.ask("libraries"):
                about = {"suite": suite.name, "contestant": process.name}
                session.report.libraries.append(about | record)
        problems = suite.problems(session.quick)
        session.expect(len(problems) * session.rounds * len(processes))
        for problem in problems:
            results += _measure_problem(suite, problem, processes, session)
    return results


def check(
    suite: Suite, problem: Problem, processes: Mapping[str, Process], reference: Sequence[float]
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Prepare the problem everywhere, and compare the answers with the reference.

    Returns the largest relative difference of each contestant (None: it has no answers), and why
    each contestant that failed or differs by more than the suite's tolerance was refused.
    """
    for process in processes.values():
        process.send("prepare", **asdict(problem))
    differences: dict[str, float | None] = {}
    refused: dict[str, str] = {}
    for name, process in processes.items():
        try:
            process.wait()
            answers = process.ask("answers")
            differences[name] = None if answers is None else _difference(suite, process, answers, reference)
        except (AnswersDiffer, WorkerError) as error:
            refused[name] = str(error)
    return differences, refused


def _difference(
    suite: Suite, process: Process, answers: Sequence[float], reference: Sequence[float]
) -> float:
    """The largest difference, relative to the reference's size."""
    pairs: list[tuple[float, float]] = list(zip(answers, reference, strict=True))
    difference = max(abs(answer - wanted) / max(abs(wanted), 1e-30) for answer, wanted in pairs)
    if not difference <= suite.tolerance:  # a NaN is caught, too
        got = ", ".join(f"{answer:.6f}" for answer, _ in pairs[:8])
        expected = ", ".join(f"{wanted:.6f}" for _, wanted in pairs[:8])
        raise AnswersDiffer(f"{process.title}: expected {expected} as all others have, got {got}")
    return difference


def _measure_problem(
    suite: Suite, problem: Problem, processes: Mapping[str, Process], session: Session
) -> list[Result]:
    differences, refused = check(suite, problem, processes, suite.reference(problem))
    for name, reason in refused.items():
        session.skip(name, f"{problem.label}: {reason}")
        session.tick(problem.label, session.rounds)
    names = list(differences)
    # The first run gets a contestant warm; the second says how many make a round.
    counts = {}
    for name in names:
        processes[name].run(1)
        counts[name] = max(round(session.seconds / processes[name].run(1)), 1)

    def once(name: str) -> float:
        count = counts[name]
        return processes[name].run(count) / (count * problem.units)

    values = take_turns(names, session.rounds, once, lambda: session.tick(problem.label))
    return [
        Result(
            suite.name,
            problem.label,
            session.threads,
            name,
            values[name],
            differences[name],
            asdict(problem),
        )
        for name in names
    ]
