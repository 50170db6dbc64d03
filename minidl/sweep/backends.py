"""Where trials run: joblib's loky, dask and ray, each with the data brought to its workers once."""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from minidl.data.batches import share_cores
from minidl.errors import MissingExtraError
from minidl.sweep.trial import Outcome, Setup, Task, run_task


@dataclass
class Engine:
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
    deaths: tuple[type[BaseException], ...] = ()
    read: Callable[[Any], Outcome] = lambda outcome: outcome
    ahead: str = "n_jobs"
    options: dict[str, Any] = field(default_factory=dict)


# ---------------------------------------------------------------- loky


@contextmanager
def _loky(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[Engine]:
    """Processes on this machine.

    Outcomes come, and states go, as files: a process that is killed in the middle of a long message
    leaves loky waiting for its end, and short ones are written at once.
    """
    from joblib import delayed, effective_n_jobs
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    workers = effective_n_jobs(jobs)
    if workers == 1:  # in this process
        yield Engine("loky", lambda task: delayed(run_task)(setup, task))
        return
    # The workers make it and, where this process is killed, remove it.
    folder = Path(tempfile.gettempdir(), f"minidl-sweep-{uuid.uuid4().hex}")

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
        "initargs": (os.getpid(), workers, folder),
    }
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        ends.callback(_end_workers)
        yield Engine("loky", call, (TerminatedWorkerError,), read, options=options)


def _end_workers() -> None:
    """Kill loky's workers, which would idle: another sweep has its own.

    They are not asked to leave, since one that died while it held loky's lock would keep them.
    """
    from joblib.executor import MemmappingExecutor
    from joblib.externals.loky import get_reusable_executor

    executor = get_reusable_executor(reuse=True)
    if isinstance(executor, MemmappingExecutor):  # else this sweep's was never made
        executor.terminate(kill_workers=True)


def _run_by_file(setup: Setup, task: Task, folder: Path) -> Path:
    import cloudpickle

    state = folder / f"{task.trial}.state"
    outcome = run_task(setup, replace(task, state=state.read_bytes() if state.exists() else None))
    path = folder / f"{task.trial}.outcome"
    path.write_bytes(cloudpickle.dumps(outcome))
    return path


def _start_worker(sweep: int, workers: int, folder: Path) -> None:
    """Tell a worker process how many they are, and make it end when the sweep does, however that ends."""
    share_cores(workers)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the sweep ends its workers

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(0.5)
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    folder.mkdir(mode=0o700, exist_ok=True)
    threading.Thread(target=watch, name="minidl-watch", daemon=True).start()


# ---------------------------------------------------------------- clusters


class _TellsErrors:
    """For joblib backends whose answer may be an error of the cluster's: it is raised, not returned."""

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)  # type: ignore[misc]


@contextmanager
def _dask(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[Engine]:
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
        yield Engine(backend, lambda task: delayed(run_task)(setup, task), deaths, ahead="all")


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
def _ray(setup: Setup, jobs: int, scheduler: str | None) -> Iterator[Engine]:
    """Actors of a Ray cluster."""
    try:
        import ray
        from joblib import delayed
        from ray.util.joblib.ray_backend import RayBackend
    except ImportError:
        raise MissingExtraError.for_extra("backend='ray'", "ray", "ray") from None

    class Backend(_TellsErrors, RayBackend):  # type: ignore[misc]
        supports_return_generator = True  # unlike the multiprocessing pool that it derives from

        def configure(self, *args: Any, context: Any = None, **options: Any) -> Any:
            return super().configure(*args, **options)  # a context it would only warn of

    with ExitStack() as stack:
        if not ray.is_initialized():
            count = None if scheduler or jobs < 0 else jobs
            quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.WARNING}
            ray.init(address=scheduler, num_cpus=count, **quiet)
            stack.callback(ray.shutdown)
        shared = [ray.put(setup)]  # in a list: a reference itself would be replaced by what it refers to
        errors = ray.exceptions
        deaths = (errors.RayActorError, errors.OutOfMemoryError, errors.WorkerCrashedError)
        yield Engine(Backend(), lambda task: delayed(_run_by_reference)(shared, task), deaths)


def _run_by_reference(shared: list[Any], task: Task) -> Outcome:
    import ray

    return run_task(ray.get(shared[0]), task)


BACKENDS: dict[str, Callable[[Setup, int, str | None], AbstractContextManager[Engine]]] = {
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
}
