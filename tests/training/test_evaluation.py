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
    find_lr,
)
from minidl.data import Batches, Splits
from minidl.errors import ConfigurationError, DataError, DivergedError
from minidl.metrics import AUC, F1, LogLoss, Precision, Recall, TopKAccuracy
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
    spoilt._chunk_rows = lambda x: chunk
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


@pytest.mark.parametrize("kind", [Accuracy, AUC, F1, LogLoss, Precision, Recall, TopKAccuracy])
def test_metrics_hold_what_they_took_in(kind, make_net, dataset):
    net, metric = make_net(), kind()
    net._chunk_rows = lambda x: 40  # in three chunks
    for part in (dataset, dataset[:50]):  # nothing of the one before is left
        (_, value) = evaluate(net, part, metrics=[metric])
        expected = kind()
        expected.update(net(part.features), part.targets)
        assert metric.compute() == pytest.approx(value, rel=1e-6)
        assert expected.compute() == pytest.approx(value, rel=1e-6)
        if hasattr(metric, "per_class"):
            np.testing.assert_allclose(metric.per_class(), expected.per_class())


def test_metrics_of_no_finite_loss_are_empty(make_net, dataset):
    net, metric = make_net(), Accuracy()
    net._chunk_rows = lambda x: 40
    dataset.features[-1] = np.inf
    with pytest.raises(DivergedError):
        evaluate(net, dataset, metrics=[metric])
    assert np.isnan(metric.compute())


def test_a_trainer_fills_copies(make_net, dataset):
    accuracy = Accuracy()
    trainer = Trainer(make_net(), SGD(0.1), metrics=[accuracy], rng=0)
    trainer.fit(dataset, steps=1, batch_size=10, validation=dataset)
    assert np.isnan(accuracy.compute())


PARTS = "data.train or data.validation or data.test"


@pytest.mark.parametrize(
    ("call", "got"),
    [
        (lambda net, t, s: evaluate(net, s), f"evaluate: .*got Splits.*; give a part of it: {PARTS}$"),
        (lambda net, t, s: t.fit(s, epochs=1), "fit: .*train to be of .*; give a part of it: data.train$"),
        (
            lambda net, t, s: t.fit(s.train, epochs=1, validation=s),
            "fit: .*; give a part of it: data.validation$",
        ),
        (lambda net, t, s: find_lr(t, s), f"^find_lr: expected data to be .*; give a part of it: {PARTS}$"),
        (lambda net, t, s: find_lr(t, 3), "^find_lr: expected data to be of class Dataset, got 3; wrap arr"),
        (lambda net, t, s: Batches(s, 2), f"^Batches: .*; give a part of it: {PARTS}$"),
        (lambda net, t, s: t.fit(s.train, s.test, epochs=1), r"got Dataset.*and Dataset.*tion=\.\.\.$"),
        (lambda net, t, s: evaluate(net, s.train, s.test), "; give one at a time$"),
        (lambda net, t, s: t.fit((s.train, s.test), epochs=1), "; give one of them$"),
        (lambda net, t, s: evaluate(net, Dataset), r"; give an object, Dataset\(\.\.\.\), not the class$"),
        (lambda net, t, s: t.history.diagnose(net, (s.train, s.test)), r"^diagnose: .*Splits\('mine', train"),
    ],
)  # fmt: skip
def test_what_is_no_data_set_is_told_what_to_write(call, got, make_net, dataset):
    net, splits = make_net(), Splits("these", dataset, dataset, dataset)
    with pytest.raises(DataError, match=got):
        call(net, Trainer(net, SGD(0.1), rng=0), splits)


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
