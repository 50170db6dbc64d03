"""Where the first number that is not finite comes from: no rate is to blame before the first update."""

import numpy as np
import pytest

from minidl import SGD, Affine, Callback, Dataset, Layer, MeanSquaredError, Net, ReLU, Sequential, Trainer
from minidl import SoftmaxCrossEntropy as Head
from minidl.errors import DivergedError
from minidl.layers import Dropout
from minidl.optimizers import LBFGS
from minidl.transforms import Transform

FIRST = "before the first update no rate is to blame, but data or a layer; "
X = np.random.default_rng(0).standard_normal((12, 3))


class Log(Layer):
    """Gives NaN where its input is negative."""

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        with np.errstate(all="ignore"):
            return np.log(x)

    def backward(self, dy):
        return dy / self.recall()[0]


class Steep(ReLU):
    def backward(self, dy):
        return super().backward(dy) * np.float32(np.inf)


class Lost(Head):
    def forward(self, *args, **options):
        return super().forward(*args, **options) * np.nan


class Whole(Log, Net):
    """A net that is no row of layers."""

    def __init__(self):
        self.scale = Affine(3, 2, rng=0).weight
        self.head, self.dtype = Head(), np.dtype(np.float32)


def affine(ins=3, outs=2):
    return Affine(ins, outs, rng=0)


def broken():
    layer = affine()
    layer.weight.value[1] = np.nan
    return layer


class Looks(Callback):
    """Stands between backward and update."""

    def on_gradients(self, trainer):
        pass


class Overflow(Transform):
    def __call__(self, features, targets, rng):
        return features * np.inf, targets


@pytest.mark.parametrize(
    ("net", "features", "words"),
    [
        (lambda: Sequential(affine(3, 4), Log(), affine(4, 2), Head()), X,
         f"loss, got nan; {FIRST}Log 'log0' is the first to give nan, for numbers from -"),
        (lambda: Sequential(Sequential(ReLU(), Log()), affine(), Head()), X,
         f"{FIRST}Log 'sequential0.log0' is the first to give -inf, for numbers from 0 to "),
        (lambda: Sequential(affine(), Head()), 1e300 * X, f"{FIRST}the features hold -?inf in float32$"),
        (lambda: Sequential(broken(), Head()), X, f"{FIRST}affine0.weight holds nan already"),
        (lambda: Sequential(affine(), Lost()), X, f"{FIRST}Lost 'head' gives nan, for scores from -"),
        (lambda: Sequential(affine(), Steep(), affine(2, 2), Head()), X,
         f"gradients, got (inf|nan); {FIRST}from the loss backwards, affine0.bias is the first whose"),
        (lambda: Sequential(affine(), affine(2, 2), Head()), 1e30 * X,
         f"gradients, got inf; {FIRST}its square overflows, for the gradients reach .*, for features"),
        (Whole, X, f"{FIRST}Whole gives nan, for numbers from -"),
    ],
)  # fmt: skip
def test_the_first_step_names_the_part_at_fault(net, features, words):
    """Whether a callback stands between backward and update or not; the step stays due."""
    dataset = Dataset(features, np.arange(12) % 2)
    for callbacks in ([], [Looks()]):
        trainer = Trainer(net(), SGD(1e-9), callbacks=callbacks, rng=0)
        for _ in range(2):
            with pytest.raises(DivergedError, match=f"^step 0: expected a finite .*{words}"):
                trainer.fit(dataset, epochs=1, batch_size=5)


def test_targets_and_transforms_may_be_at_fault():
    net = Sequential(affine(), MeanSquaredError())
    dataset = Dataset(X, np.full((12, 2), 1e300))
    with pytest.raises(
        DivergedError, match="'head' gives inf, for scores from .* and targets from 1e.300 to"
    ):
        Trainer(net, SGD(0.1), rng=0).fit(dataset, steps=1)
    with pytest.raises(DivergedError, match=f"{FIRST}the features hold (inf|-inf)$"):
        Trainer(Sequential(affine(), Head()), SGD(0.1), rng=0).fit(
            Dataset(X, np.arange(12) % 2), steps=1, transform=Overflow()
        )


def test_a_minimizers_first_loss_names_it_too():
    trainer = Trainer(Sequential(affine(3, 4), Log(), affine(4, 2), Head()), LBFGS(), rng=0)
    with pytest.raises(DivergedError, match=r"^step 0 of LBFGS: .*; Log 'log0' is the first to give nan"):
        trainer.fit(Dataset(X, np.arange(12) % 2), epochs=1, batch_size=5)


def test_a_rate_that_is_to_blame_is_blamed():
    trainer = Trainer(Sequential(affine(3, 8), affine(8, 2), Head()), SGD(1e40), rng=0)
    with pytest.raises(
        DivergedError, match=r"^step 0 at learning rate 1e\+40: .*; this rate is infinite in float32"
    ):
        trainer.fit(Dataset(X, np.arange(12) % 2), steps=1)
    trainer.optimizer.lr = 1e30
    with pytest.raises(
        DivergedError, match=r"^step [1-9] at learning rate 1e\+30: .* ten times smaller, and"
    ):
        trainer.fit(Dataset(X, np.arange(12) % 2), steps=9)


def test_to_look_for_it_draws_nothing_from_the_nets_generators():
    net = Sequential(affine(3, 8), Dropout(0.5, rng=1), affine(8, 2), Head())
    twin = Sequential(affine(3, 8), Dropout(0.5, rng=1), affine(8, 2), Head())
    features = X.copy()
    features[0] = 1e300
    with pytest.raises(DivergedError):
        Trainer(net, SGD(0.1), rng=0).fit(Dataset(features, np.arange(12) % 2), steps=1)
    twin.forward(np.ones((12, 3), np.float32), training=True)
    assert np.array_equal(
        *(each[1].forward(np.ones((9, 8), np.float32), training=True) for each in (net, twin))
    )
