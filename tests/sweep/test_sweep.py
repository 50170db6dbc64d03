import re
import subprocess
import sys

import numpy as np
import pytest

import minidl
from minidl import Dataset, mlp
from minidl.data import Splits
from minidl.errors import CheckpointError, ConfigurationError, DataError, MissingExtraError, StateError
from minidl.sweep import Grid, Halving, Random, Results, Sweep
from minidl.sweep.journal import JOURNAL, read_journal
from tests.deep import deep
from tests.sweep.small import SPACE, build, deadly, deadly_space, digits, kept, lines


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    directory = tmp_path_factory.mktemp("swept")
    sweep = Sweep("mlp", SPACE, digits(), steps=30)
    return directory, sweep, sweep.run(directory, jobs=1)


def test_every_configuration_has_its_row(swept):
    directory, _, results = swept
    assert isinstance(results, Results)
    assert [row.configuration for row in results.rows] == SPACE.configurations()
    assert [row.status for row in results.rows] == [
        "done",
        "done",
        "done",
        "done",
        "diverged",
        "diverged",
    ] * 2
    assert len(lines(directory)) == 13
    assert {row.steps for row in results.done} == {30}


def test_the_best(swept):
    directory, _, results = swept
    done = [row for row in results.rows if row.status == "done"]
    assert results.best.value == max(row.value for row in done) == results.best.validation_accuracy
    assert results.sorted()[0] == results.best
    loaded = Results.load(directory)
    assert (loaded.rows, loaded.best) == (results.rows, results.best)
    assert loaded.best_history().steps == results.best_history().steps
    assert [row.status for row in results.sorted()[-4:]] == ["diverged"] * 4
    net, history = results.best_net(), results.best_history()
    assert minidl.evaluate(net, digits().validation)[1] == results.best.value
    assert history.epochs["train_accuracy"] == results.best.curve["train_accuracy"]
    assert kept(directory) == [f"{results.best.trial:03}.json", f"{results.best.trial:03}.npz"]


def test_two_workers_write_the_same_journal(swept, tmp_path):
    directory, sweep, results = swept
    again = sweep.run(tmp_path, jobs=2)
    assert lines(tmp_path) == lines(directory)
    assert again.rows == results.rows
    assert kept(tmp_path) == kept(directory)
    net = f"best/{results.best.trial:03}.npz"
    assert (tmp_path / net).read_bytes() == (directory / net).read_bytes()


@deep
def test_halving_on_two_workers(tmp_path):
    sweep = Sweep("two_layer_net", SPACE, digits(), epochs=6, halving=Halving())
    for jobs in (1, 2):
        sweep.run(tmp_path / str(jobs), jobs=jobs)
    assert lines(tmp_path / "1") == lines(tmp_path / "2")


def test_the_order_of_the_trials_does_not_matter(swept):
    _, _, results = swept
    values = {name: column[::-1] for name, column in SPACE.values.items()}
    backwards = Sweep("mlp", Grid(**values), digits(), steps=30).run(jobs=1)
    for row, other in zip(results.rows, backwards.rows[::-1], strict=True):
        assert row.value == other.value
        assert row.curve == other.curve


def test_only_what_is_missing_is_run(swept, tmp_path):
    directory, sweep, _ = swept
    whole = (directory / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(b"".join(whole[:8]) + b'{"trial": 7, "confi')
    # What a killed sweep may leave beside the journal: the files of a best trial not yet written down.
    (tmp_path / "best").mkdir()
    for name in ("001.npz", "001.json", "007.npz", ".minidl-0123456789abcdef.tmp"):
        (tmp_path / "best" / name).write_bytes(b"half")
    for name in kept(directory):
        (tmp_path / "best" / name).write_bytes((directory / "best" / name).read_bytes())
    news = []
    results = sweep.run(tmp_path, jobs=1, on_result=lambda row, _: news.append(row.trial))
    assert news == [7, 8, 9, 10, 11]
    assert lines(tmp_path) == lines(directory)
    assert kept(tmp_path) == kept(directory)
    assert results.best_net().parameters.count > 0
    assert sweep.run(tmp_path, jobs=1, on_result=pytest.fail).rows == results.rows


def test_without_a_directory(swept):
    _, sweep, results = swept
    seen = []
    in_memory = sweep.run(jobs=1, on_result=lambda row, results: seen.append((row, len(results.rows))))
    assert in_memory.rows == results.rows == [row for row, _ in seen]
    assert [count for _, count in seen] == list(range(1, 13))
    assert np.array_equal(in_memory.best_net().parameters.values, results.best_net().parameters.values)
    assert in_memory.best_history().steps == results.best_history().steps


def test_failing_trials_are_rows(tmp_path):
    space = Grid(hidden=[8, "broken"], lr=[0.1, -1])
    results = Sweep(build, space, digits(), steps=5).run(tmp_path, jobs=2)
    assert [row.status for row in results.rows] == ["done", "failed", "failed", "failed"]
    assert "SGD: expected lr to be a finite number > 0" in results.rows[1].reason
    assert re.match(r"KeyError: 'broken' \(small.py, line \d+\)", results.rows[2].reason)


@deep
def test_workers_that_die(tmp_path):
    # With halving, so that a trial's parts, too, are begun again.
    sweep = Sweep(deadly, deadly_space(tmp_path), digits(), steps=6, halving=Halving(rungs=1))
    rows = sweep.run(tmp_path, jobs=2).rows
    assert [row.status for row in rows] == ["done", "stopped", "failed"]
    assert rows[2].reason == "whatever process ran it died: out of memory?"
    first_rung = [row.value for row in read_journal(tmp_path / JOURNAL)[1] if row.status == "running"]
    assert len(first_rung) == 2
    assert first_rung[0] == first_rung[1]  # the death that was survived has left no trace
    assert len(lines(tmp_path)) == 6


def test_none_done():
    results = Sweep(build, Grid(hidden=["broken"], lr=[0.1]), digits(), steps=5).run(jobs=1)
    with pytest.raises(StateError, match="a trial that is done, got none of 1; KeyError: 'broken'"):
        results.best  # noqa: B018


def test_a_loss_is_minimized():
    results = Sweep("mlp", SPACE, digits(), steps=30, objective="validation_loss").run(jobs=1)
    values = [row.value for row in results.sorted() if row.value is not None]
    assert values == sorted(values)
    assert results.best.value == values[0] == results.best.validation_loss


def units(net, data):
    return net["affine0"].weight.shape[1]


@deep
def test_ties_go_to_the_lower_trial(tmp_path):
    sweep = Sweep(build, SPACE, digits(), steps=3, objective=units)
    for jobs in (1, 2):
        results = sweep.run(tmp_path / str(jobs), jobs=jobs)
        assert (results.best.trial, results.best.value) == (6, 16)
        assert kept(tmp_path / str(jobs)) == ["006.json", "006.npz"]


@pytest.mark.parametrize("kept_in", ["directory", None])
def test_the_best_mean_over_its_seeds_wins_not_the_luckiest_seed(kept_in, tmp_path):
    found = {"a": [9, 1, 2], "b": [5, 6, 7]}  # b is the best only when a's second seed is known

    def made(configuration, data, rng):
        return mlp(64, [found[configuration["kind"]][configuration["seed"]]], 10, rng=rng)

    sweep = Sweep(made, Grid(seed=[0, 1, 2], kind=["a", "b"], lr=[0.1]), digits(20), steps=1, objective=units)
    results = sweep.run(kept_in and tmp_path, jobs=1)
    assert (results.best.trial, results.best.value) == (5, 7)
    assert units(results.best_net(), None) == 7
    backwards = Grid(seed=[2, 1, 0], kind=["a", "b"], lr=[0.1])
    sweep = Sweep(made, backwards, digits(20), steps=1, objective=units)
    found["a"], found["b"] = [1, 2, 9], [5, 6, 7]
    results = sweep.run(kept_in and tmp_path / "lost", jobs=1)
    assert (results.best.configuration["seed"], results.best.value) == (2, 7)
    assert units(results.best_net(), None) == 7  # its net came while it was not the best, and came again
    if kept_in:
        assert kept(tmp_path / "lost") == ["001.json", "001.npz"]
        assert units(Results.load(tmp_path / "lost").best_net(), None) == 7


@deep
def test_a_local_function_reaches_the_workers():
    class Twice(minidl.ReLU):
        def forward(self, x, *, training):
            return 2 * super().forward(x, training=training)

        def backward(self, dy):
            return 2 * super().backward(dy)

    def build(configuration, data, rng):
        shape = minidl.Flatten(), minidl.Affine(64, 8, rng=rng), Twice(), minidl.Affine(8, 10, rng=rng)
        return minidl.Sequential(*shape, minidl.SoftmaxCrossEntropy())

    sweep = Sweep(build, Grid(lr=[0.01, 0.1, 0.2]), digits(), steps=9, halving=Halving())
    here, there = sweep.run(jobs=1), sweep.run(jobs=2)
    assert there.rows == here.rows
    assert isinstance(there.best_net()[2], Twice)


def test_random_spaces(tmp_path):
    stats = pytest.importorskip("scipy.stats")
    space = Random(4, seed=3, hidden=[8], lr=stats.loguniform(1e-3, 1e-1))
    sweep = Sweep("mlp", space, digits(), steps=9)
    assert sweep.run(tmp_path, jobs=1).rows == sweep.run(tmp_path, jobs=1).rows


def test_what_another_sweep_wrote_is_refused(swept):
    directory, _, _ = swept
    whole = (directory / JOURNAL).read_bytes()
    more = Grid(**(SPACE.values | {"reg": [0.1]}))
    moved = digits()
    moved.train.features[0, 0, 0] += 1
    try:
        for sweep, name in (
            (Sweep("mlp", SPACE, digits(), steps=31), "expected steps 30, got steps 31; give another"),
            (
                Sweep("mlp", SPACE, digits(), epochs=30),
                "expected no epochs, steps 30, got epochs 30, no steps;",
            ),
            (
                Sweep("mlp", more, digits(), steps=30),
                r"expected trials 12, reg \[0.0001, 0.01\], got trials 6, reg \[0.1\];",
            ),
            (
                Sweep("two_layer_net", SPACE, digits(), steps=30),
                "expected model 'mlp, float32', got model 'two_layer_net, float32';",
            ),
            (
                Sweep("mlp", SPACE, digits(), steps=30, dtype="float64"),
                "expected model 'mlp, float32', got model 'mlp, float64';",
            ),
            (Sweep(build, SPACE, digits(), steps=30), "got model 'tests.sweep.small:build';"),
            (Sweep("mlp", SPACE, digits(), steps=30, seed=1), "expected seed 0, got seed 1;"),
            (
                Sweep("mlp", SPACE, digits(), steps=30, objective=units),
                "objective 'validation_accuracy'",
            ),
            (
                Sweep("mlp", SPACE, digits(), steps=30, halving=Halving()),
                "expected no halving, got halving {'eta': 3, 'rungs': None};",
            ),
            (
                Sweep("mlp", SPACE, moved, steps=30),
                "features as they were, got train features of the same shape and other content; give another",
            ),
        ):
            with pytest.raises(ConfigurationError, match=name):
                sweep.run(directory, jobs=1)
    finally:
        moved.train.features[0, 0, 0] -= 1
    assert (directory / JOURNAL).read_bytes() == whole


def test_the_best_files_gone(swept, tmp_path):
    directory, sweep, _ = swept
    (tmp_path / JOURNAL).write_bytes((directory / JOURNAL).read_bytes())
    results = sweep.run(tmp_path, jobs=1)
    with pytest.raises(CheckpointError, match="the best trial's .*npz, got no such file"):
        results.best_net()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": None}, ConfigurationError, "one of steps and epochs, got steps=None, epochs=None"),
        ({"epochs": 3}, ConfigurationError, "one of steps and epochs, got steps=9, epochs=3"),
        ({"steps": 0}, ConfigurationError, "steps to be a whole number >= 1, got 0"),
        (
            {"model": "lenet"},
            ConfigurationError,
            "one of mlp, conv, resnet, table, two_layer_net, or a function",
        ),
        ({"space": {"lr": [1]}}, ConfigurationError, "space to be of class Space"),
        (
            {"space": Grid(lr=[1])},
            ConfigurationError,
            "Sweep of mlp: expected hidden and lr, and nothing",
        ),
        ({"space": Grid(hidden=[1], lr=[1], rate=[1])}, ConfigurationError, "got hidden, lr, rate"),
        ({"data": Dataset([[1.0]], [0])}, ConfigurationError, "data to be of class Splits"),
        (
            {"data": Splits("d", Dataset([[1.0]], [0]))},
            DataError,
            "a validation part for validation_accuracy",
        ),
        (
            {"objective": "accuracy"},
            ConfigurationError,
            "objective to be a figure of the validation part, such as 'validation_loss', .*, got 'accuracy'",
        ),
        (
            {"objective": "validation_r2"},
            ConfigurationError,
            "an objective that .*: validation_NAME of loss, accuracy, f1, .*, got 'validation_r2'",
        ),
        ({"batch_size": 30}, ConfigurationError, r"batch_size as a key .* Grid\(batch_size=\[30\], ...\)"),
        (
            {"objective": "validation_loss", "space": Grid(hidden=[1], lr=[1], label_smoothing=[0, 0.1])},
            ConfigurationError,
            "the same label_smoothing in every trial for validation_loss.* got 0, 0.1; .*validation_log_loss",
        ),
        (
            {"space": Grid(hidden=[1], lr=[1], augment=[None])},
            ConfigurationError,
            "a value for 'augment', got None; 'none' is none",
        ),
        ({"objective": lambda net: 0}, ConfigurationError, r"objective to be a function \(net, data\), got"),
        (
            {"model": lambda configuration: 0},
            ConfigurationError,
            r"to be a function \(configuration, data, rng\)",
        ),
        ({"model": 3}, ConfigurationError, r"to be a function \(configuration, data, rng\), got 3"),
        (
            {"halving": 3},
            ConfigurationError,
            r"halving to be of class Halving, got 3; such as Halving\(eta=3\)",
        ),
        ({"seed": -1}, ConfigurationError, "seed to be a whole number >= 0"),
    ],
)
def test_errors_of_a_sweep(change, error, message):
    options = {"model": "mlp", "space": SPACE, "data": digits(), "steps": 9} | change
    with pytest.raises(error, match=message):
        Sweep(options.pop("model"), options.pop("space"), options.pop("data"), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs to be a whole number other than 0, got"),
        ({"jobs": 1.5}, "jobs to be a whole number other than 0, got"),
        ({"jobs": True}, "jobs to be a whole number other than 0, got"),
        ({"backend": "threads"}, "backend to be one of 'loky', 'dask', 'ray', got 'threads'"),
        ({"scheduler": "tcp://here"}, "no scheduler for loky, got 'tcp://here'"),
        ({"backend": "dask", "scheduler": 8786}, "scheduler to be an address, or none, got 8786"),
        ({"on_result": "print"}, r"on_result to be a function \(row, results\), got 'print'"),
    ],
)
def test_errors_of_a_run(swept, tmp_path, options, message):
    with pytest.raises(ConfigurationError, match=message):
        swept[1].run(tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("module", "backend", "extra"),
    [("joblib", "loky", "sweep"), ("distributed", "dask", "dask"), ("ray", "ray", "ray")],
)
def test_missing_extras(swept, monkeypatch, module, backend, extra):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"needs {module}, .* 'minidl.{extra}.'"):
        swept[1].run(backend=backend)


def test_an_error_in_the_hook_ends_the_sweep_and_nothing_is_lost(swept, tmp_path):
    directory, sweep, _ = swept

    def fail_at_third(row, results):
        if len(results.rows) == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        sweep.run(tmp_path, jobs=2, on_result=fail_at_third)
    assert len(lines(tmp_path)) == 4
    sweep.run(tmp_path, jobs=1)
    assert lines(tmp_path) == lines(directory)


def test_importing_it_loads_no_backend():
    code = "import sys, minidl.sweep; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"joblib", "scipy", "dask", "distributed", "ray", "optuna", "cloudpickle"} & set(
        loaded.split()
    )
