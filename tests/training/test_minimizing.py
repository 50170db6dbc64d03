"""The Trainer with a minimizer of SciPy's: what a fit records, and who has a say in it."""

import numpy as np
import pytest

import minidl
from minidl import (
    L2,
    Affine,
    Callback,
    ClipNorm,
    Constant,
    Dataset,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
    Trainer,
    evaluate,
)
from minidl.errors import ConfigurationError
from minidl.optimizers import LBFGS
from tests.training.logging_hooks import Log


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37, dtype=np.float64), weights=np.linspace(0.1, 2, 37))


@pytest.fixture
def build(make_net):
    def make(*callbacks, method="L-BFGS-B", dtype=np.float64, **options):
        return Trainer(make_net(dtype=dtype), LBFGS(method), callbacks=callbacks, rng=0, **options)

    return make


def test_the_digits_to_the_last_one(digits):
    net = minidl.mlp(64, [32], 10, standardize=Standardize(8, 6), rng=0)
    history = Trainer(net, LBFGS()).fit(digits.train, epochs=60, validation=digits.validation)
    assert history.epochs["train_accuracy"][-1] == 1
    assert evaluate(net, digits.train)[1] == 1
    assert history.epochs["validation_accuracy"][-1] > 0.9


@pytest.mark.parametrize("method", ["L-BFGS-B", "CG"])
def test_the_history_says_where_each_iteration_arrived(build, dataset, method):
    measured = []

    class Measure(Callback):
        def on_epoch_end(self, trainer):
            loss, accuracy = evaluate(trainer.net, dataset)
            penalty = trainer.regularizer.penalty(trainer.net.parameters)
            measured.append((loss, accuracy, loss + penalty))

    trainer = build(Measure(), method=method, regularizer=L2(0.01))
    history = trainer.fit(dataset, epochs=7, batch_size=10, validation=dataset)
    assert trainer.step == trainer.epoch == trainer.optimizer.steps == 7
    losses, accuracies, whole = (list(column) for column in zip(*measured, strict=True))
    assert history.epochs["train_loss"] == pytest.approx(losses, rel=1e-12)
    assert history.epochs["train_accuracy"] == pytest.approx(accuracies)
    assert history.epochs["validation_loss"] == pytest.approx(losses, rel=1e-12)
    assert history.steps["loss"] == pytest.approx(whole, rel=1e-12)
    assert whole == sorted(whole, reverse=True)
    assert history.steps["lr"] == history.epochs["lr"] == [1.0] * 7
    assert history.epochs["step"] == list(range(1, 8))
    assert trainer.stop_reason is None


def test_how_many_samples_pass_at_once_does_not_matter(build, dataset):
    ends = []
    for batch_size in (200, 37, 10, 1):
        trainer = build(regularizer=L2(0.01))
        trainer.fit(dataset, epochs=5, batch_size=batch_size)
        ends.append(trainer.net.parameters.values.copy())
    for end in ends:
        np.testing.assert_allclose(end, ends[0], rtol=1e-9, atol=1e-11)


def test_the_penalty_counts(dataset):
    """At the minimum, the gradients of loss and penalty cancel."""
    net = Sequential(Affine(6, 4, rng=0, dtype=np.float64), SoftmaxCrossEntropy())
    optimizer = LBFGS(gtol=1e-9, ftol=0.0)
    Trainer(net, optimizer, regularizer=L2(0.05)).fit(dataset, epochs=500, batch_size=10)
    net.loss_and_gradients(dataset.features, dataset.targets, weights=dataset.weights)
    weight = net["affine0"].weight
    assert np.abs(weight.grad).max() > 1e-3
    np.testing.assert_allclose(weight.grad, -2 * 0.05 * weight.value, atol=1e-7)


def test_it_says_why_scipy_ended_by_itself(build, dataset):
    trainer = build(regularizer=L2(0.1))
    trainer.fit(dataset, epochs=1000)
    assert trainer.stop_reason.startswith("L-BFGS-B: CONVERGENCE")
    assert 0 < trainer.step < 1000
    assert len(trainer.history.epochs["train_loss"]) == trainer.step


def test_what_is_frozen_and_the_padding_stay(build, dataset):
    trainer = build(regularizer=L2(0.01))
    trainer.net["affine0"].freeze()
    before = trainer.net["affine0"].weight.value.copy()
    trainer.fit(dataset, epochs=5)
    np.testing.assert_array_equal(trainer.net["affine0"].weight.value, before)
    for parameter in dict(trainer.net.parameters.items()).values():
        parameter.value[...] = 0
    assert not trainer.net.parameters.values.any()


def test_callbacks_have_their_turns(build, dataset):
    log = Log()
    build(log).fit(dataset, epochs=2)
    assert log.calls == [
        ("on_fit_start", 0, 0),
        ("on_epoch_start", 0, 0), ("on_step_end", 0, 1), ("on_epoch_end", 1, 1),
        ("on_epoch_start", 1, 1), ("on_step_end", 1, 2), ("on_epoch_end", 2, 2),
        ("on_fit_end", 2, 2),
    ]  # fmt: skip


def test_stop_ends_the_fit(build, dataset):
    class Stop(Callback):
        def on_step_end(self, trainer):
            if trainer.step == 3:
                trainer.stop("enough")

    trainer = build(Stop())
    trainer.fit(dataset, epochs=9)
    assert (trainer.step, trainer.epoch, trainer.stop_reason) == (3, 3, "enough")


@pytest.mark.parametrize(
    ("made", "fitted", "text"),
    [
        ({"scheduler": StepDecay()}, {}, "fit with LBFGS: expected no scheduler, got StepDecay"),
        ({"scheduler": Constant(0.5)}, {}, "expected no scheduler, got Constant(0.5)"),
        ({"callbacks": [ClipNorm(1.0)]}, {}, "callbacks that leave the gradients alone, got ClipNorm"),
        ({}, {"sampling": "replacement"}, "expected no sampling, for it takes all samples"),
        ({}, {"batch_size": 0}, "fit: expected batch_size to be a whole number >= 1, got 0"),
    ],
)
def test_what_would_have_no_effect_is_refused(make_net, dataset, made, fitted, text):
    trainer = Trainer(make_net(dtype=np.float64), LBFGS(), **made)
    before = trainer.net.parameters.values.copy()
    with pytest.raises(ConfigurationError) as error:
        trainer.fit(dataset, epochs=1, **fitted)
    assert text in str(error.value)
    np.testing.assert_array_equal(trainer.net.parameters.values, before)
