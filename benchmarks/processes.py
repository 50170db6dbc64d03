"""The parent's side of the contestants' processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.contestants import CONTESTANTS

ROOT = Path(__file__).resolve().parents[1]

# Each library reads its own when it is loaded, so they are set before the process starts.
_THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUM_CPU_THREADS",  # tinygrad's
)


class WorkerError(Exception):
    """A contestant's process could not do what it was asked to, or ended."""


class Process:
    """A contestant in a process of its own with so many threads; close it or use it in a ``with``."""

    def __init__(self, suite: str, name: str, threads: int, confined: bool) -> None:
        self.name, self.threads = name, threads
        self.title = CONTESTANTS[name].title
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", suite, name, str(cores_for(name, threads, confined))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(threads),
        )

    def wait(self) -> Any:
        """The answer to the last command, or to the start."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        reply = json.loads(line) if line else {"error": "its process ended"}
        if "error" in reply:
            raise WorkerError(f"{self.title}: {reply['error']}")
        return reply["result"]

    def send(self, command: str, **arguments: Any) -> None:
        """Ask for something without waiting for it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": command, "with": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(f"{self.title}: its process ended") from None

    def ask(self, command: str, **arguments: Any) -> Any:
        """Ask and wait for the answer."""
        self.send(command, **arguments)
        return self.wait()

    def run(self, count: int) -> float:
        """Seconds that so many runs take."""
        return float(self.ask("run", count=count))

    def close(self) -> None:
        """End the process: by itself, so that libraries can tidy up; if it is at work, at once."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def environment(threads: int) -> dict[str, str]:
    """The environment of a process with so many threads."""
    return os.environ | dict.fromkeys(_THREAD_VARIABLES, str(threads))


def cores_for(name: str, threads: int, confined: bool) -> int:
    """How many cores a contestant may use; 0: all there are."""
    return threads if confined or CONTESTANTS[name].counts_cores else 0


@contextmanager
def started(
    suite: str, names: Iterable[str], threads: int, *, confined: bool = False
) -> Iterator[tuple[dict[str, Process], dict[str, str]]]:
    """Processes of the contestants that can take part, and why each of the others cannot."""
    missing = {name: CONTESTANTS[name].missing for name in names}
    skipped = {name: reason for name, reason in missing.items() if reason}
    with ExitStack() as stack:
        # All are started before the first is waited for: most of an import is waiting.
        ready = {
            name: stack.enter_context(Process(suite, name, threads, confined))
            for name in names
            if name not in skipped
        }
        for name, process in list(ready.items()):
            try:
                process.wait()
            except WorkerError as error:
                del ready[name]
                skipped[name] = str(error).removeprefix(f"{process.title}: ")
        yield ready, skipped
