"""How joblib runs tasks somewhere, and its own loky: processes on this machine."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from minidl.data.prefetch import share_cores
from minidl.errors import ConfigurationError
from minidl.files import as_path
from minidl.sweep.trial import Outcome, Setup, Task, run_task


def run_and_pack(setup: Setup, task: Task) -> bytes:
    """What `run_task` gives, packed; where its net cannot be, the trial has failed."""
    import cloudpickle

    outcome = run_task(setup, task)
    try:
        packed: bytes = cloudpickle.dumps(outcome)
    except Exception as error:  # whatever a class's own methods raise
        reason = f"Sweep: expected a net that can be pickled, got {type(error).__name__}: {error}"
        packed = cloudpickle.dumps(Outcome(replace(outcome.row, status="failed", reason=reason, value=None)))
    return packed


def unpack(packed: bytes) -> Outcome:
    """The outcome."""
    outcome: Outcome = pickle.loads(packed)
    return outcome


@dataclass
class Engine:
    """How joblib is to run a task.

    Attributes
    ----------
    backend : callable ``() -> joblib backend``
        A new one for each attempt: what an attempt that failed has left in its own must not be waited for.
    call : callable
        A task as joblib's ``delayed`` gives it.
    read : callable
        The outcome from what the call gave.
    deaths : tuple of exceptions
        What says that a worker has died.
    ahead : str
        How many tasks are handed out at first, in joblib's words.
    """

    backend: Callable[[], Any]
    call: Callable[[Task], Any]
    read: Callable[[Any], Outcome] = unpack
    deaths: tuple[type[BaseException], ...] = ()
    ahead: str = "n_jobs"


@contextmanager
def open_loky(setup: Setup, workers: int, scheduler: str | None) -> Iterator[Engine]:
    """Processes on this machine; for one, this process.

    Outcomes come, and states go, as files: a process that is killed in the middle of a long message
    leaves loky waiting for its end, and short ones are written at once.
    """
    from joblib import delayed
    from joblib.externals.loky.backend import resource_tracker
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if workers == 1:
        yield Engine(
            lambda: "sequential", lambda task: delayed(run_task)(setup, task), lambda outcome: outcome
        )
        return
    with _temporary_folder():
        named = os.environ.get("JOBLIB_TEMP_FOLDER") or tempfile.gettempdir()
        root = as_path("JOBLIB_TEMP_FOLDER", named).absolute()
        root.mkdir(parents=True, exist_ok=True)  # as joblib does
        tempfile.TemporaryFile(dir=root).close()
    folder = root / f"minidl-sweep-{uuid.uuid4().hex}"

    def call(task: Task) -> Any:
        if task.state is not None:
            with _temporary_folder():
                (folder / f"{task.trial}.state").write_bytes(task.state)
        return delayed(_run_by_file)(setup, replace(task, state=None), folder)

    def read(path: Path) -> Outcome:
        outcome = unpack(path.read_bytes())
        for file in (path, path.with_suffix(".state")):
            file.unlink(missing_ok=True)
        return outcome

    # Where this process is killed, loky's tracker removes the folder once every worker has ended, too.
    resource_tracker.register(str(folder), "folder")
    try:
        folder.mkdir(mode=0o700)
        yield Engine(partial(_own_loky, setup, workers, folder), call, read, (TerminatedWorkerError,))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        resource_tracker.unregister(str(folder), "folder")


def _own_loky(setup: Setup, workers: int, folder: Path) -> Any:
    """A backend of joblib with processes of its own, where joblib's are the caller's, too."""
    from joblib._memmapping_reducer import TemporaryResourcesManager, get_memmapping_reducers
    from joblib._parallel_backends import LokyBackend
    from joblib.executor import MemmappingExecutor
    from joblib.externals.loky.backend.reduction import dumps
    from joblib.externals.loky.backend.utils import kill_process_tree

    class Executor(MemmappingExecutor):  # type: ignore[misc]
        def shutdown(self, wait: bool = True, kill_workers: bool = False) -> None:
            feeder = getattr(self._call_queue, "_thread", None)
            super().shutdown(wait, kill_workers)
            if feeder is not None:
                feeder.join(timeout=1)  # or the end of this process may cut it off while it frees locks

    class Backend(LokyBackend):  # type: ignore[misc]
        def effective_n_jobs(self, n_jobs: int) -> int:
            return workers

        def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
            folders = TemporaryResourcesManager(context_id=parallel._id)
            # Larger arrays are mapped into memory, once for all workers.
            options = {"max_nbytes": 1000, "temp_folder_resolver": folders.resolve_temp_folder_name}
            there, back = get_memmapping_reducers(**options)
            self._workers = Executor(
                threading.RLock(),
                workers,
                job_reducers=there,
                result_reducers=back,
                initializer=_start_worker,
                initargs=(os.getpid(), workers, folder),
                env=self._prepare_worker_env(workers),
            )
            self._workers._temp_folder_manager = folders
            self.parallel = parallel
            try:
                with _temporary_folder():
                    dumps(setup, there)  # now, since an error would come out of another thread later
            except ConfigurationError:
                self.terminate()
                raise
            return workers

        def terminate(self) -> None:
            # Workers are not asked to leave: one that died while it held loky's lock would keep them.
            if self._workers is not None:
                processes = self._workers._processes or {}
                self._workers.terminate(kill_workers=True)
                for process in list(processes.values()):
                    kill_process_tree(process)  # it started meanwhile, and this process would wait for it
            self._workers = None  # type: ignore[assignment]
            self.reset_batch_stats()

    return Backend(inner_max_num_threads=1)


@contextmanager
def _temporary_folder() -> Iterator[None]:
    """Says of an error in the use of temporary files what to do about it."""
    try:
        yield
    except OSError as error:
        expected = "a temporary folder that can be written"
        remedy = "name another in the environment variable JOBLIB_TEMP_FOLDER, or run with jobs=1"
        raise ConfigurationError.expected("Sweep", expected, error, remedy) from error


def _run_by_file(setup: Setup, task: Task, folder: Path) -> Path:
    state, path = folder / f"{task.trial}.state", folder / f"{task.trial}.outcome"
    packed = run_and_pack(setup, replace(task, state=state.read_bytes() if state.exists() else None))
    with _temporary_folder():
        path.write_bytes(packed)
    return path


def _start_worker(sweep: int, workers: int, folder: Path) -> None:
    """Tell a worker process how many they are, and make it end when the sweep does, however that ends."""
    share_cores(workers)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the sweep ends its workers

    def watch() -> None:
        while os.getppid() == sweep and folder.exists():  # which the sweep removes when it ends
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="minidl-watch", daemon=True).start()
