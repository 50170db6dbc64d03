"""A contestant's process: reads one command a line as JSON, answers each with one line.

Started by `processes`, with the numbers of threads in the environment before anything is imported.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.contestants import CONTESTANTS
from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Problem


class Worker:
    """The commands that a contestant's process understands."""

    def __init__(self, name: str, threads: int) -> None:
        self.kind = CONTESTANTS[name].load()
        self.kind.set_threads(threads)
        self.contestant: Contestant | None = None

    def libraries(self) -> list[dict[str, Any]]:
        """The BLAS libraries and the threads they use."""
        return self.kind.libraries()

    def prepare(self, **problem: Any) -> None:
        """Make data and net; what there was of a former problem goes first."""
        self.contestant = None
        self.contestant = self.kind(Problem(**problem))

    def losses(self) -> list[float] | None:
        """The losses of the first steps on the batches that all contestants take."""
        assert self.contestant is not None
        return self.contestant.losses(self.contestant.problem.checked_batches())

    def run(self, steps: int) -> float:
        """Seconds that so many steps take, from the start weights."""
        assert self.contestant is not None
        self.contestant.reset()
        start = time.perf_counter()
        self.contestant.run(steps)
        return time.perf_counter() - start


def serve(name: str, threads: int) -> None:
    """Answer commands until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends the input
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(work: Callable[[], Any]) -> None:
        try:
            reply = {"result": work()}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers)

    worker: Worker | None = None

    def start() -> None:
        nonlocal worker
        worker = Worker(name, threads)

    answer(start)
    for line in sys.stdin:
        command = json.loads(line)
        answer(lambda: getattr(worker, command["do"])(**command["with"]))  # noqa: B023 - called at once


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestant", choices=list(CONTESTANTS))
    parser.add_argument("threads", type=int)
    arguments = parser.parse_args()
    serve(arguments.contestant, arguments.threads)
