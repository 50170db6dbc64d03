"""Runs of small nets whose figures a test writes itself."""

import numpy as np

from minidl import SGD, Affine, Callback, Dataset, ReLU, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.layers import BatchNorm1d

STATES = ("best", "best_epoch", "waited", "_waited", "_cooling", "_count", "_mean", "_values")


class Script(Callback):
    """Writes figures into a column of the history; to stand before what reads them."""

    def __init__(self, figures, column="validation_loss"):
        self.figures, self.column = figures, column

    def on_epoch_end(self, trainer):
        trainer.history.epochs[self.column][-1] = self.figures[trainer.epoch - 1]


class Values(Callback):
    """Keeps the net's parameters and states after each step and after each epoch."""

    def __init__(self):
        self.steps, self.epochs = [], []

    def on_step_end(self, trainer):
        self.steps.append(held(trainer.net))

    def on_epoch_end(self, trainer):
        self.epochs.append(held(trainer.net))


def held(net):
    return net.parameters.values.copy(), net.state.values.copy()


def data(samples=20, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((samples, 6)).astype(np.float32)
    return Dataset(x, generator.integers(4, size=samples))


def trainer_with(*callbacks, seed=0, lr=0.1, dtype=np.float32, **options):
    generator, of = np.random.default_rng(seed), {"dtype": dtype}
    layers = (
        Affine(6, 5, rng=generator, **of),
        BatchNorm1d(5, **of),
        ReLU(),
        Affine(5, 4, rng=generator, **of),
    )
    net = Sequential(*layers, SoftmaxCrossEntropy())
    return Trainer(net, SGD(lr, momentum=0.9), callbacks=list(callbacks), rng=seed, **options)


def assert_equal(one, other):
    """Nets, histories and callbacks are the same to the bit."""
    np.testing.assert_equal(held(one.net), held(other.net))
    assert one.optimizer.lr == other.optimizer.lr
    histories = []
    for trainer in (one, other):
        history = trainer.history
        columns = {name: column for name, column in history.epochs.items() if name != "seconds"}
        rest = dict(history.unfinished or {})
        rest.pop("seconds", None)
        histories.append((history.steps, columns, rest))
    np.testing.assert_equal(*histories)
    for a, b in zip(one.callbacks, other.callbacks, strict=True):
        np.testing.assert_equal(*({n: v for n, v in vars(c).items() if n in STATES} for c in (a, b)))
