"""The pool of workers that a sweep's tasks run on.

A trial's function is pure, so that one whose worker died is simply run again.
"""

from __future__ import annotations

import math
import multiprocessing
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import partial
from typing import Any, TypeAlias

from minidl.advice import shown
from minidl.checks import check_choice
from minidl.console import safe_console
from minidl.cores import granted_cores
from minidl.errors import ConfigurationError, MinidlError, MissingExtraError, StateError
from minidl.sweep.backends import Engine, open_loky
from minidl.sweep.clusters import open_dask, open_ray
from minidl.sweep.portable import check_picklable
from minidl.sweep.row import Row
from minidl.sweep.trial import Outcome, Setup, Task

RunTasks: TypeAlias = Callable[[Sequence[Task]], Iterator[Outcome]]

BACKENDS: dict[str, Callable[[Setup, int, str | None], AbstractContextManager[Engine]]] = {
    "loky": open_loky,
    "dask": open_dask,
    "ray": open_ray,
}

_PATIENCE = 2
"""How often workers may die with nothing finished in between."""


def check_pool(jobs: object, backend: str, scheduler: object) -> int:
    """The number of jobs; `ConfigurationError` for what no pool can be opened with."""
    check_choice("Sweep", "backend", backend, BACKENDS)
    number = _checked_jobs(jobs)
    if scheduler is not None and (backend == "loky" or not isinstance(scheduler, str)):
        expected = "no scheduler for loky" if backend == "loky" else "scheduler to be an address, or none"
        remedy = "give the backend that it is of" if backend == "loky" else ""
        raise ConfigurationError.expected("Sweep", expected, shown(scheduler), remedy)
    return number


@contextmanager
def open_pool(
    setup: Setup, trials: int, jobs: int, backend: str, scheduler: str | None
) -> Iterator[RunTasks]:
    """A function that runs tasks and gives their outcomes as they come."""
    # One trial, too, has a process of its own where several were asked for: its death is only its own.
    jobs = min(check_pool(jobs, backend, scheduler), max(trials, 2))
    _check_main_program()
    try:
        from joblib import Parallel, effective_n_jobs, parallel_config
    except ImportError:
        raise MissingExtraError.for_extra("a sweep", "joblib", "sweep") from None
    with ExitStack() as ends:
        if sys.stderr is None:  # workers do not start without one
            ends.enter_context(safe_console())
        # Joblib settles it by asking for it, and the caller could not choose any more.
        method = multiprocessing.get_start_method(allow_none=True)
        unsettle = partial(multiprocessing.set_start_method, method, force=True)
        ends.callback(unsettle)
        if backend == "loky" and jobs < 0:  # joblib sees the quota of a container, and of no group within
            jobs = min(effective_n_jobs(jobs), max(math.ceil(granted_cores()) + 1 + jobs, 1))
        workers = min(effective_n_jobs(jobs), max(trials, 2))
        if workers > 1 or backend != "loky":
            check_picklable("model", setup.build)
            check_picklable("objective", setup.objective)
        engine = ends.enter_context(BACKENDS[backend](setup, workers, scheduler))
        pool = ends.enter_context(ExitStack())

        def start() -> Any:
            with parallel_config(engine.backend()):
                # The next task is handed out when one is done: what waits would have to be called back.
                options = {"batch_size": 1, "pre_dispatch": engine.ahead}
                started = pool.enter_context(Parallel(jobs, return_as="generator_unordered", **options))
            unsettle()  # before the caller's own code runs, in `on_result`
            return started

        parallel = start()

        def attempt(tasks: Sequence[Task]) -> Iterator[Outcome]:
            nonlocal parallel
            answers = parallel([engine.call(task) for task in tasks])
            try:
                yield from map(engine.read, answers)
            except engine.deaths:
                pool.close()  # a late answer of this attempt must not be taken for one of the next
                parallel = start()
                raise
            except MinidlError:
                raise
            except Exception as error:  # a trial's own are in its row
                where, got = f"Sweep on {backend}", f"{type(error).__name__}: {error}"
                remedy = "minidl, and what the model is made of, must be installed where they run"
                raise StateError.expected(where, "workers that run trials", got, remedy) from error
            finally:
                # Closed, it would warn that there are more answers; thrown into, it only calls them off.
                with suppress(_CalledOffError):
                    answers.throw(_CalledOffError)

        yield lambda tasks: _insist(attempt, tasks, engine.deaths)


class _CalledOffError(Exception):
    """Thrown into joblib where nobody wants the answers that are still to come."""


def _checked_jobs(jobs: object) -> int:
    with suppress(TypeError):
        if not isinstance(jobs, bool) and (number := operator.index(jobs)):  # type: ignore[arg-type]
            return number
    expected, remedy = "jobs to be a whole number other than 0", "-1 is as many as there are cores"
    raise ConfigurationError.expected("Sweep", expected, shown(jobs), remedy)


def _check_main_program() -> None:
    """`StateError` in a process that was started by the main program and is only just importing it."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        expected = "a main program that does its work below a guard, since new processes import it"
        got = "one that begins a sweep in each of them"
        remedy = "write\n\nif __name__ == '__main__':\n    ...  # what starts processes, the sweep among it\n"
        raise StateError.expected("Sweep", expected, got, remedy)


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
