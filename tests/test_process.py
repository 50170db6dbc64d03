"""A library leaves the process as it found it: threads, filters, handlers, environment and all."""

import os
import platform
import signal
import subprocess
import sys
import warnings
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import minidl
from minidl import Affine, Callback, Dataset
from minidl.testing import check_layer
from minidl.testing.__main__ import main as check
from tests.process_state import changes, snapshot

needs_sweep = pytest.mark.skipif(
    not all(map(find_spec, ("joblib", "cloudpickle"))),
    reason="joblib is not installed: pip install 'minidl[sweep]'",
)


@contextmanager
def left_as_it_was():
    # What is not as it is by default shows whether it is put back, or put to the default.
    with threadpool_limits(2), np.errstate(all="raise", under="warn"), warnings.catch_warnings():
        warnings.filterwarnings("error", "of the test alone")
        before = snapshot()
        yield before
        assert changes(before, snapshot()) == []


class Looks(Callback):
    """A callback is its user's code, and runs in the process as its user has left it."""

    def __init__(self, before):
        self.before, self.looks = before, 0

    def look(self, *_):
        now, name = snapshot(), "signal handlers"
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # which a fit takes itself
            now[name][number] = self.before[name][number]
        assert changes(self.before, now) == []
        self.looks += 1

    on_fit_start = on_step_end = on_epoch_end = on_fit_end = look


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(50))


def test_training_and_what_follows(tmp_path, make_trainer, dataset):
    with left_as_it_was() as before:
        looks = Looks(before)
        trainer = make_trainer(callbacks=[looks, minidl.ProgressBar()])
        history = trainer.fit(dataset, epochs=2, batch_size=10, validation=dataset)
        assert looks.looks == 1 + 10 + 2 + 1
        minidl.evaluate(trainer.net, dataset)
        trainer.net.predict(np.zeros((10_000, 6)))
        trainer.net.predict_probabilities(dataset.features)
        minidl.save(trainer.net, tmp_path / "net.npz")
        minidl.load(tmp_path / "net.npz")
        history.save(tmp_path / "history.json")
        minidl.History.load(tmp_path / "history.json").diagnose(trainer.net, dataset.features)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, minidl.errors.DivergedError])
def test_training_that_is_broken_off(make_trainer, dataset, error):
    class Breaks(Callback):
        def on_step_end(self, trainer):
            raise error

    with left_as_it_was(), pytest.raises(error):
        make_trainer(callbacks=[Breaks()]).fit(dataset, epochs=1)


def test_data(tmp_path):
    digits = minidl.data.load("digits")
    np.savez(tmp_path / "own.npz", x_train=digits.train.features, y_train=digits.train.targets)
    with left_as_it_was():
        minidl.data.load("digits")
        minidl.data.load(tmp_path / "own.npz")
        with pytest.raises(minidl.MinidlError):
            minidl.data.load("mnist", tmp_path)


def test_the_contract(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    with left_as_it_was():
        check_layer(lambda rng, dtype: Affine(3, 2, rng=rng, dtype=dtype), (3,))
        assert check(["check", "minidl:StepDecay"]) == 0


def test_pictures(tmp_path, make_trainer, dataset):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    import matplotlib.font_manager  # noqa: F401 - sets its own state up

    trainer = make_trainer()
    history = trainer.fit(dataset, epochs=2, validation=dataset)
    with left_as_it_was():
        history.plot(tmp_path / "history.png")
        minidl.plots.plot_weights(np.ones((4, 2)), (2, 2), tmp_path / "weights.pdf")


@needs_sweep
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("breaks", [False, True], ids=["whole", "broken off"])
def test_sweeps(tmp_path, digits, jobs, breaks):
    from minidl.sweep import Grid, Halving, Sweep

    pytest.importorskip("joblib").cpu_count()  # sets its own state up
    sweep = Sweep("mlp", Grid(hidden=[4], lr=[0.1, 1e9, 0.2]), digits, steps=6, halving=Halving(2))
    with left_as_it_was() as before:
        looks = Looks(before)

        def on_result(row, results):
            looks.look()
            if breaks:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt) if breaks else nullcontext():
            sweep.run(tmp_path, jobs=jobs, on_result=on_result)
        assert looks.looks == (1 if breaks else 5)


@needs_sweep
@pytest.mark.parametrize("jobs", [1, 2])
def test_studies(digits, jobs):
    optuna = pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
    from minidl.sweep.tune import OptunaObjective

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    objective = OptunaObjective("mlp", lambda trial: {"hidden": 4, "lr": 0.1}, digits, steps=6)
    study = optuna.create_study(direction=objective.direction)
    with left_as_it_was():
        study.optimize(objective, n_trials=3, n_jobs=jobs)


def run(program):
    """In a process of its own, where nothing has been imported but what minidl stands on."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    environment["PYTHONPATH"] = os.pathsep.join(
        [os.environ.get("PYTHONPATH", ""), str(Path(__file__).parents[1])]
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.parametrize("name", ["minidl", "minidl.testing", "minidl.plots", "minidl.cli"])
def test_the_import(name):
    run(
        "from tests.process_state import changes, snapshot\n"
        f"before = snapshot()\nimport {name}\nfound = changes(before, snapshot())\nassert not found, found"
    )


@needs_sweep
@pytest.mark.parametrize("work", ["sweep.run(jobs=1)", "trainer.fit(large, steps=1)"])
def test_no_ctrl_c_is_lost_while_the_libraries_are_looked_through(work):
    """Python drops what is raised in a callback from C, and threadpoolctl had one before its version 3.7."""
    run(
        f"""
import signal, sys
import minidl, numpy
from minidl.sweep import Grid, Sweep

data = minidl.data.load("digits")
sweep = Sweep("mlp", Grid(hidden=[4], lr=[0.1]), data, steps=1)
large = minidl.Dataset(numpy.zeros((200, 4000), numpy.float32), numpy.arange(200) % 10)
trainer = minidl.Trainer(minidl.mlp(4000, [4], 10), minidl.SGD(0.1))

def interrupt(event, arguments):
    global interrupted
    if event == "ctypes.dlopen" and not interrupted and "blas" in str(arguments[0]):
        interrupted = True
        signal.raise_signal(signal.SIGINT)

interrupted = False
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(interrupt)
try:
    {work}
except KeyboardInterrupt:
    raise SystemExit
assert not interrupted, "a Ctrl-C was lost"
"""
    )


@needs_sweep
def test_the_import_of_the_sweep():
    run(
        "from tests.process_state import changes, snapshot\nimport joblib\nbefore = snapshot()\n"
        "import minidl.sweep\nfound = changes(before, snapshot())\nassert not found, found"
    )


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc tells how it takes memory")
def test_the_import_leaves_the_allocator_as_it_is():
    """A block beyond the threshold is mapped on its own; one that is freed moves the threshold."""
    run(
        "import ctypes\nlibc = ctypes.CDLL(None)\nif not hasattr(libc, 'mallinfo2'): raise SystemExit\n"
        "class Info(ctypes.Structure): _fields_ = [(f'field{i}', ctypes.c_size_t) for i in range(10)]\n"
        "libc.mallinfo2.restype, libc.malloc.restype = Info, ctypes.c_void_p\n"
        "import minidl\nbefore = libc.mallinfo2().field3\nassert libc.malloc(ctypes.c_size_t(3 << 20))\n"
        "assert libc.mallinfo2().field3 == before + 1  # hblks: blocks mapped on their own"
    )
