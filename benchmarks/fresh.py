"""Suites whose contestants are programs, each run in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from benchmarks.contestants import CONTESTANTS
from benchmarks.processes import ROOT, WorkerError, cores_for, environment
from benchmarks.results import Result
from benchmarks.rounds import AnswersDiffer, Session, take_turns
from benchmarks.suite import Problem, Suite
from benchmarks.worker import confine

_QUICK_ROUNDS = 3

SCRIPTS = Path(__file__).with_name("scripts")


class FreshSuite(Suite):
    """Every value is that of one run of a program from start to end; the first run is not counted."""

    problem = Problem
    task = ""  # no worker has one
    base = ""

    @abstractmethod
    def commands(self, problem: Problem, directory: Path) -> Mapping[str, list[str]]:
        """Python's arguments for each contestant; `directory` is there for the programs' input."""

    @abstractmethod
    def value(self, problem: Problem, seconds: float, output: str) -> float:
        """What is compared, from the seconds that a run took and from what it printed.

        Raises `AnswersDiffer` where the program did not do what all are to do.
        """

    def reference(self, problem: Problem) -> list[float]:
        return []

    def measure(self, session: Session) -> Iterator[Result]:
        names = []
        for name in session.names:
            if reason := CONTESTANTS[name].missing:
                session.skip(name, reason)
            else:
                names.append(name)
        rounds = min(session.rounds, _QUICK_ROUNDS) if session.quick else session.rounds
        with tempfile.TemporaryDirectory() as directory:
            for problem in self.problems(session.quick):
                commands = self.commands(problem, Path(directory))
                ready = self._try(
                    problem, {name: commands[name] for name in names if name in commands}, session
                )
                session.expect(rounds * len(ready))
                once = partial(self._once, problem, commands, session)
                values = take_turns(ready, rounds, once, partial(session.tick, problem.label))
                for name in ready:
                    yield Result(self.name, problem.label, session.threads, name, values[name])

    def _once(
        self, problem: Problem, commands: Mapping[str, list[str]], session: Session, name: str
    ) -> float:
        threads = session.threads
        try:
            return self.value(
                problem, *run(commands[name], threads, cores_for(name, threads, session.confined))
            )
        except (AnswersDiffer, WorkerError) as error:
            raise type(error)(f"{CONTESTANTS[name].title}: {error}") from None

    def _try(self, problem: Problem, commands: Mapping[str, list[str]], session: Session) -> list[str]:
        """Those whose program does what it is to do; the run also gets its files into the system's cache."""
        ready = []
        for name in commands:
            try:
                self._once(problem, commands, session, name)
                ready.append(name)
            except (AnswersDiffer, WorkerError) as error:
                session.refuse(name, problem.label, error)
        return ready


def run(arguments: list[str], threads: int, cores: int) -> tuple[float, str]:
    """Seconds that a fresh Python takes for `arguments`, and what it prints; 0 cores: all there are.

    Raises
    ------
    WorkerError
        For one that fails.
    """
    path = os.environ.get("PYTHONPATH")
    variables = environment(threads)
    variables["PYTHONPATH"] = f"{ROOT}{os.pathsep}{path}" if path else str(ROOT)
    # A program is compiled once, and not at every start, as it is where this is set.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=variables,
        preexec_fn=partial(confine, cores),
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerError(lines[-1][:300])
    return seconds, done.stdout
