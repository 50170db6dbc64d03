import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import types
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import minidl
from minidl.errors import ConfigurationError, StateError
from minidl.sweep import Grid, Sweep, pool
from minidl.sweep.backends import run_and_pack, unpack
from minidl.sweep.trial import Setup, Task
from tests.deep import deep
from tests.process_state import changes, snapshot
from tests.sweep.small import build, digits

joblib = pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")

ROOT = Path(__file__).resolve().parents[2]
SPACE = Grid(hidden=[4], lr=[0.1, 0.2])


def sweep(**options):
    return Sweep(options.pop("model", build), SPACE, digits(100), **({"steps": 3} | options))


def statuses(results):
    return [row.status for row in results.rows]


def surroundings(net, data):
    """Three figures: whether the data are mapped into memory, how many processes, how many BLAS threads."""
    mapped = all(isinstance(part.features, np.memmap) for part in (data.train, data.validation))
    threads = max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
    return 100 * mapped + 10 * minidl.data.prefetch._processes + threads


@pytest.mark.parametrize(("jobs", "value"), [(1, 11), (np.int64(2**60), 121)], ids=["one", "many"])
def test_workers_share_cores_and_data_and_have_one_blas_thread(jobs, value):
    with threadpool_limits(2):
        before = surroundings(None, digits())
        assert [row.value for row in sweep(objective=surroundings).run(jobs=jobs).rows] == [value, value]
        assert surroundings(None, digits()) == before


def process(_):
    return os.getpid()


@deep
def test_the_callers_own_pool_lives_on():
    with joblib.Parallel(2) as parallel:
        before = set(parallel(joblib.delayed(process)(number) for number in range(20)))
        executor = joblib.externals.loky.get_reusable_executor(reuse=True)
        assert statuses(sweep().run(jobs=2)) == ["done", "done"]
        assert set(parallel(joblib.delayed(process)(number) for number in range(20))) <= before
        assert joblib.externals.loky.get_reusable_executor(reuse=True) is executor
    executor.shutdown(kill_workers=True)


def test_the_process_is_left_as_it_was():
    def interrupt(row, results):
        raise KeyboardInterrupt

    chosen = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(None, force=True)  # as in a fresh process, nobody has chosen one
    try:
        before = snapshot()
        with pytest.raises(KeyboardInterrupt):  # while other answers are still to come
            sweep().run(jobs=2, on_result=interrupt)
        assert changes(before, snapshot()) == []
    finally:
        multiprocessing.set_start_method(chosen, force=True)


def run_script(*arguments, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@deep
def test_a_script_without_a_guard_gets_what_it_asks_for():
    done = run_script(ROOT / "tests/sweep/unguarded.py", "loky")
    assert (done.stdout, done.stderr, done.returncode) == ("done done []\n", "", 0)


SPAWNING = """
import multiprocessing

from minidl.sweep import Grid, Sweep, pool
from tests.sweep.small import build, digits

print(__name__, flush=True)
Sweep(build, Grid(hidden=[4], lr=[0.1]), digits(100), steps=1).run(jobs=1)
process = multiprocessing.get_context("spawn").Process(target=print)
process.start()
process.join()
"""


@deep
def test_a_process_that_is_importing_the_main_program_begins_no_sweep(tmp_path):
    (tmp_path / "script.py").write_text(SPAWNING)
    done = run_script(tmp_path / "script.py")
    assert done.stdout == "__main__\n__mp_main__\n"
    assert (
        done.stderr.count("StateError: Sweep: expected a main program that does its work below a guard") == 1
    )
    assert "\nif __name__ == '__main__':\n" in done.stderr


class Logging:
    """A model, or an objective, that holds what cannot be sent."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, *arguments):
        return build(*arguments) if len(arguments) == 3 else 0.5


@pytest.fixture
def models(tmp_path):
    """Each holds something else, which its name says."""
    lock, numbers = threading.Lock(), (number for number in range(9))

    def with_lock(configuration, data, rng):
        with lock:
            return build(configuration, data, rng)

    def with_generator(configuration, data, rng):
        return next(numbers) >= 0 and build(configuration, data, rng)

    def with_file(configuration, data, rng):
        file.write("begin")
        return build(configuration, data, rng)

    with (tmp_path / "log").open("w") as file:
        yield {"lock": with_lock, "numbers": with_generator, "file": with_file, "attribute": Logging()}


@pytest.mark.parametrize("name", ["lock", "numbers", "file", "attribute"])
@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_what_cannot_be_sent_is_named_before_any_trial(backend, name, models, tmp_path):
    culprit = "lock" if name == "attribute" else name
    message = f"model to be one that can be pickled, .* got .* with '{culprit}' ..annot pickle .*; make"
    with pytest.raises(ConfigurationError, match=message):
        sweep(model=models[name]).run(tmp_path / "new", jobs=2, backend=backend)
    assert not (tmp_path / "new").exists()
    assert statuses(sweep(model=models[name]).run(jobs=1)) == ["done", "done"]  # the remedy


@deep
def test_a_model_may_hold_large_arrays():
    rows = np.ones(100_000)  # pickled as a buffer of its own

    def with_array(configuration, data, rng):
        assert rows.all()
        return build(configuration, data, rng)

    assert statuses(sweep(model=with_array).run(jobs=2)) == ["done", "done"]


def test_an_objective_that_cannot_be_sent():
    with pytest.raises(ConfigurationError, match="objective to be one that can be pickled, .* with 'lock'"):
        sweep(objective=Logging()).run(jobs=2)


def test_what_a_worker_cannot_import(monkeypatch):
    module = types.ModuleType("only_here")
    exec("def build(configuration, data, rng): ...", vars(module))
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(
        StateError, match="Sweep on loky: expected workers that run trials, got .*; minidl, and"
    ):
        sweep(model=module.build).run(jobs=2)


class Unsendable(minidl.ReLU):
    def __reduce__(self):
        raise TypeError("no, thanks")


def unsendable(configuration, data, rng):
    layers = minidl.Flatten(), minidl.Affine(64, 10, rng=rng), Unsendable()
    return minidl.Sequential(*layers, minidl.SoftmaxCrossEntropy())


def test_a_net_that_cannot_be_sent_is_a_failed_trial():
    setup = Setup(unsendable, digits(100), "steps", "validation_accuracy", 0)
    task = Task(0, {"lr": 0.1}, rung=0, start=0, stop=3, last=True)
    outcome = unpack(run_and_pack(setup, task))
    assert (outcome.row.status, outcome.row.value, outcome.row.steps) == ("failed", None, 3)
    reason = r"\w+: expected a net that can be pickled, got .*no, thanks"
    assert re.fullmatch(reason, outcome.row.reason)
    assert outcome.net is outcome.state is None


@deep
@pytest.mark.parametrize("variable", ["JOBLIB_TEMP_FOLDER", "TMPDIR"])
def test_a_temporary_folder_that_cannot_be_written(variable, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.delenv("JOBLIB_TEMP_FOLDER", raising=False)
    if variable == "TMPDIR":
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    else:
        monkeypatch.setenv(variable, str(tmp_path / "file"))
    message = (
        "a temporary folder that can be written, got .*/file.*; name another in .* JOBLIB_TEMP_FOLDER, or"
    )
    with pytest.raises(ConfigurationError, match=message):
        sweep().run(tmp_path / "new", jobs=2)
    assert not (tmp_path / "new").exists()
    if variable == "TMPDIR":
        monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path / "new/good"))  # the remedy
        assert statuses(sweep().run(jobs=2)) == ["done", "done"]
        assert list((tmp_path / "new/good").iterdir()) == []


def test_a_full_disk(tmp_path, monkeypatch):
    from joblib import _memmapping_reducer

    def full(array, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device", path)

    monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
    monkeypatch.setattr(_memmapping_reducer, "dump", full)
    with pytest.raises(ConfigurationError, match="temporary folder that can be written, got .*No space left"):
        sweep().run(jobs=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("granted", "jobs", "expected"),
    [(16, -1, 16), (16, -2, 15), (2.5, -1, 3), (2.5, -2, 2), (0.5, -1, 1), (0.5, -3, 1), (1, 4, 4)],
)
def test_no_more_jobs_than_a_container_grants_cores(granted, jobs, expected, monkeypatch):
    """Each is a process of its own, which waits for no other: a part of a core is of use."""
    seen = []

    class EnoughError(Exception):
        pass

    def open_backend(setup, jobs, scheduler):
        seen.append(jobs)
        raise EnoughError

    monkeypatch.setattr(joblib, "effective_n_jobs", lambda jobs: jobs if jobs > 0 else 16 + 1 + jobs)
    monkeypatch.setattr(pool, "granted_cores", lambda: granted)
    monkeypatch.setitem(pool.BACKENDS, "loky", open_backend)
    setup = Setup(build, digits(100), "steps", "validation_accuracy", 0)
    with pytest.raises(EnoughError), pool.open_pool(setup, 100, jobs, "loky", None):
        pass
    assert seen == [expected]
