"""Trainings with all that keeps a state in them, for tests that break them off and go on."""

import numpy as np

import minidl
from minidl import (
    L2,
    Affine,
    ClipNorm,
    EarlyStopping,
    Flatten,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
)
from minidl.callbacks import Average, ReduceOnPlateau
from minidl.data import Dataset
from minidl.layers import BatchNorm2d, Conv2d, Dropout, MaxPool2d, Standardize
from minidl.optimizers import SGD, Adam
from minidl.schedulers import CosineDecay, StepDecay
from minidl.transforms import GaussianNoise, RandomCrop

EPOCHS, BATCH = 3, 20


def two_layers(callbacks=(), *, saving=()):
    """The classic net and its training."""
    net = Sequential(Affine(64, 8, rng=1), ReLU(), Affine(8, 10, rng=2), SoftmaxCrossEntropy())
    return (net, SGD(0.05, momentum=0.9)), {
        "scheduler": StepDecay(0.9), "regularizer": L2(1e-3), "callbacks": [*callbacks, *saving], "rng": 3,
    }  # fmt: skip


def everything(callbacks=(), *, saving=()):
    """Convolution, batch norm, dropout, Adam, clipping, an average, early stopping and a plateau."""
    net = Sequential(
        Standardize(8, 6), Conv2d(1, 3, 3, padding=1, rng=1), BatchNorm2d(3), ReLU(), Dropout(0.3, rng=2),
        MaxPool2d(2), Flatten(), Affine(48, 10, rng=3), SoftmaxCrossEntropy(),
    )  # fmt: skip
    mine = [ClipNorm(5.0), Average(0.9), *callbacks, EarlyStopping(2), ReduceOnPlateau(patience=0), *saving]
    return (net, Adam(0.003)), {
        "scheduler": CosineDecay(steps=15), "regularizer": L2(1e-4), "callbacks": mine, "rng": 7,
    }  # fmt: skip


def digits(*, flat):
    """A training and a validation part; the last batch is a partial one."""
    data = minidl.data.load("digits")
    shape = (-1, 64) if flat else (-1, 1, 8, 8)
    parts = []
    for part, count in ((data.train, 90), (data.validation, 30)):
        features = part.features[:count].reshape(shape)
        weights = np.linspace(0.5, 1.5, count)
        parts.append(
            Dataset(features.astype(np.float32) if flat else features, part.targets[:count], weights=weights)
        )
    return parts


RUNS = {"two layers": two_layers, "everything": everything}


def fit(trainer, kind, epochs=EPOCHS):
    """Up to so many epochs in all."""
    train, validation = digits(flat=kind == "two layers")
    transform = None if kind == "two layers" else RandomCrop(1) | GaussianNoise(0.1)
    trainer.fit(
        train, epochs=epochs - trainer.epoch, batch_size=BATCH, validation=validation, transform=transform
    )
    return trainer


def run(kind, callbacks=(), *, saving=()):
    """A Trainer at its beginning."""
    arguments, options = RUNS[kind](callbacks, saving=saving)
    return Trainer(*arguments, **options)


def resume(path, kind, callbacks=(), *, saving=(), **more):
    """A Trainer as a checkpoint has it."""
    arguments, options = RUNS[kind](callbacks, saving=saving)
    return Trainer.resume(path, *arguments, **options, **more)


def assert_same(one, another, path="state"):
    """Two states are equal to the bit, but for wall-clock times and the runs' names."""
    assert type(one) is type(another), path
    if isinstance(one, dict):
        assert one.keys() == another.keys(), path
        for key in one.keys() - {"seconds", "run"}:
            assert_same(one[key], another[key], f"{path}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(another), path
        for place, pair in enumerate(zip(one, another, strict=True)):
            assert_same(*pair, f"{path}.{place}")
    elif isinstance(one, np.ndarray):
        assert (one.dtype, one.shape, one.tobytes()) == (another.dtype, another.shape, another.tobytes()), (
            path
        )
    else:
        assert one == another or (one != one and another != another), path
