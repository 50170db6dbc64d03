"""A fit with a minimizer of SciPy's that an error or Ctrl-C breaks off, and what goes on from there."""

import copy
import pickle
import signal

import numpy as np
import pytest

from minidl import SGD, Dataset, Trainer, evaluate
from minidl.errors import DivergedError
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
