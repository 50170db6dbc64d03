"""The parameters stay finite, whatever the optimizer: an update that leaves the finite numbers is undone."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SGD, Affine, Callback, Dataset, ReLU, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.errors import DivergedError
from minidl.initializers import normal
from minidl.layers import BatchNorm1d, Sigmoid
from minidl.optimizers import LBFGS, Adagrad, Adam, AdamW, Optimizer, RMSprop
from minidl.parameters import Parameter
from minidl.training.guard import SAFE, widen_reach
from minidl.training.interrupts import Interrupts
from minidl.training.step import update
from minidl.vectors import ParameterVector

OPTIMIZERS = [
    lambda lr: SGD(lr), lambda lr: SGD(lr, momentum=0.9), lambda lr: SGD(lr, momentum=0.9, nesterov=True),
    lambda lr: RMSprop(lr), lambda lr: RMSprop(lr, alpha=0.0, momentum=0.9),
    lambda lr: RMSprop(lr, eps=1e-30),
    lambda lr: Adagrad(lr), lambda lr: Adagrad(lr, lr_decay=1.0, initial_accumulator_value=2.0),
    lambda lr: Adam(lr), lambda lr: Adam(lr, betas=(0.0, 0.0)), lambda lr: Adam(lr, betas=(0.9, 0.82)),
    lambda lr: Adam(lr, betas=(0.9, 0.5), eps=1e-30), lambda lr: AdamW(lr, weight_decay=3.0),
]  # fmt: skip


class Signs(Optimizer):
    """A user's own, of whose reach nothing is known; it counts in an attribute of its own."""

    state_names = ("seen",)

    def __init__(self, lr=0.1, wrong_at=()):
        super().__init__(lr)
        self.wrong_at, self.count, self.norms, self.rng = wrong_at, 0, [0.0], np.random.default_rng(0)
        self.own = np.zeros(3)

    def update(self, values, gradients, lr, seen):
        self.count += 1
        self.norms.append(self.rng.random())
        self.own += 1
        seen += 1
        values -= lr * np.sign(gradients)
        if self.count in self.wrong_at:
            self.wrong_at = ()  # it goes well the next time
            values[0] = np.inf


class Twice(SGD):
    def step(self, parameters, factor=1.0):
        super().step(parameters, factor)
        super().step(parameters, 1e41)


class Written(SGD):
    def update(self, values, gradients, lr, **state):
        values[0] = np.nan


class Plain(Signs):
    def reach(self, largest, norm, lr):
        return largest + lr + 1


class Holder:
    """What `update` needs of a net."""

    def __init__(self, parameters):
        self.parameters = parameters


def holder(dtype=np.float32, std=1.0):
    part = {"w": Parameter((3, 2), normal(std), rng=0, dtype=dtype, regularized=True)}
    return Holder(ParameterVector({**part, "b": Parameter((2,), normal(std), rng=1, dtype=dtype)}))


def net(seed=0):
    return Sequential(Affine(3, 8, rng=seed), ReLU(), Affine(8, 2, rng=seed), SoftmaxCrossEntropy())


X = np.random.default_rng(0).standard_normal((12, 3))
DATA = Dataset(X, np.arange(12) % 2)


def everything(net, optimizer):
    numbers = {key: value for key, value in vars(optimizer).items() if not key.startswith("_")}
    numbers["rng"] = numbers["rng"].bit_generator.state if "rng" in numbers else None
    return copy.deepcopy((net.parameters.values.tobytes(), optimizer.state_dict(), numbers))


def same(one, other):
    np.testing.assert_equal(one[1:], other[1:])
    return one[0] == other[0]


@pytest.mark.parametrize(
    ("optimizer", "words"),
    [
        (lambda: SGD(1e39), "got -?inf at .* of w; this rate is infinite in float32"),
        (lambda: SGD(1e39, momentum=0.9), "this rate is infinite in float32"),
        (lambda: Adam(1e39), "this rate is infinite in float32"),
    ],
)
def test_a_rate_beyond_the_dtype(optimizer, words):
    """Its product with the gradients' norm is a number, and in float32 it is none."""
    for _ in range(2):  # be its state fresh or not
        held, optimizer_ = holder(), optimizer()
        held.parameters["w"].grad[...] = held.parameters["b"].grad[...] = 1e-4
        before = everything(held, optimizer_)
        with pytest.raises(DivergedError, match=rf"^step 0 at .*: expected a finite update, .*{words}"):
            update(held, optimizer_, 1.0, 0)
        assert same(before, everything(held, optimizer_))


def test_a_state_that_overflows_is_named():
    """From an infinite sum on, every step would be 0 and nothing would say so."""
    held, optimizer = holder(), Adagrad(0.1)
    optimizer.step(held.parameters)
    state = optimizer.state_dict()
    optimizer.load_state_dict({**state, "sum_of_squares": np.full_like(state["sum_of_squares"], 3.3e38)})
    held.parameters["b"].grad[...] = 1e19
    before = everything(held, optimizer)
    with pytest.raises(DivergedError, match="a finite update, got inf in its sum_of_squares; the gradients'"):
        update(held, optimizer, 1.0, 7)
    assert same(before, everything(held, optimizer))


@given(
    st.sampled_from(OPTIMIZERS),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from([1e-3, 1.0, 1e8, 1e20, 1e30, 1e37]),
    st.sampled_from([1e-30, 1e-3, 1.0, 1e9, 1e18]),
)
def test_the_reach_holds_and_the_parameters_stay_finite(make, seed, dtype, lr, size):
    """Whatever rates and gradients come, growing and vanishing."""
    rng, held, optimizer = np.random.default_rng(seed), holder(dtype), make(lr)
    parameters = held.parameters
    for step in range(8):
        parameters.gradients[...] = 0
        for part in (parameters["w"], parameters["b"]):
            sizes = size * 10 ** rng.uniform(-3, 0, part.shape) * (rng.random(part.shape) < 0.8)
            part.grad[...] = sizes * rng.choice([-1.0, 1.0], part.shape)
        before = everything(held, optimizer)
        try:
            update(held, optimizer, 1.0, step)
        except DivergedError:
            assert same(before, everything(held, optimizer))
            return
        vectors = [parameters.values, *(optimizer._state[name] for name in optimizer.state_names)]
        largest = max(float(np.abs(vector).max()) for vector in vectors)
        assert np.isfinite(largest)
        assert largest <= optimizer._largest * (1 + 1e-5)


@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-30, 3e-20, 1.0, 1e18, 1e25, 3e38])
def test_the_reach_holds_where_squares_vanish_or_overflow(size):
    held, optimizer = holder(), SGD(0.1)
    optimizer._largest = 0.0
    held.parameters["w"].value[...] = held.parameters["b"].value[...] = -size
    widen_reach(optimizer, held.parameters)
    assert float(np.abs(held.parameters.values).max()) <= optimizer._largest < np.inf


@pytest.mark.parametrize("make", OPTIMIZERS[:-2])
def test_an_ordinary_training_never_looks_at_its_updates(make, monkeypatch):
    """Once the first step of a fit has found out how large the numbers are."""
    trainer = Trainer(net(), make(0.01), rng=0)
    trainer.fit(DATA, steps=1, batch_size=4)
    monkeypatch.setattr("minidl.training.guard._keep", None)  # what a copy is made with
    trainer.fit(DATA, epochs=20, batch_size=4)
    assert trainer.optimizer._largest < SAFE[np.dtype(np.float32)]


def test_a_large_rate_is_measured_again_and_again(monkeypatch):
    """A bound that has grown over many steps says nothing of the numbers, and no copy is made for it."""
    held, optimizer = holder(), SGD(1.0, momentum=0.9)
    held.parameters.gradients[...] = 0
    monkeypatch.setattr("minidl.training.guard._keep", None)
    for step in range(400):
        update(held, optimizer, 1.0, step)


@pytest.mark.parametrize("factory", [Twice, Written])
def test_a_subclass_does_not_inherit_the_reach_of_another_update(factory):
    trainer = Trainer(net(), factory(0.1), rng=0)
    before = trainer.net.parameters.values.copy()
    with pytest.raises(DivergedError, match=f"the update of {factory.__name__} is to blame; look at what it"):
        trainer.fit(DATA, steps=3, batch_size=4)
    assert np.array_equal(trainer.net.parameters.values, before)


def test_who_inherits_the_update_inherits_its_reach():
    assert AdamW.reach is Adam.reach
    assert type("Mine", (SGD,), {}).reach is SGD.reach
    mixin = type("Mixin", (), {"update": lambda self, values, gradients, lr, **state: None})
    assert type("Mine", (mixin, SGD), {}).reach is Optimizer.reach
    assert Plain.reach is not Optimizer.reach


@pytest.mark.parametrize("callbacks", [(), (Callback(),)])
def test_what_a_custom_optimizer_holds_is_put_back_and_the_fit_goes_on(callbacks):
    """Its vectors, its counters, its generators; the fit then ends where one without the error does."""
    trainer = Trainer(net(), Signs(wrong_at=(6,)), callbacks=callbacks, rng=0)
    with pytest.raises(DivergedError, match=r"^step 5 at learning rate 0.1: .*the update of Signs is to"):
        trainer.fit(DATA, steps=9, batch_size=4)
    assert np.isfinite(trainer.net.parameters.values).all()
    assert trainer.step == trainer.optimizer.steps == 5
    trainer.optimizer.wrong_at = ()
    trainer.fit(DATA, steps=4, batch_size=4)
    whole = Trainer(net(), Signs(), rng=0)
    whole.fit(DATA, steps=9, batch_size=4)
    assert same(everything(trainer.net, trainer.optimizer), everything(whole.net, whole.optimizer))


def test_a_lower_rate_goes_on_from_the_last_finite_step():
    trainer = Trainer(net(), SGD(0.1, momentum=0.9), rng=0)
    trainer.fit(DATA, steps=3, batch_size=4)
    twin = copy.deepcopy(trainer)
    trainer.optimizer.lr = 1e39
    with pytest.raises(DivergedError, match="^step 3 at learning rate 1e"):
        trainer.fit(DATA, steps=5, batch_size=4)
    trainer.optimizer.lr = 0.1
    for one in (trainer, twin):
        one.fit(DATA, steps=4, batch_size=4)
    assert same(*(everything(one.net, one.optimizer) for one in (trainer, twin)))


class Grows(Callback):
    """Makes the parameters nearly as large as a number can be."""

    def on_step_end(self, trainer):
        if trainer.step == 2:
            trainer.net.parameters["affine1.bias"].value[...] = 3.4e38


class Pushes(Optimizer):
    """Moves all numbers by a tenth of their largest."""

    def update(self, values, gradients, lr):
        values += np.abs(values).max() / 10

    def reach(self, largest, norm, lr):
        return 1.1 * largest


def test_what_a_callback_wrote_is_taken_into_account():
    """A gradient that adds to it would overflow."""
    constant = Sequential(Affine(3, 2, rng=0), Sigmoid(), Affine(2, 2, rng=0), SoftmaxCrossEntropy())
    trainer = Trainer(constant, Pushes(1.0), callbacks=[Grows()], rng=0)
    with pytest.raises(DivergedError, match=r"^step 2 .* update, got inf at \(0,\) of affine1.bias"):
        trainer.fit(DATA, steps=5, batch_size=4)
    assert constant.parameters["affine1.bias"].value.tolist() == [np.float32(3.4e38)] * 2


def test_what_was_written_between_two_fits_is_taken_into_account():
    trainer = Trainer(net(), Pushes(1.0), rng=0)
    trainer.fit(DATA, steps=1, batch_size=4)
    trainer.net.parameters["affine1.bias"].value[...] = 3.4e38
    with pytest.raises(DivergedError, match=r"^step 1 .* update, got inf at"):
        trainer.fit(DATA, steps=1, batch_size=4)
    assert trainer.net.parameters["affine1.bias"].value.tolist() == [np.float32(3.4e38)] * 2


def test_the_reach_of_adam_holds_where_a_gradient_comes_after_none():
    """Which moves a number by more than the rate, as its mean square is that of many zeros."""
    held, optimizer = holder(np.float64, std=1e-9), Adam(1.0)
    state = {name: np.zeros(held.parameters.values.size) for name in optimizer.state_names}
    optimizer.load_state_dict({**optimizer.state_dict(), **state, "steps": 10**6})
    held.parameters["b"].grad[...] = gradient = 1.0
    largest = 0.0
    for _ in range(40):
        before = held.parameters["b"].value.copy()
        reach = optimizer.reach(float(np.abs(held.parameters.values).max()), gradient, 1.0)
        optimizer.step(held.parameters)
        held.parameters["b"].grad[...] = gradient = gradient * 1.1  # ever larger: √v lags behind m
        largest = max(largest, float(np.abs(held.parameters["b"].value - before).max()))
        assert np.abs(held.parameters.values).max() <= reach
    assert 3 < largest < optimizer.reach(0.0, 0.0, 1.0)


def test_a_frozen_parameter_and_one_that_was_wrong_before():
    trainer = Trainer(net(), SGD(0.1), rng=0)
    trainer.net[0].freeze()
    trainer.fit(DATA, steps=2, batch_size=4)
    held = holder()
    held.parameters["b"].value[1] = np.nan
    with pytest.raises(DivergedError, match=r"got nan at \(1,\) of b; the parameters held it before"):
        update(held, SGD(0.1), 1.0, 0)


@pytest.mark.parametrize(
    ("lr", "gradient", "start", "words"),
    [
        (1e36, 1e4, 1.0, "; try a learning rate ten times smaller"),
        (1e20, 1e18, 3.4e38, r"; the parameters have grown up to 3.4e\+38: try a learning rate ten times"),
    ],
)
def test_the_advice_names_the_likely_cause(lr, gradient, start, words):
    held = holder()
    held.parameters["b"].value[...] = start
    held.parameters["b"].grad[...] = -gradient
    with pytest.raises(DivergedError, match=words):
        update(held, SGD(lr), 1.0, 4)


@pytest.mark.parametrize("check", ["loss", "all"])
def test_running_statistics_are_those_of_the_last_finite_step(check):
    """A batch whose loss is not finite has passed through them before anybody knows."""
    normed = Sequential(Affine(3, 4, rng=0), BatchNorm1d(4), Affine(4, 2, rng=0), SoftmaxCrossEntropy())
    trainer = Trainer(normed, SGD(0.1), check_finite=check, rng=0)
    trainer.fit(DATA, steps=2, batch_size=4)
    before = normed.state.values.copy()
    with pytest.raises(DivergedError):
        trainer.fit(Dataset(X * 1e300, DATA.targets), steps=1, batch_size=4)
    assert np.array_equal(normed.state.values, before)
    trainer.optimizer.lr = 1e39
    with pytest.raises(DivergedError, match="a finite update"):
        trainer.fit(DATA, steps=1, batch_size=4)
    assert np.array_equal(normed.state.values, before)


class Spoils(Callback):
    def __init__(self, scale):
        self.scale = scale

    def on_step_end(self, trainer):
        if trainer.step == 3:
            trainer.net.parameters["affine0.weight"].value[...] = self.scale


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (
            1e38,
            r"the parameters have grown up to 1e\+38: try a .*; Affine 'affine0' is",
        ),
        (np.nan, "the parameters hold such numbers already: .*; affine0.weight holds nan already"),
    ],
)
def test_a_loss_that_is_lost_later_says_where_and_why(spoiled, words):
    trainer = Trainer(net(), SGD(1e-9), callbacks=[Spoils(spoiled)], rng=0)
    with pytest.raises(DivergedError, match=rf"^step 3 at learning rate 1e-09: expected a .*{words}"):
        trainer.fit(Dataset(10 * X, DATA.targets), steps=9, batch_size=4)


def test_a_batch_is_to_blame_at_whatever_step():
    features = X.copy()
    features[-1, 2] = 1e300
    trainer = Trainer(net(), SGD(0.1), rng=3)
    with pytest.raises(
        DivergedError, match="^step [1-9] at .*; the data are to blame.*; the features hold inf"
    ):
        trainer.fit(Dataset(features, DATA.targets), epochs=1, batch_size=1)
    assert trainer.step > 0


def test_a_minimizer_keeps_the_parameters_finite():
    """A sigmoid hides an infinite weight from the loss and its gradient."""
    constant = Sequential(Affine(3, 2, rng=0), Sigmoid(), Affine(2, 2, rng=0), SoftmaxCrossEntropy())
    trainer = Trainer(constant, LBFGS(), rng=0)
    trainer.fit(DATA, epochs=1)
    constant.parameters["affine0.bias"].value[0] = np.inf
    with pytest.raises(DivergedError, match="expected a finite parameter, got inf"):
        trainer._evaluate([DATA], Interrupts())
