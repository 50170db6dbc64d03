"""Readers of what minidl itself writes: nets, checkpoints, histories, runs and journals."""

import json
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import minidl
from minidl import Dataset
from minidl.callbacks import EarlyStopping
from minidl.cli import run_directory, run_file
from minidl.errors import MinidlError
from minidl.files import to_json
from minidl.initializers import normal
from minidl.optimizers import Adam
from minidl.storage import load_state
from minidl.storage.trees import encode
from minidl.training import columns
from tests.fuzz import structure


def _written(save, name="it"):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        save(path)
        return path.read_bytes()


def _nets():
    rng = np.random.default_rng(0)
    body = minidl.Sequential(minidl.Affine(3, 2, rng=rng, initializer=normal(0.1)), minidl.ReLU())
    nets = [
        minidl.Sequential(
            minidl.Standardize(np.arange(4), 2.5), minidl.Affine(4, 3, rng=rng), ("body", body),
            minidl.layers.BatchNorm1d(2), minidl.SoftmaxCrossEntropy(),
        ),
        minidl.Sequential(
            minidl.layers.Conv2d(1, 2, 3, padding=1, rng=rng), minidl.ReLU(), minidl.layers.MaxPool2d(2),
            minidl.Flatten(), minidl.layers.Dropout(0.3, rng=rng), minidl.Affine(8, 2, rng=rng),
            minidl.SoftmaxCrossEntropy(target_names=("a", "ü")),
        ),
    ]  # fmt: skip
    return [_written(lambda path, net=net: minidl.save(net, path)) for net in nets]


def _trainer(seed=0):
    net = minidl.Sequential(
        minidl.Affine(4, 3, rng=seed), minidl.layers.Dropout(0.2, rng=seed), minidl.SoftmaxCrossEntropy()
    )
    callbacks = [EarlyStopping(patience=2)]
    return minidl.Trainer(net, Adam(0.01), callbacks=callbacks, rng=seed)


def _fitted(seed, steps):
    rng = np.random.default_rng(seed)
    part = Dataset(rng.normal(size=(10, 4)).astype(np.float32), np.arange(10) % 3)
    trainer = _trainer(seed)
    trainer.fit(part, steps=steps, batch_size=4, validation=part)
    return trainer


def _checkpoints():
    trainers = [_fitted(1, 7), _fitted(2, 3)]
    return [_written(each.save) for each in trainers]


@cache
def _standing():
    """A Trainer that loads all checkpoints, its state, and that in words."""
    trainer = _fitted(3, 4)
    state = trainer.state_dict()
    return trainer, state, _in_words(state)


def _in_words(state):
    arrays = {}
    text = to_json(encode({name: part for name, part in state.items() if name != "seconds"}, arrays))
    return text, [array.tobytes() for array in arrays.values()]


def _resume(path):
    """What a checkpoint says is taken as a whole, or the Trainer is as it was."""
    trainer, state, words = _standing()
    found = load_state(path).state
    try:
        trainer.load_state_dict(found)
    except BaseException:
        assert _in_words(trainer.state_dict()) == words, "the Trainer has changed"
        raise
    trainer.load_state_dict(state)


def _histories():
    trainer = _fitted(4, 7)
    empty = minidl.History()
    old = {"steps": trainer.history.steps, "epochs": trainer.history.epochs}
    return [_written(trainer.history.save), _written(empty.save), to_json(old).encode()]


def _seal_history(tree):
    return columns.sealed({name: part for name, part in tree.items() if name != "sha256"})


def _runs():
    run = {
        "data": "digits", "data_dir": None, "seed": 0, "dtype": "float32", "target": "kind",
        "task": "classes", "columns": ["a", "b"], "categories": {"b": ["x", ""]}, "drop": ["c", 3],
        "settings": {"epochs": 3, "hidden": [4, 5], "optimizer": "sgd", "lr": 0.1},
        "results": {"train": {"samples": 5, "loss": 0.5, "accuracy": None}}, "seconds": 1.5,
        "files": {"net.npz": "0" * 64, "history.json": "f" * 64},
    }  # fmt: skip
    return [to_json(run_file.sealed(run), indent=1).encode(), b'{"data": "digits"}']


def _seal_run(tree):
    try:
        return run_file.sealed(tree)
    except Exception:  # it cannot be sealed
        return tree


def _read_run(path):
    run_directory.read_run(path.parent)


def _journals():
    from minidl.sweep import Row
    from minidl.sweep.lines import format_of, line_of

    header = {
        "minidl": "0.1", "model": "a:b", "trials": 2, "configurations": "0" * 64, "steps": 2,
        "keys": {"lr": ["[0.1]", 5]}, "objective": "validation_accuracy", "seed": 0, "halving": None,
        "data": {"name": "d", "train": {"features": [[1, 2], "float32", 5], "targets": [[1], "int64", 5]},
                 "validation": None}, "sampler": None,
    }  # fmt: skip
    rows = [
        Row(0, {"lr": 0.1, "seed": 1}, 0, 2, "done", value=0.5, curve={"step": [1, 2], "loss": [0.5, None]}),
        Row(1, {"lr": 0.2, "seed": 2}, 0, 2, "diverged", reason="größer", metrics={"r2": None}),
    ]
    return [
        b"".join(
            line_of(content, version)
            for content in (format_of(version) | header, *(json.loads(row.to_json()) for row in rows))
        )
        for version in (1, 2)
    ]


def _read_journal(path):
    from minidl.sweep import Results

    path.rename(path.with_name("journal.jsonl"))
    results = Results.load(path.parent)
    with suppress(MinidlError):
        results.table(), repr(results), results.best_net()


def rows(reader):
    """The rows of the table, made of its class."""
    made = {
        "net": reader(_nets, minidl.load),
        "net-manifest": reader(_nets, minidl.load, mutate=structure.changed_text_of_archive),
        "net-structure": reader(_nets, minidl.load, mutate=structure.changed_archive),
        "checkpoint": reader(_checkpoints, _resume),
        "checkpoint-manifest": reader(_checkpoints, _resume, mutate=structure.changed_text_of_archive),
        "checkpoint-structure": reader(_checkpoints, _resume, mutate=structure.changed_archive),
        "history": reader(_histories, minidl.History.load),
        "history-structure": reader(
            _histories, minidl.History.load, mutate=structure.changed_object(_seal_history)
        ),
        "run": reader(_runs, _read_run, name="run.json"),
        "run-structure": reader(
            _runs, _read_run, name="run.json", mutate=structure.changed_object(_seal_run)
        ),
    }
    if find_spec("joblib") and find_spec("cloudpickle"):
        made |= {
            "journal": reader(_journals, _read_journal),
            "journal-line": reader(
                lambda: _journals()[1:], _read_journal, mutate=structure.changed_text_of_journal
            ),
            "journal-structure": reader(_journals, _read_journal, mutate=structure.changed_journal),
        }
    return made
