"""The Trainer with a minimizer of SciPy's: what a fit records, who has a say in it, and how it may end."""

import copy
import pickle
import signal

import numpy as np
import pytest

import minidl
from minidl import (
    L2,
    SGD,
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
from minidl.errors import ConfigurationError, DivergedError
from minidl.optimizers import LBFGS

HOOKS = ("on_fit_start", "on_epoch_start", "on_step_end", "on_epoch_end", "on_fit_end")


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37, dtype=np.float64), weights=np.linspace(0.1, 2, 37))


@pytest.fixture
def build(make_net):
    def make(*callbacks, method="L-BFGS-B", dtype=np.float64, **options):
        return Trainer(make_net(dtype=dtype), LBFGS(method), callbacks=callbacks, rng=0, **options)

    return make


def test_the_digits_to_the_last_one(digits):
    net = minidl.dense_net(64, [32], 10, standardize=Standardize(8, 6), rng=0)
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


class Log(Callback):
    def __init__(self, raises=None):
        self.calls, self.raises = [], raises


def _logging(hook):
    def call(self, trainer):
        if self.raises == (hook, trainer.epoch):
            self.raises = None
            raise RuntimeError(hook)
        self.calls.append((hook, trainer.epoch, trainer.step))

    return call


for _hook in HOOKS:
    setattr(Log, _hook, _logging(_hook))


def test_callbacks_have_their_turns(build, dataset):
    log = Log()
    build(log).fit(dataset, epochs=2)
    assert log.calls == [
        ("on_fit_start", 0, 0),
        ("on_epoch_start", 0, 0), ("on_step_end", 0, 1), ("on_epoch_end", 1, 1),
        ("on_epoch_start", 1, 1), ("on_step_end", 1, 2), ("on_epoch_end", 2, 2),
        ("on_fit_end", 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("at", [("on_step_end", 1), ("on_epoch_end", 2)])
def test_a_hook_that_raised_is_called_once_more(build, dataset, at):
    log = Log(at)
    trainer = build(log)
    with pytest.raises(RuntimeError, match=at[0]):
        trainer.fit(dataset, epochs=4)
    values = trainer.net.parameters.values.copy()
    assert trainer.history.steps["loss"][-1] == pytest.approx(evaluate(trainer.net, dataset)[0])
    trainer.fit(dataset, epochs=2)
    assert not np.array_equal(trainer.net.parameters.values, values)
    steps = [call for call in log.calls if call[0] == "on_step_end"]
    assert steps == [("on_step_end", epoch, epoch + 1) for epoch in range(trainer.step)]
    ends = [call for call in log.calls if call[0] == "on_epoch_end"]
    assert ends == [("on_epoch_end", epoch, epoch) for epoch in range(1, trainer.step + 1)]


def test_stop_ends_the_fit(build, dataset):
    class Stop(Callback):
        def on_step_end(self, trainer):
            if trainer.step == 3:
                trainer.stop("enough")

    trainer = build(Stop())
    trainer.fit(dataset, epochs=9)
    assert (trainer.step, trainer.epoch, trainer.stop_reason) == (3, 3, "enough")


def test_an_interrupt_leaves_what_the_last_iteration_reached(build, dataset, monkeypatch):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    trainer = build()
    whole, calls = trainer.net.forward_backward, []

    def forward_backward(*args):
        calls.append(args)
        if len(calls) == 9:
            signal.raise_signal(signal.SIGINT)
        return whole(*args)

    monkeypatch.setattr(trainer.net, "forward_backward", forward_backward)
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(dataset, epochs=100)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 9
    steps, epochs = trainer.step, trainer.epoch
    assert 0 < steps == len(trainer.history.steps["loss"])
    assert evaluate(trainer.net, dataset)[0] == pytest.approx(trainer.history.steps["loss"][-1], rel=1e-12)
    trainer.fit(dataset, epochs=2)
    assert trainer.step == trainer.epoch == epochs + 2
    assert trainer.history.steps["loss"] == sorted(trainer.history.steps["loss"], reverse=True)


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_what_diverges_is_an_error_and_the_net_stays_finite(build, dataset, what, monkeypatch):
    trainer = build()
    whole, calls = trainer.net.forward_backward, []

    def forward_backward(*args):
        calls.append(args)
        loss, scores = whole(*args)
        if len(calls) == 5:
            if what == "gradient":
                trainer.net.parameters.gradients[0] = np.nan
            else:
                loss = np.inf
        return loss, scores

    monkeypatch.setattr(trainer.net, "forward_backward", forward_backward)
    with pytest.raises(DivergedError, match=rf"of LBFGS: expected a finite {what}, got"):
        trainer.fit(dataset, epochs=9)
    assert trainer.step > 0
    assert evaluate(trainer.net, dataset)[0] == pytest.approx(trainer.history.steps["loss"][-1])


def test_a_fit_goes_on_after_one_of_another_optimizer_and_before_it(build, dataset):
    trainer = build(method="CG")
    trainer.fit(dataset, epochs=2, batch_size=10)
    trainer.optimizer = SGD(0.01)
    trainer.fit(dataset, steps=6, batch_size=10)  # and half an epoch of four steps
    trainer.optimizer = LBFGS()
    trainer.fit(dataset, epochs=2, batch_size=10)
    assert (trainer.step, trainer.epoch) == (10, 5)
    assert len(trainer.history.epochs["lr"]) == 5
    loss, accuracy = evaluate(trainer.net, dataset)
    assert trainer.history.epochs["train_loss"][-1] == pytest.approx(loss)
    assert trainer.history.epochs["train_accuracy"][-1] == pytest.approx(accuracy)


@pytest.mark.parametrize("hook", ["on_epoch_start", "on_step_end", "on_epoch_end"])
def test_it_takes_over_from_a_fit_that_was_broken_off(build, dataset, hook):
    log = Log((hook, 1))
    trainer = build(log)
    trainer.optimizer = SGD(0.01)
    with pytest.raises(RuntimeError, match=hook):
        trainer.fit(dataset, epochs=3, batch_size=len(dataset))
    trainer.optimizer = LBFGS()
    trainer.fit(dataset, epochs=2)
    assert trainer.step == trainer.epoch == len(trainer.history.epochs["lr"])
    ends = [call for call in log.calls if call[0] == "on_epoch_end"]
    assert ends == [("on_epoch_end", epoch, epoch) for epoch in range(1, trainer.step + 1)]
    assert trainer.history.epochs["train_loss"][-1] == pytest.approx(evaluate(trainer.net, dataset)[0])


def test_a_broken_off_evaluation_does_not_count_towards_the_next_epoch(build, dataset, monkeypatch):
    trainer = build()
    whole, calls = trainer.net.forward_backward, []

    def forward_backward(*args):
        calls.append(args)
        if len(calls) == 2:
            raise RuntimeError
        return whole(*args)

    with monkeypatch.context() as patched:
        patched.setattr(trainer.net, "forward_backward", forward_backward)
        with pytest.raises(RuntimeError):
            trainer.fit(dataset, epochs=1, batch_size=10)
    loss, accuracy = evaluate(trainer.net, dataset)
    trainer.optimizer = SGD(1e-300)
    history = trainer.fit(dataset, epochs=1, batch_size=len(dataset))
    assert history.epochs["train_loss"] == [pytest.approx(loss, rel=1e-12)]
    assert history.epochs["train_accuracy"] == [pytest.approx(accuracy)]


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_copies_go_their_own_way(build, dataset, make_copy):
    trainer = build()
    trainer.fit(dataset, epochs=3)
    other = make_copy(trainer)
    for each in (trainer, other):
        each.fit(dataset, epochs=3)
    np.testing.assert_array_equal(trainer.net.parameters.values, other.net.parameters.values)
    assert trainer.history.steps == other.history.steps


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
