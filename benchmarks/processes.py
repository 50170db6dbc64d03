"""The parent's side of the contestants' processes."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contestants import CONTESTANTS
from benchmarks.worker import confine
from minidl.cores import THREAD_VARIABLES

ROOT = Path(__file__).resolve().parents[1]


class WorkerError(Exception):
    """A contestant's process could not do what it was asked to, or ended."""


class Process:
    """A contestant in a process of its own with so many threads; close it after use."""

    def __init__(self, name: str, threads: int, confined: bool) -> None:
        self.name, self.title = name, CONTESTANTS[name].title
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, f"{cores_for(name, threads, confined)}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment(threads, CONTESTANTS[name].variables),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._commands, self._answers = self._process.stdin, self._process.stdout

    def wait(self) -> Any:
        """The answer to the last command, or to the start."""
        try:
            well, result = pickle.load(self._answers)
        except EOFError:
            well, result = False, "its process ended"
        if not well:
            raise WorkerError(f"{self.title}: {result}")
        return result

    def send(self, command: str, **arguments: Any) -> None:
        """Ask for something without waiting for it."""
        try:
            self._commands.write(pickle.dumps((command, arguments)))
            self._commands.flush()
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
        with suppress(BrokenPipeError):
            self._commands.close()
        try:
            self._process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


def environment(threads: int, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process with so many threads and these variables, in which it finds `benchmarks`.

    Each library reads its own variable when it is loaded, tinygrad NUM_CPU_THREADS.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    counts = dict.fromkeys((*THREAD_VARIABLES, "NUM_CPU_THREADS"), str(threads))
    return {**os.environ, **counts, **(variables or {}), "PYTHONPATH": path}


def cores_for(name: str, threads: int, confined: bool) -> int:
    """How many cores a contestant may use; 0: all there are."""
    return threads if confined or CONTESTANTS[name].counts_cores else 0


@contextmanager
def started(
    names: Iterable[str], threads: int, *, confined: bool = False
) -> Iterator[tuple[dict[str, Process], dict[str, str]]]:
    """Processes of the contestants that can take part, and why each of the others cannot."""
    skipped = {name: reason for name in names if (reason := CONTESTANTS[name].missing)}
    with ExitStack() as stack:
        # All are started before the first is waited for: most of an import is waiting.
        ready = {
            name: stack.enter_context(closing(Process(name, threads, confined)))
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


def run_program(
    name: str, arguments: Sequence[str], threads: int, confined: bool, directory: str
) -> tuple[float, str]:
    """Seconds that a fresh Python takes for `arguments`, and what it prints."""
    variables = environment(threads, CONTESTANTS[name].variables)
    # A program is compiled once, and not at every start, as it is where this is set.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        env=variables,
        preexec_fn=partial(confine, cores_for(name, threads, confined)),
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise WorkerError(f"{CONTESTANTS[name].title}: {lines[-1][:300]}")
    return seconds, done.stdout
