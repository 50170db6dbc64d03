"""``check_finite="all"`` names the layer, the pass and the place of the first number that is not finite."""

import copy
import os
import pickle
import re

import numpy as np
import pytest

import minidl
from minidl import (
    L2,
    SGD,
    Affine,
    Callback,
    Dataset,
    Layer,
    Net,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
)
from minidl.errors import ConfigurationError, DivergedError
from minidl.layers import BatchNorm1d, BatchNorm2d, Concat, Conv2d, Dropout, Flatten, Residual
from minidl.optimizers import LBFGS
from minidl.parameters import Parameter

COUNT = 50 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 3  # for each of two nets
ADVICE = "the parameters are of ordinary size, up to .*: a layer, the loss or this batch is to blame"


def plant(layer, site, step, number, place):
    """Have the layer give the number in the training step, once; returns where that will be."""
    kind, steps, where = type(layer), [0], []

    def spoil(array):
        if steps[0] == step + 1:
            steps[0] += 100  # only once
            index = np.unravel_index(place % array.size, array.shape)
            where.append(tuple(map(int, index)))
            array[index] = number
        return array

    class Spoiled(kind):
        def forward(self, x, *, training):
            y = super().forward(x, training=training)
            if training:
                steps[0] += 1
            return spoil(y.copy()) if training and site == "forward" else y

        def backward(self, dy):
            dx = super().backward(dy)
            return spoil(dx.copy()) if site == "dx" else self.spoil_grad(dx)

        def backward_parameters(self, dy):
            super().backward_parameters(dy)
            self.spoil_grad(None)

        def spoil_grad(self, dx):
            if site not in ("forward", "dx"):
                spoil(getattr(self, site).grad)
            return dx

    Spoiled.__name__ = kind.__name__
    object.__setattr__(layer, "__class__", Spoiled)
    return where


def dense(rng):
    return Sequential(Affine(5, 7, rng=rng), ReLU(), Affine(7, 3, rng=rng), SoftmaxCrossEntropy()), (5,)


def convolutional(rng):
    inner = Residual(Conv2d(3, 3, 3, padding=1, rng=rng), BatchNorm2d(3), ReLU())
    layers = Conv2d(2, 3, 3, padding=1, rng=rng), BatchNorm2d(3), ReLU(), inner, Dropout(0.3, rng=rng)
    tail = Sequential(Flatten(), Affine(3 * 4 * 4, 6, rng=rng), ReLU())
    return Sequential(*layers, tail, Affine(6, 3, rng=rng), SoftmaxCrossEntropy()), (2, 4, 4)


def data(shape, seed=0):
    rng = np.random.default_rng(seed)
    return Dataset(rng.standard_normal((12, *shape)).astype(np.float32), np.arange(12) % 3)


@pytest.mark.parametrize("make", [dense, convolutional])
def test_what_is_planted_is_named_where_it_first_shows(make):
    """And nothing has changed since the step before, neither parameters nor running statistics."""
    for seed in range(COUNT):
        rng = np.random.default_rng(seed)
        net, shape = make(rng)
        leaves = [(path, one) for path, one in net.named_modules() if not list(one.children())]
        leaves = [(path, one) for path, one in leaves if path != "head"]
        number = int(rng.integers(len(leaves)))
        path, layer = leaves[number]
        sites = ["forward", *(name for name, part in layer._parts.items() if isinstance(part, Parameter))]
        sites += ["dx"] if number else []  # nobody asks the first layer for it
        site, step = rng.choice(sites), int(rng.integers(7))
        wrong = rng.choice([np.nan, np.inf, -np.inf])
        where = plant(layer, site, step, wrong, int(rng.integers(10**6)))
        twin = copy.deepcopy(net)
        trainer, other = (
            Trainer(one, SGD(0.1, momentum=0.9), regularizer=L2(1e-3), check_finite=check, rng=seed)
            for one, check in ((net, "all"), (twin, "loss"))
        )
        with pytest.raises(DivergedError) as caught:
            trainer.fit(data(shape), epochs=5, batch_size=4)
        (index,) = where
        passes = "forward" if site == "forward" else "backward"
        of = "" if site in ("forward", "dx") else f" of {site}.grad"
        expected = (
            f"finite numbers from {type(layer).__name__} '{path}' {passes}, got {wrong} at {index}{of}; "
        )
        assert str(caught.value).startswith(
            f"epoch {step // 3}, step {step}: expected {expected}it was given "
        )
        assert re.search(ADVICE, str(caught.value))
        assert trainer.step == step
        if step:
            where.clear()
            other.fit(data(shape), steps=step, batch_size=4)
        assert net.parameters.values.tobytes() == twin.parameters.values.tobytes()
        assert net.state.values.tobytes() == twin.state.values.tobytes()
        assert not [name for _, one in net.named_modules() for name in vars(one) if "ward" in name]
        trainer.fit(data(shape), steps=2, batch_size=4)


class Branched(Net, Layer):
    """Layers as attributes, and a parameter of its own."""

    def __init__(self):
        self.one, self.two = Affine(5, 3, rng=0), Affine(5, 3, rng=1)
        self.scale = Parameter((3,), lambda rng, shape, dtype: np.ones(shape, dtype))
        self.head, self.dtype, self.wrong = SoftmaxCrossEntropy(), np.dtype(np.float32), ""

    def forward(self, x, *, training):
        y = self.one.forward(x, training=training) + self.two.forward(x, training=training)
        if training:
            self.remember(y)
        return y * self.scale.value * np.float32(np.nan if self.wrong == "forward" else 1)

    def backward(self, dy):
        (y,) = self.recall()
        self.scale.grad[...] = (dy * y).sum(axis=0)
        if self.wrong == "scale":
            self.scale.grad[1] = np.inf
        return self.one.backward(dy * self.scale.value) + self.two.backward(dy * self.scale.value)

    def backward_parameters(self, dy):
        self.backward(dy)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("forward", r"from Branched forward, got nan at \(0, 0\); it was given numbers from -"),
        ("scale", r"from Branched backward, got inf at \(1,\) of scale.grad; it was given gradients from -"),
    ],
)
def test_a_net_that_is_no_row_of_layers(wrong, words):
    net = Branched()
    Trainer(net, SGD(0.1), check_finite="all", rng=0).fit(data((5,)), epochs=1, batch_size=4)
    net.wrong = wrong
    with pytest.raises(DivergedError, match=f"^epoch 0, step 0: expected finite numbers {words}"):
        Trainer(net, SGD(0.1), check_finite="all", rng=0).fit(data((5,)), epochs=1, batch_size=4)
    with pytest.raises(DivergedError, match=rf"^epoch 0, step 0: expected finite numbers {words}"):
        Trainer(net, LBFGS(), check_finite="all", rng=0).fit(data((5,)), epochs=1)


class Penalty(L2):
    def __init__(self, returns, grad):
        super().__init__(1.0)
        self.returns, self.grad = returns, grad

    def add_gradients(self, parameters):
        parameters["affine1.bias"].grad[2] += self.grad
        return self.returns


class Spoils(Callback):
    """Between backward and update, in one step; the net is copied there, and predicts there."""

    def __init__(self, step):
        self.at, self.copies = step, []

    def on_gradients(self, trainer):
        self.copies += [copy.deepcopy(trainer.net), pickle.loads(pickle.dumps(trainer.net))]
        if trainer.step == self.at:
            self.at = None
            trainer.net.parameters["affine0.weight"].grad[1, 2] = np.inf


def test_what_changes_the_gradients_is_named_too():
    for returns, grad, words in (
        (np.inf, 0.0, "from Penalty's penalty, got inf;"),
        (1.0, np.nan, r"from Penalty's add_gradients, got nan at \(2,\) of affine1.bias.grad;"),
    ):
        net, shape = dense(np.random.default_rng(0))
        with pytest.raises(DivergedError, match=f"^epoch 0, step 0: expected finite numbers {words}"):
            Trainer(net, SGD(0.1), regularizer=Penalty(returns, grad), check_finite="all").fit(
                data(shape), steps=1
            )
    net, shape = dense(np.random.default_rng(0))
    spoils = Spoils(4)
    trainer = Trainer(net, SGD(0.1), callbacks=[spoils], check_finite="all", rng=0)
    with pytest.raises(
        DivergedError,
        match=r"^epoch 1, step 4: .* from the callbacks' on_gradients, got inf at \(1, 2\) of affine0",
    ):
        trainer.fit(data(shape), epochs=2, batch_size=4)
    trainer.fit(data(shape), steps=1, batch_size=4)
    assert trainer.step == 5
    for one in spoils.copies:  # a copy has no wrappers, which would train the first net
        before = net.parameters.values.copy()
        assert not [name for _, module in one.named_modules() for name in vars(module) if "ward" in name]
        Trainer(one, SGD(0.1), check_finite="all").fit(data(shape), steps=1)
        assert np.array_equal(net.parameters.values, before)


def test_features_are_looked_at_first_and_losses_last():
    net, shape = dense(np.random.default_rng(0))
    features = data(shape).features.astype(np.float64)
    features[7, 3] = 1e300
    with pytest.raises(DivergedError, match=r"from the features, got inf at \(\d+, 3\); look at the data"):
        Trainer(net, SGD(0.1), check_finite="all").fit(Dataset(features, np.arange(12) % 3), steps=1)

    class Lost(SoftmaxCrossEntropy):
        def forward(self, *args, **options):
            return super().forward(*args, **options) * np.nan

    lost = Sequential(Affine(5, 3, rng=0), Lost())
    with pytest.raises(DivergedError, match="from Lost 'head' forward, got nan; it was given"):
        Trainer(lost, SGD(0.1), check_finite="all").fit(data((5,)), steps=1)


def test_it_changes_nothing_else():
    """The same bits as without, for layers beside one another; a copied and pickled Trainer checks, too."""

    def make(check):
        rng = np.random.default_rng(0)
        pair = Concat(Affine(5, 4, rng=rng), Sequential(Affine(5, 3, rng=rng), BatchNorm1d(3)))
        net = Sequential(pair, Dropout(0.2, rng=rng), Affine(7, 3, rng=rng), SoftmaxCrossEntropy())
        net[0].freeze()
        return Trainer(net, SGD(0.1, momentum=0.9), regularizer=L2(1e-3), check_finite=check, rng=0)

    one, other = make("loss"), pickle.loads(pickle.dumps(copy.deepcopy(make("all"))))
    for trainer in (one, other):
        trainer.fit(data((5,)), epochs=3, batch_size=5)
    assert one.history.steps == other.history.steps
    assert one.net.parameters.values.tobytes() == other.net.parameters.values.tobytes()
    other.net[2].weight.value[0, 0] = np.nan
    with pytest.raises(DivergedError, match="'affine0' forward, got nan at .*hold such numbers already"):
        other.fit(data((5,)), epochs=1, batch_size=5)


def test_it_takes_two_words():
    net, _ = dense(np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="check_finite to be one of 'loss', 'all', got True"):
        Trainer(net, SGD(0.1), check_finite=True)


def test_sparse_features():
    sparse = pytest.importorskip("scipy.sparse")
    features = sparse.random(12, 5, 0.5, "csr", dtype=np.float64, random_state=0)
    net = minidl.Sequential(Affine(5, 3, rng=0), SoftmaxCrossEntropy())
    Trainer(net, SGD(0.1), check_finite="all").fit(Dataset(features, np.arange(12) % 3), steps=2)
    features.data[:] = 1e300
    with pytest.raises(DivergedError, match=r"from the features, got inf at \(\d+, \d\); look at the data"):
        Trainer(net, SGD(0.1), check_finite="all").fit(Dataset(features, np.arange(12) % 3), steps=1)
