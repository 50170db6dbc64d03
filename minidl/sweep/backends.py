"""Where trials run: joblib's loky, dask and ray, each with the data brought to its workers once.

A trial's function is pure, so that one whose worker died is simply run again.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from minidl.errors import ConfigurationError, MissingExtraError, check_int
from minidl.sweep.trial import Outcome, Row, Setup, Task, run_task

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
        jobs = check_int("Sweep", "jobs", jobs, at_least=1)
    if scheduler is not None and backend == "loky":
        remedy = "give the backend that it is of"
        raise ConfigurationError.expected("Sweep", "no scheduler for loky", repr(scheduler), remedy)
    try:
        from joblib import Parallel, parallel_config
    except ImportError:
        raise MissingExtraError.for_extra("a sweep", "joblib", "sweep") from None
    with BACKENDS[backend](setup, jobs, scheduler) as engine, ExitStack() as pool:

        def start() -> Any:
            with parallel_config(engine.backend, **engine.options):
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
                with warnings.catch_warnings():  # that there are more answers: an interrupt wants none
                    warnings.simplefilter("ignore", UserWarning)
                    answers.close()

        yield lambda tasks: _insist(attempt, tasks, engine.deaths)


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


@dataclass
class _Engine:
    """How joblib is to run a task.

    Attributes
    ----------
    backend : str or joblib backend
    call : callable
        A task as joblib's ``delayed`` gives it.
    read : callable
        The outcome from what the call gave.
    deaths : tuple of exceptions
        What says that a worker has died.
    ahead : str
        How many tasks are handed out at first, in joblib's words.
    options : dict
        Of the backend.
    """

    backend: Any
    call: Callable[[Task], Any]
    deaths: tuple[type[BaseException], ...]
    read: Callable[[Any], Outcome] = lambda outcome: outcome
    ahead: str = "n_jobs"
    options: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- loky


@contextmanager
def _loky(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[_Engine]:
    """Processes on this machine.

    Outcomes come, and states go, as files: a process that is killed in the middle of a long message
    leaves loky waiting for its end, and short ones are written at once.
    """
    from joblib import delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with tempfile.TemporaryDirectory(prefix="minidl-sweep-", ignore_cleanup_errors=True) as name:
        folder = Path(name)

        def call(task: Task) -> Any:
            if task.state is not None:
                (folder / f"{task.trial}.state").write_bytes(task.state)
            return delayed(_run_by_file)(setup, replace(task, state=None), folder)

        def read(path: Path) -> Outcome:
            outcome: Outcome = pickle.loads(path.read_bytes())
            for file in (path, path.with_suffix(".state")):
                file.unlink(missing_ok=True)
            return outcome

        options = {
            "inner_max_num_threads": 1,
            "max_nbytes": 1000,  # larger arrays are mapped into memory, once for all workers
            "initializer": _start_worker,
            "initargs": (os.getpid(), folder),
        }
        yield _Engine("loky", call, (TerminatedWorkerError,), read, options=options)


def _run_by_file(setup: Setup, task: Task, folder: Path) -> Path:
    import cloudpickle

    state = folder / f"{task.trial}.state"
    outcome = run_task(setup, replace(task, state=state.read_bytes() if state.exists() else None))
    path = folder / f"{task.trial}.outcome"
    path.write_bytes(cloudpickle.dumps(outcome))
    return path


def _start_worker(sweep: int, folder: Path) -> None:
    """Make a worker process end when the sweep does, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the sweep ends its workers

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(0.5)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, name="minidl-watch", daemon=True).start()


# ---------------------------------------------------------------- clusters


class _TellsErrors:
    """For joblib backends whose answer may be an error of the cluster's: it is raised, not returned."""

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)  # type: ignore[misc]


@contextmanager
def _dask(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[_Engine]:
    """The workers of a `dask.distributed` scheduler."""
    try:
        from distributed import Client, LocalCluster, default_client
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker
        from joblib import delayed
        from joblib._dask import DaskDistributedBackend
    except ImportError:
        raise MissingExtraError.for_extra("backend='dask'", "distributed", "dask") from None

    class Backend(_TellsErrors, DaskDistributedBackend):  # type: ignore[misc]
        data_futures: dict[int, Any]

        def start_call(self) -> None:
            if any(future.status != "finished" for future in self.data_futures.values()):
                # The data were lost with the workers that held them.
                self.data_futures = {id(setup): self.client.scatter([setup], broadcast=True)[0]}
            super().start_call()

        def submit(self, func: Any, callback: Any = None) -> Any:
            def tell(future: Any) -> None:  # joblib's own does not, and waits for ever
                if future.exception() is not None:
                    callback(future.exception())

            future = super().submit(func, callback)
            future.add_done_callback(tell)
            return future

        def effective_n_jobs(self, n_jobs: int) -> int:
            return max(int(super().effective_n_jobs(n_jobs)), 2)  # with 1, joblib would not ask the cluster

    with ExitStack() as stack:
        if scheduler is not None:
            client = stack.enter_context(Client(scheduler, set_as_default=False))
        else:
            try:
                client = default_client()
            except ValueError:
                count = None if jobs < 0 else jobs
                with _deaf_to_interrupts():
                    cluster = stack.enter_context(
                        LocalCluster(
                            n_workers=count,
                            threads_per_worker=1,
                            dashboard_address=None,
                            silence_logs=logging.ERROR,  # its warnings are of trials that were broken off
                        )
                    )
                client = stack.enter_context(Client(cluster, set_as_default=False))
        backend = Backend(client=client, scatter=[setup])
        # All at once: the scheduler knows best, and an adaptive cluster grows with what waits.
        deaths = (KilledWorker, FutureCancelledError)
        yield _Engine(backend, lambda task: delayed(run_task)(setup, task), deaths, ahead="all")


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes that start meanwhile ignore Ctrl-C, which reaches all of them; the sweep ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ray(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[_Engine]:
    """Actors of a Ray cluster."""
    try:
        import ray
        from joblib import delayed
        from ray.util.joblib.ray_backend import RayBackend
    except ImportError:
        raise MissingExtraError.for_extra("backend='ray'", "ray", "ray") from None

    class Backend(_TellsErrors, RayBackend):  # type: ignore[misc]
        supports_return_generator = True  # unlike the multiprocessing pool that it derives from

    with ExitStack() as stack:
        if not ray.is_initialized():
            count = None if scheduler or jobs < 0 else jobs
            ray.init(address=scheduler, num_cpus=count, log_to_driver=False, include_dashboard=False)
            stack.callback(ray.shutdown)
        shared = [ray.put(setup)]  # in a list: a reference itself would be replaced by what it refers to
        errors = ray.exceptions
        deaths = (errors.RayActorError, errors.OutOfMemoryError, errors.WorkerCrashedError)
        yield _Engine(Backend(), lambda task: delayed(_run_by_reference)(shared, task), deaths)


def _run_by_reference(shared: list[Any], task: Task) -> Outcome:
    import ray

    return run_task(ray.get(shared[0]), task)


BACKENDS: dict[str, Callable[[Setup, int, str | None], AbstractContextManager[_Engine]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
