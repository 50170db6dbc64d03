"""Metrics and weights of samples, from the data set to the history."""

import json
import math

import numpy as np
import pytest

from minidl import (
    SGD,
    Accuracy,
    Affine,
    Dataset,
    History,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    ReLU,
    Sequential,
    Trainer,
    evaluate,
)
from minidl.errors import ConfigurationError, ShapeError
from minidl.metrics import R2
from minidl.training.evaluation import measure
from tests.training.resumable import assert_same


class Seen(Metric):
    """What it was given; its number is how many samples."""

    name = "seen"
    batches = ()

    def reset(self):
        self.count = 0

    def update(self, scores, targets, weights=None):
        self.count += len(targets)
        Seen.batches += ((scores.copy(), targets.copy(), None if weights is None else weights.copy()),)

    def compute(self):
        return float(self.count)


@pytest.fixture(autouse=True)
def nothing_seen():
    Seen.batches = ()


@pytest.fixture
def weighted(make_batch):
    return Dataset(*make_batch(37), weights=np.random.default_rng(1).random(37))


def regression(samples=60):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((samples, 3))
    return Dataset(x, x @ [[1.0], [-2.0], [0.5]] + 0.1 * rng.standard_normal((samples, 1)))


def without_seconds(history):
    return history.steps, {name: column for name, column in history.epochs.items() if name != "seconds"}


def test_the_columns_are_those_of_the_losss_metrics(make_trainer, make_batch):
    dataset = Dataset(*make_batch(20))
    names = [
        "step",
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
        "lr",
        "seconds",
    ]
    assert list(make_trainer().fit(dataset, epochs=1).epochs) == names
    net = Sequential(Affine(3, 1, rng=0), MeanSquaredError())
    history = Trainer(net, SGD(0.1), rng=0).fit(regression(), epochs=2, validation=regression())
    measured = ["loss", "r2", "mean_absolute_error"]
    assert set(history.epochs) == {
        "step", "lr", "seconds", *(f"{part}_{name}" for part in ("train", "validation") for name in measured)
    }  # fmt: skip
    assert history.epochs["validation_r2"][-1] == evaluate(net, regression())[1]


def test_metrics_of_ones_own_take_their_place(make_trainer, make_batch):
    dataset = Dataset(*make_batch(20))
    history = make_trainer(metrics=[Seen(), Accuracy()]).fit(
        dataset, epochs=2, batch_size=8, validation=Dataset(*make_batch(7))
    )
    assert history.epochs["train_seen"] == [20.0, 20.0]  # begun anew every epoch
    assert history.epochs["validation_seen"] == [7.0, 7.0]
    assert len(history.epochs["train_accuracy"]) == 2
    trainer = make_trainer(metrics=[])
    assert "train_accuracy" not in trainer.fit(dataset, epochs=1).epochs
    assert evaluate(trainer.net, dataset, metrics=[Seen()])[1:] == (20.0,)


def test_a_metric_that_comes_later_has_none_before(tmp_path):
    history = History(["accuracy"])
    columns = {"step": 1, "train_loss": 0.5, "validation_loss": None, "lr": 0.1, "seconds": 1.0}
    history.record_epoch(**columns, train_accuracy=0.5, validation_accuracy=None)
    history.record_epoch(**columns, train_accuracy=0.6, validation_accuracy=None, train_f1=0.7)
    history.record_epoch(**columns, train_f1=0.8)
    assert history.epochs["train_f1"] == [None, 0.7, 0.8]
    assert history.epochs["train_accuracy"] == [0.5, 0.6, None]
    assert {len(column) for column in history.epochs.values()} == {3}
    history.save(tmp_path / "history.json")
    loaded = History.load(tmp_path / "history.json")
    assert loaded.epochs["train_f1"][1:] == [0.7, 0.8]
    repr(loaded)
    assert loaded.diagnose() == []


def test_a_history_of_before_is_read(tmp_path):
    """As minidl 0.1.0 wrote it, when its columns were fixed."""
    epochs = {
        "step": [2, 4], "train_loss": [1.5, 1.0], "train_accuracy": [0.25, 0.5],
        "validation_loss": [None, 1.25], "validation_accuracy": [None, 0.5], "lr": [0.1, 0.1],
        "seconds": [0.1, 0.2],
    }  # fmt: skip
    stored = {"steps": {"loss": [2.0, 1.5, None, 1.0], "lr": [0.1] * 4}, "epochs": epochs}
    (tmp_path / "history.json").write_text(json.dumps(stored))
    history = History.load(tmp_path / "history.json")
    assert history.epochs == epochs
    assert math.isnan(history.steps["loss"][2])
    assert "validation accuracy 50.0%" in repr(history)


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("one", [1.0, 0.5])
def test_equal_weights_change_nothing_but_rounding(one, make_net, make_batch):
    x, labels = make_batch(37)
    trainers = []
    for weights in (None, np.full(37, one)):
        dataset = Dataset(x, labels, weights=weights)
        trainers.append(Trainer(make_net(dtype=np.float64), SGD(0.1, momentum=0.9), rng=0))
        trainers[-1].fit(dataset, epochs=3, batch_size=8, validation=dataset)
    np.testing.assert_allclose(*(t.net.parameters.values for t in trainers), rtol=1e-11, atol=1e-13)
    for table, other in zip(*map(without_seconds, (t.history for t in trainers)), strict=True):
        assert table.keys() == other.keys()
        for name, column in table.items():
            assert column == pytest.approx(other[name], rel=1e-11)


def test_a_weight_of_zero_leaves_a_sample_out(make_net, make_batch):
    x, labels = make_batch(20)
    weights = np.repeat([1.0, 0.0], 10)
    nets = [make_net(dtype=np.float64) for _ in range(2)]
    data = Dataset(x, labels, weights=weights), Dataset(x[:10], labels[:10])
    for net, dataset in zip(nets, data, strict=True):
        Trainer(net, SGD(0.1, momentum=0.9), rng=0).fit(dataset, epochs=20, batch_size=20)
    np.testing.assert_allclose(*(net.parameters.values for net in nets), rtol=1e-10, atol=1e-12)
    for one, other in zip(*(evaluate(nets[0], dataset) for dataset in data), strict=True):
        assert one == pytest.approx(other)


def test_whole_weights_are_repetitions(make_net, make_batch):
    x, labels = make_batch(20)
    times = np.random.default_rng(0).integers(1, 4, 20)
    nets = [make_net(dtype=np.float64) for _ in range(2)]
    data = Dataset(x, labels, weights=times), Dataset(x.repeat(times, axis=0), labels.repeat(times))
    for net, dataset in zip(nets, data, strict=True):
        Trainer(net, SGD(0.1, momentum=0.9), rng=0).fit(dataset, epochs=20, batch_size=len(dataset))
    np.testing.assert_allclose(*(net.parameters.values for net in nets), rtol=1e-9, atol=1e-12)
    for one, other in zip(*(evaluate(nets[0], dataset) for dataset in data), strict=True):
        assert one == pytest.approx(other)


def test_an_epochs_numbers_are_weighted_by_sample(make_trainer, weighted):
    history = make_trainer(metrics=[Seen(), Accuracy()]).fit(weighted, epochs=1, batch_size=8)
    batches = Seen.batches[1:]  # the first is the sample on which a fit tries its metrics
    total = [weights.sum() for _, _, weights in batches]
    assert sum(total) == pytest.approx(weighted.weights.sum())
    losses = np.array(history.steps["loss"])
    assert history.epochs["train_loss"] == [pytest.approx(losses @ total / sum(total))]
    right = sum(w[scores.argmax(1) == labels].sum() for scores, labels, w in batches)
    assert history.epochs["train_accuracy"] == [pytest.approx(right / sum(total))]


def test_a_weighted_evaluation_is_its_definition(make_net, weighted):
    net = make_net()
    w, labels = weighted.weights, weighted.targets
    p = net.predict_probabilities(weighted.features)
    loss, accuracy = evaluate(net, weighted)
    assert loss == pytest.approx(-np.log(p[np.arange(37), labels]) @ w / w.sum(), rel=1e-5)
    assert accuracy == pytest.approx(w[p.argmax(1) == labels].sum() / w.sum())
    assert loss == pytest.approx(net.loss(weighted.features, labels, weights=w))


def test_a_weighted_evaluation_in_chunks_is_one(make_net):
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((5000, 6)), rng.integers(4, size=5000)
    dataset = Dataset(x, labels, weights=rng.random(5000) ** 4)
    net = make_net(dtype=np.float64)
    assert evaluate(net, dataset)[0] == pytest.approx(
        net.head.forward(net(x), labels, weights=dataset.weights, training=False), rel=1e-12
    )


# ---------------------------------------------------------------- regression


def test_a_regression_from_data_to_plot(tmp_path):
    net = Sequential(Affine(3, 8, rng=0), ReLU(), Affine(8, 1, rng=1), MeanSquaredError())
    data = regression(400)
    trainer = Trainer(net, SGD(0.01, momentum=0.9), rng=0)
    history = trainer.fit(data, epochs=30, batch_size=20, validation=regression(50))
    assert history.epochs["validation_r2"][-1] > 0.97
    assert "validation r2" in repr(history)
    error = np.abs(net.predict(data.features) - data.targets).mean()
    assert measure(net, data, [MeanAbsoluteError()])["mean_absolute_error"] == pytest.approx(error)
    history.diagnose(net, data.features)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    history.plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([None], "expected Seen to have a name that is an identifier, got None; write name = 'seen'"),
        (["my margin!"], "a name that is an identifier, got 'my margin!'"),
        (["loss"], "a name of its own, got 'loss', which the loss has"),
        (["a", "b", "a"], "a name of its own, got 'a', which Seen has"),
    ],
)
def test_metrics_names_are_columns_of_their_own(names, words, make_net, weighted):
    """Of metrics that are given as well as of those that a loss brings along."""
    given = [Seen() for _ in names]
    for metric, name in zip(given, names, strict=True):
        metric.name = name
    net = make_net()
    with pytest.raises(ConfigurationError, match=words):
        Trainer(net, SGD(0.1), metrics=given)
    with pytest.raises(ConfigurationError, match=words):
        evaluate(net, weighted, metrics=given)
    net.head.metrics = lambda: given
    with pytest.raises(ConfigurationError, match=words):
        Trainer(net, SGD(0.1))


def test_a_metric_that_does_not_suit_is_refused_before_the_first_update(make_trainer, weighted):
    trainer = make_trainer(metrics=[R2()])
    before = trainer.state_dict()
    with pytest.raises(ShapeError, match="fit, train: R2: expected"):
        trainer.fit(weighted, epochs=1, batch_size=8)
    assert_same(before, trainer.state_dict())
