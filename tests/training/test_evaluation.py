import copy

import numpy as np
import pytest

from minidl import (
    SGD,
    Accuracy,
    Affine,
    Dataset,
    Layer,
    Loss,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
    evaluate,
)
from minidl.errors import ConfigurationError, DataError, DivergedError
from minidl.training.evaluation import measure


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(95))


class Spoils(ReLU):
    """Makes scores of the rows whose first number is above `limit` be `value`."""

    def __init__(self, limit, value):
        self.limit, self.value = limit, value

    def forward(self, x, *, training):
        return np.where(x[:, :1] > self.limit, np.float32(self.value), super().forward(x, training=training))


class SquaredError(Loss):
    """A regression's head: targets are numbers, and so is what it predicts."""

    def forward(self, scores, targets, *, training):
        difference = scores[:, 0].astype(np.float64) - targets
        if training:
            self.remember(difference, scores.dtype)
        return float(np.mean(difference**2))

    def backward(self):
        difference, dtype = self.recall()
        return (2 * difference[:, None] / len(difference)).astype(dtype)

    def probabilities(self, scores):
        raise NotImplementedError

    def predict(self, scores):
        return scores[:, 0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("chunk", [1000, 10])
def test_rows_without_a_finite_loss_are_named(value, chunk, dataset):
    net = Sequential(Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    limit = np.sort(net(dataset.features)[:, 0])[-4]
    spoilt = Sequential(copy.deepcopy(net[0]), Spoils(limit, value), SoftmaxCrossEntropy())
    rows = np.flatnonzero(net(dataset.features)[:, 0] > limit)
    assert len(rows) == 3
    spoilt._rows = chunk
    named = f"none in 3 of 95 rows of x: {', '.join(map(str, rows))}; look for NaN"
    with pytest.raises(
        DivergedError, match=f"^evaluate: expected a finite loss for every sample, got {named}"
    ):
        evaluate(spoilt, dataset)
    assert np.isnan(list(measure(spoilt, dataset).values())).all()


def test_numbers_that_overflow_are_no_class_0(dataset, recwarn):
    net = Sequential(Affine(6, 4, rng=0), ReLU(), Affine(4, 4, rng=0), SoftmaxCrossEntropy())
    net.parameters.values[...] = 1e30
    with pytest.raises(DivergedError, match=r"none in \d\d of 95 rows of x: .*\.\.\.; look for NaN"):
        evaluate(net, dataset)
    with pytest.raises(DivergedError, match="rows of x"), np.errstate(all="ignore"):
        net.predict(np.abs(dataset.features))
    assert not recwarn.list


def test_finite_losses_are_measured_as_ever(make_net, dataset):
    net = make_net()
    loss, accuracy = evaluate(net, dataset)
    assert measure(net, dataset) == {"loss": loss, "accuracy": accuracy}
    assert loss == pytest.approx(net.loss(dataset.features, dataset.targets))
    assert accuracy == np.mean(net.predict(dataset.features) == dataset.targets)


def test_a_head_says_what_is_measured(dataset):
    class LastIsRight(Accuracy):
        def update(self, scores, targets, weights=None):
            super().update(np.eye(scores.shape[1])[np.full(len(scores), -1)], targets, weights)

    class Last(SoftmaxCrossEntropy):
        def metrics(self):
            return [LastIsRight()]

    net = Sequential(Affine(6, 4, rng=0), Last())
    share = np.mean(dataset.targets == 3)
    assert evaluate(net, dataset)[1] == share
    history = Trainer(net, SGD(0.1), rng=0).fit(dataset, epochs=1, validation=dataset)
    assert history.epochs["train_accuracy"] == history.epochs["validation_accuracy"] == [share]


def test_a_regression_goes_on_working(make_batch):
    x, _ = make_batch(64)
    targets = np.round(3 * x[:, 0]).astype(int)
    targets -= targets.min()
    net = Sequential(Affine(6, 1, rng=0), SquaredError())
    Trainer(net, SGD(0.05), rng=0).fit(Dataset(x, targets), epochs=40, batch_size=16)
    assert np.abs(net.predict(x) - targets).mean() < 0.5
    assert evaluate(net, Dataset(x, targets))[0] < 0.2
    x[5] = np.nan
    predicted = net.predict(x)  # NaN in, NaN out
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(predicted)), [5])


@pytest.mark.parametrize("wrong", [None, np.ones(3), [0.5], "0.5"])
@pytest.mark.parametrize("training", [False, True])
def test_a_custom_loss_that_gives_no_number_is_named(wrong, training, make_batch):
    class Wrong(SoftmaxCrossEntropy):
        def forward(self, scores, targets, *, training):
            super().forward(scores, targets, training=training)
            return wrong

    net, (x, labels) = Sequential(Affine(6, 4, rng=0), Wrong()), make_batch()
    expected = "^Wrong 'head': expected what its forward returns to be a number, got"
    calls = [lambda: net.loss_and_gradients(x, labels)]
    if not training:
        calls = [lambda: net.loss(x, labels), lambda: evaluate(net, Dataset(x, labels))]
    for call in calls:
        with pytest.raises(ConfigurationError, match=expected):
            call()


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), 1])
def test_a_custom_losses_number_of_any_kind_is_a_float(number, make_batch):
    class Other(SoftmaxCrossEntropy):
        def forward(self, scores, targets, *, training):
            super().forward(scores, targets, training=training)
            return number

    net, (x, labels) = Sequential(Affine(6, 4, rng=0), Other()), make_batch()
    for loss in (
        net.loss(x, labels),
        net.loss_and_gradients(x, labels),
        evaluate(net, Dataset(x, labels))[0],
    ):
        assert type(loss) is float
        assert loss == number


def test_arrays_are_to_be_wrapped(make_net, make_batch):
    net, (x, labels) = make_net(), make_batch()
    trainer = Trainer(net, SGD(0.1), rng=0)
    for call in (lambda: evaluate(net, x, labels), lambda: trainer.fit(x, labels, epochs=1)):
        with pytest.raises(DataError, match=r"to be one Dataset, got ndarray of shape \(8, 6\) and ndarray"):
            call()
    assert evaluate(net, Dataset(x, labels))[1] >= 0
    trainer.fit(Dataset(x, labels), epochs=1)


def test_a_layer_is_no_net(make_batch):
    assert issubclass(Sequential, Layer)
    with pytest.raises(ValueError, match="evaluate: expected a net that ends with a loss, got Affine"):
        evaluate(Affine(6, 4), Dataset(*make_batch()))
