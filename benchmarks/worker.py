"""A contestant's process: reads pickled commands, answers each.

Started by `processes`, with the numbers of threads in the environment. Nothing that computes is
imported at the top: the process is confined to its cores first.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.contestants.task import Task


class Worker:
    """The commands that a contestant's process understands."""

    def __init__(self, name: str) -> None:
        from benchmarks.contestants import CONTESTANTS

        self.module = CONTESTANTS[name].load()
        self.task: Task | None = None

    def libraries(self) -> list[dict[str, Any]]:
        """The BLAS libraries, and the threads they use."""
        from benchmarks.machine import blas_libraries

        found: list[dict[str, Any]] = getattr(self.module, "libraries", blas_libraries)()
        return found

    def prepare(self, task: str, problem: object) -> list[float] | None:
        """Make data and net, and give the answers that are compared with the reference."""
        self.task = None  # what there was of a former problem goes first
        made: Task = getattr(self.module, task)(problem)
        self.task = made
        return made.answers()

    def run(self, count: int) -> float:
        """Seconds that so many runs take."""
        assert self.task is not None
        self.task.reset()
        start = time.perf_counter()
        self.task.run(count)
        return time.perf_counter() - start


def serve(name: str) -> None:
    """Answer commands until the standard input ends: whether it went well, and the result or why not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends the input
    # Whatever a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(work: Callable[..., Any], *arguments: object, **options: object) -> Any:
        try:
            result = work(*arguments, **options)
            reply = (True, None if isinstance(result, Worker) else result)
        except Exception as error:
            text = " ".join(str(error).split())  # one line
            result, reply = None, (False, f"{type(error).__name__}: {text[:300]}")
        answers.write(pickle.dumps(reply))
        return result

    worker = answer(Worker, name)
    while True:
        try:
            command, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        answer(getattr(worker, command), **arguments)


def confine(cores: int) -> None:
    """Let this process use so many cores only; 0: all there are."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


if __name__ == "__main__":
    confine(int(sys.argv[2]))
    serve(sys.argv[1])
