"""The pool of workers that a sweep's tasks run on.

A trial's function is pure, so that one whose worker died is simply run again.
"""

from __future__ import annotations

import math
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from typing import Any, TypeAlias

from minidl.console import safe_console
from minidl.cores import granted_cores
from minidl.errors import ConfigurationError, MissingExtraError
from minidl.sweep.backends import BACKENDS
from minidl.sweep.trial import Outcome, Row, Setup, Task

RunTasks: TypeAlias = Callable[[Sequence[Task]], Iterator[Outcome]]

_PATIENCE = 2
"""How often workers may die with nothing finished in between."""


@contextmanager
def open_pool(setup: Setup, *, jobs: int, backend: str, scheduler: str | None) -> Iterator[RunTasks]:
    """A function that runs tasks and gives their outcomes as they come."""
    if backend not in BACKENDS:
        expected = f"backend to be one of {', '.join(BACKENDS)}"
        raise ConfigurationError.expected("Sweep", expected, repr(backend))
    if jobs == 0 or not isinstance(jobs, int):
        expected = "jobs to be a whole number other than 0"
        raise ConfigurationError.expected("Sweep", expected, repr(jobs), "-1 is as many as there are cores")
    if scheduler is not None and backend == "loky":
        remedy = "give the backend that it is of"
        raise ConfigurationError.expected("Sweep", "no scheduler for loky", repr(scheduler), remedy)
    try:
        from joblib import Parallel, effective_n_jobs, parallel_config
    except ImportError:
        raise MissingExtraError.for_extra("a sweep", "joblib", "sweep") from None
    if backend == "loky" and jobs < 0:  # joblib sees the quota of a container, and of no group within
        jobs = min(effective_n_jobs(jobs), max(math.ceil(granted_cores()) + 1 + jobs, 1))
    # Workers do not start where there is no standard error.
    console = safe_console() if sys.stderr is None else nullcontext()
    with console, BACKENDS[backend](setup, jobs, scheduler) as engine, ExitStack() as pool:

        def start() -> Any:
            with parallel_config(engine.backend, **engine.options), _start_method_as_it_was():
                # The next task is handed out when one is done: what waits would have to be called back.
                options = {"batch_size": 1, "pre_dispatch": engine.ahead}
                return pool.enter_context(Parallel(jobs, return_as="generator_unordered", **options))

        parallel = start()

        def attempt(tasks: Sequence[Task]) -> Iterator[Outcome]:
            nonlocal parallel
            answers = parallel(engine.call(task) for task in tasks)
            try:
                yield from map(engine.read, answers)
            except engine.deaths:
                pool.close()  # a late answer of this attempt must not be taken for one of the next
                parallel = start()
                raise
            finally:
                # Closed, it would warn that there are more answers; thrown into, it only calls them off.
                with suppress(_CalledOffError):
                    answers.throw(_CalledOffError)

        yield lambda tasks: _insist(attempt, tasks, engine.deaths)


@contextmanager
def _start_method_as_it_was() -> Iterator[None]:
    """Joblib's `Parallel` settles by which method the process starts others; its owner may yet choose."""
    settled = multiprocessing.get_start_method(allow_none=True)
    yield
    if not settled:
        multiprocessing.set_start_method(None, force=True)


class _CalledOffError(Exception):
    """Thrown into joblib where nobody wants the answers that are still to come."""


def _insist(
    attempt: RunTasks, tasks: Sequence[Task], deaths: tuple[type[BaseException], ...]
) -> Iterator[Outcome]:
    """Every task's outcome, also where workers die; a task that kills each of them fails."""
    missing = {task.trial: task for task in tasks}
    fruitless = 0
    while missing and fruitless < _PATIENCE:
        before = len(missing)
        try:
            for outcome in attempt(list(missing.values())):
                del missing[outcome.row.trial]
                yield outcome
        except deaths:
            fruitless = fruitless + 1 if len(missing) == before else 0
    for task in missing.values():  # alone, to see which of them it is
        yield _alone(attempt, task, deaths)


def _alone(attempt: RunTasks, task: Task, deaths: tuple[type[BaseException], ...]) -> Outcome:
    for _ in range(_PATIENCE):
        try:
            (outcome,) = attempt([task])
        except deaths:
            continue
        return outcome
    reason = "whatever process ran it died: out of memory?"
    return Outcome(Row(task.trial, task.configuration, task.rung, 0, "failed", reason))
