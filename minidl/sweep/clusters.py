"""The clusters that trials run on: dask and Ray, each with the data brought to its workers once."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from minidl.errors import ConfigurationError, MissingExtraError
from minidl.sweep.backends import Engine, run_and_pack
from minidl.sweep.process import interrupts_held_back
from minidl.sweep.trial import Setup, Task


class _TellsErrors:
    """For joblib backends whose answer may be an error of the cluster's: it is raised, not returned."""

    def retrieve_result_callback(self, out: Any) -> Any:
        if isinstance(out, BaseException):
            raise out
        return super().retrieve_result_callback(out)  # type: ignore[misc]


@contextmanager
def open_dask(setup: Setup, workers: int, scheduler: str | None) -> Iterator[Engine]:
    """The workers of a `dask.distributed` scheduler."""
    try:
        import dask
        from distributed import Client, LocalCluster, default_client
        from distributed.client import FutureCancelledError
        from distributed.comm import resolve_address
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
            with _starting("dask", scheduler, stack):
                resolve_address(scheduler)  # a client with a wrong one takes a minute to end
                client = stack.enter_context(Client(scheduler, set_as_default=False))
        else:
            try:
                client = default_client()
            except ValueError:  # there is none
                # Processes that loky starts do not import the caller's main program, which may have no guard.
                method = {"distributed.worker.multiprocessing-method": "loky"}
                stack.enter_context(dask.config.set(method))
                options = {
                    "n_workers": workers,
                    "threads_per_worker": 1,
                    "dashboard_address": None,
                    "scheduler_kwargs": {"dashboard_address": ":0"},  # what is left of it takes any port
                    "silence_logs": logging.ERROR,  # its warnings are of trials that were broken off
                }
                with _starting("dask", "this machine", stack), interrupts_held_back():
                    cluster = stack.enter_context(LocalCluster(**options))
                    client = stack.enter_context(Client(cluster, set_as_default=False))

        def backend() -> Backend:
            client.wait_for_workers(1, timeout=120)  # where they died, new ones are on their way
            return Backend(client=client, scatter=[setup], wait_for_workers_timeout=120)

        # All at once: the scheduler knows best, and an adaptive cluster grows with what waits.
        deaths = (KilledWorker, FutureCancelledError)
        yield Engine(backend, lambda task: delayed(run_and_pack)(setup, task), deaths=deaths, ahead="all")


@contextmanager
def open_ray(setup: Setup, workers: int, scheduler: str | None) -> Iterator[Engine]:
    """Actors of a Ray cluster."""
    try:
        import ray
        from joblib import delayed
        from joblib.pool import PicklingPool
        from ray.util.joblib.ray_backend import RayBackend
    except ImportError:
        raise MissingExtraError.for_extra("backend='ray'", "ray", "ray") from None

    class Backend(_TellsErrors, RayBackend):  # type: ignore[misc]
        supports_return_generator = True  # unlike the multiprocessing pool that it derives from

        def configure(self, *args: Any, context: Any = None, **options: Any) -> Any:
            return super().configure(*args, **options)  # a context it would only warn of

    with ExitStack() as stack:
        # RayBackend makes joblib's own multiprocessing pool one of Ray's.
        stack.callback(setattr, PicklingPool, "__bases__", PicklingPool.__bases__)
        if not ray.is_initialized():
            options = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.WARNING}
            logger = logging.getLogger("ray")
            stack.callback(logger.setLevel, logger.level)
            if not faulthandler.is_enabled():
                stack.callback(faulthandler.disable)
            with _starting("Ray", scheduler or "this machine", stack):
                ray.init(address=scheduler, num_cpus=None if scheduler else workers, **options)
                stack.callback(ray.shutdown)
        shared = [ray.put(setup)]  # in a list: a reference itself would be replaced by what it refers to
        errors = ray.exceptions
        deaths = (errors.RayActorError, errors.OutOfMemoryError, errors.WorkerCrashedError)
        yield Engine(Backend, lambda task: delayed(_run_by_reference)(shared, task), deaths=deaths)


def _run_by_reference(shared: list[Any], task: Task) -> bytes:
    import ray

    return run_and_pack(ray.get(shared[0]), task)


@contextmanager
def _starting(kind: str, where: str, stack: ExitStack) -> Iterator[None]:
    """What starting, or reaching, a cluster changes in this process is undone when `stack` ends."""
    environment = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    undo = stack.enter_context(ExitStack())
    try:
        yield
    except Exception as error:
        expected, got = f"a cluster on {where}", " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigurationError.expected(f"Sweep on {kind}", expected, f"{got:.400}") from error
    finally:
        for name, value in os.environ.items():
            if name not in environment:
                undo.callback(os.environ.pop, name, None)
            elif environment[name] != value:
                undo.callback(os.environ.__setitem__, name, environment[name])
        for number, handler in handlers.items():
            if signal.getsignal(number) != handler and handler is not None:
                undo.callback(signal.signal, number, handler)
