"""A contestant's process: reads one command a line as JSON, answers each with one line.

Started by `processes`, with the numbers of threads in the environment. Nothing that computes is
imported at the top: the process is confined to its cores first.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.contestants.task import Task


class Worker:
    """The commands that a contestant's process understands."""

    def __init__(self, suite: str, name: str) -> None:
        from benchmarks.contestants import CONTESTANTS
        from benchmarks.suites import SUITES

        self.suite = SUITES[suite]
        self.module = CONTESTANTS[name].load()
        self.task: Task | None = None

    def libraries(self) -> list[dict[str, Any]]:
        """The BLAS libraries, and the threads they use."""
        from benchmarks.machine import blas_libraries

        found = getattr(self.module, "libraries", blas_libraries)()
        return list(found)

    def prepare(self, **problem: Any) -> list[float] | None:
        """Make data and net, and give the answers that are compared with the reference."""
        self.task = None  # what there was of a former problem goes first
        task: Task = getattr(self.module, self.suite.task)(self.suite.problem(**problem))
        self.task = task
        return task.answers()

    def run(self, count: int) -> float:
        """Seconds that so many runs take."""
        assert self.task is not None
        self.task.reset()
        start = time.perf_counter()
        self.task.run(count)
        return time.perf_counter() - start


def serve(suite: str, name: str) -> None:
    """Answer commands until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends the input
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(work: Callable[[], Any]) -> None:
        try:
            reply = {"result": work()}
        except Exception as error:
            text = " ".join(str(error).split())  # one line
            reply = {"error": f"{type(error).__name__}: {text[:300]}"}
        print(json.dumps(reply), file=answers)

    worker: Worker | None = None

    def start() -> None:
        nonlocal worker
        worker = Worker(suite, name)

    answer(start)
    for line in sys.stdin:
        command = json.loads(line)
        answer(lambda: getattr(worker, command["do"])(**command["with"]))  # noqa: B023 - called at once


def confine(cores: int) -> None:
    """Let this process use so many cores only; 0: all there are."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("contestant")
    parser.add_argument("cores", type=int)
    arguments = parser.parse_args()
    confine(arguments.cores)
    serve(arguments.suite, arguments.contestant)
