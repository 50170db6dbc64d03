"""One rate, factors that are checked, and state that belongs to one net."""

import copy
import math
import pickle

import numpy as np
import pytest

from minidl import L2, SGD, Callback, ClipNorm, Constant, Dataset, Optimizer, Scheduler, StepDecay, Trainer
from minidl.errors import ConfigurationError, StateError


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37))


class Factors(Scheduler):
    def __init__(self, *factors):
        self.factors = factors

    def factor(self, epoch, step):
        return self.factors[min(step, len(self.factors) - 1)]


def test_the_rate_has_effect_whenever_it_is_set(make_trainer, dataset):
    class Third(Callback):
        def on_step_end(self, trainer):
            if trainer.step == 3:
                trainer.optimizer.lr = 0.01

    trainer = make_trainer(scheduler=Constant(0.5), callbacks=[Third()])
    trainer.fit(dataset, epochs=1, batch_size=8)
    assert trainer.history.steps["lr"] == pytest.approx([0.05] * 3 + [0.005] * 2)
    assert trainer.optimizer.lr == 0.01  # the schedule writes nothing
    trainer.optimizer.lr = 1.0
    trainer.fit(dataset, steps=1, batch_size=8)
    assert trainer.history.steps["lr"][-1] == 0.5


def test_a_rate_that_is_set_moves_the_net_by_it(make_net, make_batch):
    net = make_net(dtype=np.float64)
    optimizer = SGD(0.1)
    net.loss_and_gradients(*make_batch())
    for lr, factor in ((0.3, 1.0), (0.3, 0.5), (0.01, 2.0), (0.0, 1.0)):
        optimizer.lr = lr
        before = net.parameters.values.copy()
        optimizer.step(net.parameters, factor)
        np.testing.assert_allclose(before - net.parameters.values, lr * factor * net.parameters.gradients)


@pytest.mark.parametrize("lr", [-0.1, math.nan, math.inf, "fast", None])
def test_a_rate_that_is_none_is_refused_and_the_old_one_stays(lr):
    optimizer = SGD(0.1)
    with pytest.raises(ConfigurationError, match="SGD: expected lr to be a finite number >= 0"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("callbacks", [(), (ClipNorm(0.5),)], ids=["bare", "clipped"])
@pytest.mark.parametrize("wrong", [-0.1, -math.inf, math.inf, math.nan, np.float64(-1), "a"])
def test_a_factor_that_is_none_is_refused_before_the_update(
    wrong, callbacks, momentum, make_trainer, dataset
):
    whole = make_trainer(momentum=momentum, scheduler=Factors(1.0), callbacks=callbacks)
    whole.fit(dataset, epochs=2, batch_size=8)
    trainer = make_trainer(momentum=momentum, scheduler=Factors(1.0, 1.0, wrong), callbacks=callbacks)
    with pytest.raises(
        ConfigurationError, match=r"^step 2: expected the factor of .* to be a finite number >= 0"
    ):
        trainer.fit(dataset, epochs=2, batch_size=8)
    twin = make_trainer(momentum=momentum, scheduler=Factors(1.0), callbacks=callbacks)
    twin.fit(dataset, steps=2, batch_size=8)
    np.testing.assert_array_equal(trainer.net.parameters.values, twin.net.parameters.values)
    assert trainer.step == trainer.optimizer.steps == len(trainer.history.steps["loss"]) == 2
    # Mended, it goes on as if nothing had been.
    trainer.scheduler.factors = (1.0,)
    trainer.fit(dataset, epochs=2, batch_size=8)
    np.testing.assert_array_equal(trainer.net.parameters.values, whole.net.parameters.values)
    assert trainer.history.steps == whole.history.steps


class Walk(Optimizer):
    """One of a user's own: it remembers the last gradients."""

    state_names = ("last",)

    def update(self, values, gradients, lr, last):
        values -= lr * (gradients + 0.5 * last)
        last[...] = gradients


@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9), lambda: Walk(0.1)], ids=["sgd", "own"])
def test_state_belongs_to_one_net(make, make_net, dataset):
    optimizer = make()
    first, second = make_net(), make_net()
    Trainer(first, optimizer, rng=0).fit(dataset, steps=2)
    values = second.parameters.values.copy()
    with pytest.raises(StateError, match="give each net an optimizer of its own"):
        Trainer(second, optimizer, rng=0).fit(dataset, steps=2)
    np.testing.assert_array_equal(second.parameters.values, values)
    resumed = make()
    resumed.load_state_dict(optimizer.state_dict())
    Trainer(second, resumed, rng=0).fit(dataset, steps=1)  # loaded, it goes with the next one
    assert resumed.steps == 3


def test_without_state_an_optimizer_serves_any_net(make_net, dataset):
    optimizer = SGD(0.1)
    for net in (make_net(), make_net()):
        before = net.parameters.values.copy()
        Trainer(net, optimizer, rng=0).fit(dataset, steps=1)
        assert not np.array_equal(net.parameters.values, before)


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
@pytest.mark.parametrize("make", [lambda: SGD(0.1, momentum=0.9, nesterov=True), lambda: Walk(0.1)])
def test_copies_of_a_trainer_go_on_to_the_bit(make, make_copy, make_net, dataset):
    options = {"scheduler": StepDecay(0.9), "regularizer": L2(0.01), "callbacks": [ClipNorm(0.5)], "rng": 0}
    trainer = Trainer(make_net(), make(), **options)
    trainer.fit(dataset, steps=7, batch_size=8)
    other = make_copy(trainer)
    for each in (trainer, other):
        each.net["affine0"].freeze()
        each.fit(dataset, steps=3, batch_size=8)
        each.net["affine0"].freeze(False)
        each.fit(dataset, epochs=2, batch_size=8)
    np.testing.assert_array_equal(trainer.net.parameters.values, other.net.parameters.values)
    np.testing.assert_equal(trainer.optimizer.state_dict(), other.optimizer.state_dict())
    assert trainer.history.steps == other.history.steps
    assert not np.may_share_memory(trainer.net.parameters.values, other.net.parameters.values)


def test_a_frozen_parts_state_waits(make_net, make_batch):
    """Momentum of what is frozen neither grows nor fades."""
    net, optimizer = make_net(dtype=np.float64), SGD(0.1, momentum=0.9)
    net.loss_and_gradients(*make_batch())
    optimizer.step(net.parameters)
    velocity = optimizer.state_dict()["velocity"]
    net["affine0"].freeze()
    net.loss_and_gradients(*make_batch())
    optimizer.step(net.parameters)
    weight = net["affine0"].weight.value
    start = (weight.ctypes.data - net.parameters.values.ctypes.data) // weight.itemsize
    part = slice(start, start + weight.size)
    np.testing.assert_array_equal(optimizer.state_dict()["velocity"][part], velocity[part])
    assert velocity[part].any()
    assert not np.array_equal(optimizer.state_dict()["velocity"], velocity)
