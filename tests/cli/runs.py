"""Runs of nets that no command trains quickly, as `minidl train` would leave them."""

import json

import numpy as np

from minidl import Affine, Flatten, MeanSquaredError, ReLU, Sequential, SoftmaxCrossEntropy
from minidl.cli import run_directory, run_file
from minidl.layers import Conv2d, Embedding, Residual
from minidl.training import History


def keep(directory, net, data, **made):
    """Write a run of `net`; its history has two steps and no epoch."""
    directory.mkdir()
    history = History()
    for loss in (2.0, 1.0):
        history.record_step(loss=loss, lr=0.1)
    run = {"data": str(data), "data_dir": None, "seed": 0, "settings": {"lr": 0.1}, "results": None, **made}
    run_directory.write(directory, net, history, {"stopped": "interrupted", **run})
    return directory


def change(directory, **values):
    """Change what `run.json` says, and its hash; None takes a key away."""
    path = directory / "run.json"
    made = {**json.loads(path.read_text()), **values}
    write(path, {name: value for name, value in made.items() if value is not None})


def write(path, made):
    """Write it as run.json with a hash that fits, unless it is no dict or has no files."""
    is_sealed = isinstance(made, dict) and isinstance(made.get("files"), dict)
    path.write_text(json.dumps(run_file.sealed(made) if is_sealed else made))


def images_file(path, shape=(3, 6, 6), classes=3):
    """Images of three classes, and a few of them to test on."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(40) % classes)
    x = rng.integers(0, 256, (40, *shape)).astype(np.uint8)
    names = np.array(["cat", "dog", "hen"])
    np.savez(path, x_train=x[:30], y_train=labels[:30], x_test=x[30:], y_test=labels[30:], target_names=names)
    return path


def convolutional(names=("cat", "dog", "hen")):
    """A net whose first weights lie within a container."""
    body = Sequential(Conv2d(3, 4, 3, padding=1, rng=0), ReLU())
    parts = body, Residual(Conv2d(4, 4, 3, padding=1, rng=1)), Flatten(), Affine(4 * 36, 3, rng=2)
    return Sequential(*parts, SoftmaxCrossEntropy(target_names=names))


def of_words():
    """A net whose first weights are an embedding's."""
    return Sequential(Embedding(20, 4, rng=0), Flatten(), Affine(5 * 4, 2, rng=1), SoftmaxCrossEntropy())


def regression():
    """A net that predicts a number from two: their sum."""
    net = Sequential(Affine(2, 1, rng=0), MeanSquaredError())
    net["affine0"].weight.value[...] = 1
    return net


def numbers_file(path):
    """Pairs of numbers and their sums, but for a little noise."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 2)).astype(np.float32)
    y = x.sum(axis=1, keepdims=True) + 0.1 * rng.standard_normal((40, 1)).astype(np.float32)
    np.savez(path, x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    return path
