"""What trials are compared by."""

import numpy as np
import pytest

from minidl import SGD, Affine, Sequential, Trainer, evaluate
from minidl.data import Dataset, Splits
from minidl.errors import ConfigurationError
from minidl.layers import Reshape
from minidl.losses import BinaryCrossEntropy, MeanSquaredError
from minidl.metrics import F1, MeanAbsoluteError, Metric, RootMeanSquaredError
from minidl.sweep import Grid, Sweep
from minidl.sweep.objective import is_maximized
from tests.sweep.small import digits

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
NUMBERS = Splits("numbers", Dataset(X[:30], X[:30, 0] * 5), Dataset(X[30:], X[30:, 0] * 5))
SPACE = Grid(hidden=[4], lr=[0.01, 0.1])


def linear(configuration, data, rng):
    return Sequential(Affine(3, 1, rng=rng), Reshape(), MeanSquaredError())


def run(model, data, objective=None, space=SPACE, **options):
    return Sweep(model, space, data, **{"steps": 4, "objective": objective} | options).run(jobs=1)


@pytest.mark.parametrize("model", ["mlp", linear])
def test_numbers_are_compared_by_what_they_explain(model):
    results = run(model, NUMBERS, epochs=2, steps=None)
    assert (results.objective, results.maximize) == ("validation_r2", True)
    best = results.best
    loss, r2, error = evaluate(results.best_net(), NUMBERS.validation)
    assert (best.value, best.validation_loss, best.metrics["validation_r2"]) == (r2, loss, r2)
    assert best.metrics["validation_mean_absolute_error"] == error
    assert best.curve["validation_r2"] == results.best_history().epochs["validation_r2"]
    assert len(best.curve["step"]) == 2


@pytest.mark.parametrize(
    ("data", "metric"),
    [
        (NUMBERS, MeanAbsoluteError()),
        (NUMBERS, RootMeanSquaredError()),
        (digits(60), F1()),
        (digits(60), F1("weighted")),
    ],
    ids=lambda thing: getattr(thing, "name", ""),
)
def test_any_metric_of_the_validation_part(data, metric):
    results = run("mlp", data, f"validation_{metric.name}", epochs=1, steps=None)
    expected = evaluate(results.best_net(), data.validation, metrics=[metric])[1]
    assert results.best.value == pytest.approx(expected)
    assert results.best.curve[f"validation_{metric.name}"] == [results.best.value]
    values = [row.value for row in results.done]
    assert results.best.value == (min(values) if metric.name.endswith("error") else max(values))


def test_what_the_net_cannot_give_is_refused_before_anything_is_trained():
    for model, data, name in (
        ("mlp", NUMBERS, "accuracy"),
        (linear, NUMBERS, "f1"),
        ("mlp", digits(60), "r2"),
        (linear, NUMBERS, "nonsense"),
    ):
        with pytest.raises(ConfigurationError, match=f"NAME of loss, .*, got 'validation_{name}'"):
            Sweep(model, SPACE, data, steps=10**9, objective=f"validation_{name}")


def test_a_net_that_lacks_it_costs_no_training():
    def build(configuration, data, rng):
        if configuration["hidden"] == 4:
            return linear(configuration, data, rng)
        return Sequential(Affine(3, 1, rng=rng), BinaryCrossEntropy())

    space = Grid(hidden=[4, 5], lr=[0.1])
    lacking = run(build, NUMBERS, "validation_r2", space).rows[1]
    assert (lacking.status, lacking.steps) == ("failed", 0)
    assert "got 'validation_r2'" in lacking.reason


def test_the_metrics_of_a_trainer():
    class Largest(Metric):
        name = "largest"

        def reset(self):
            self.found = -np.inf

        def update(self, scores, targets, weights=None):
            self.found = max(self.found, float(scores.max()))

        def compute(self):
            return self.found

    def build(configuration, data, rng):
        return Trainer(linear(configuration, data, rng), SGD(configuration["lr"]), metrics=[Largest()])

    best = run(build, NUMBERS, "validation_largest").best
    assert best.value == best.metrics["validation_largest"]


def test_several_labels_a_sample_are_compared_by_the_nets_own_metric():
    data = Splits("many", *(Dataset(x, (x > 0).astype(float)) for x in (X[:30], X[30:])))

    def build(configuration, data, rng):
        return Sequential(Affine(3, 3, rng=rng), BinaryCrossEntropy())

    results = run(build, data)
    assert results.objective == "validation_accuracy"
    assert run(build, data, "validation_f1").best.value > 0


def test_which_way_is_better():
    falling = ("validation_loss", "validation_log_loss", "validation_mean_absolute_error")
    assert not any(map(is_maximized, falling))
    assert all(map(is_maximized, ("validation_r2", "module:validation_loss", "m:error", len)))
