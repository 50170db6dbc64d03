"""Where trials run: joblib's loky, dask and ray, each with the data brought to the workers once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from minidl.errors import ConfigurationError, MissingExtraError
from minidl.sweep.trial import Outcome, Setup, Task, run_task

BACKENDS = ("loky", "dask", "ray")

RunTasks: TypeAlias = Callable[[Sequence[Task]], Iterator[Outcome]]


@contextmanager
def open_pool(setup: Setup, *, jobs: int, backend: str, scheduler: str | None) -> Iterator[RunTasks]:
    """A function that runs tasks and gives their outcomes as they come."""
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError:
        raise MissingExtraError.for_extra("a sweep", "joblib", "sweep") from None
    if backend not in BACKENDS:
        raise ConfigurationError.expected(
            "Sweep", f"backend to be one of {', '.join(BACKENDS)}", repr(backend)
        )

    def run_tasks(tasks: Sequence[Task]) -> Iterator[Outcome]:
        options = {"initializer": _start_worker, "initargs": (os.getpid(),)}
        with parallel_config("loky", inner_max_num_threads=1, **options):
            parallel = Parallel(
                n_jobs=jobs, batch_size=1, pre_dispatch="n_jobs", return_as="generator_unordered"
            )
        yield from parallel(delayed(run_task)(setup, task) for task in tasks)

    yield run_tasks


def _start_worker(sweep: int) -> None:
    """Make a worker process end when the sweep does, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the sweep ends its workers

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="minidl-watch", daemon=True).start()
