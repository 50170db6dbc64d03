"""The formulas over several steps, which numbers are decayed, and what is refused."""

import copy
import math
import tracemalloc
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Optimizer, Parameter
from minidl.errors import ConfigurationError, ShapeError, StateError
from minidl.initializers import normal
from minidl.optimizers import Adagrad, Adam, AdamW, RMSprop
from minidl.vectors import ParameterVector

rates, kept = st.floats(1e-3, 1), st.sampled_from([0.0, 0.5, 0.9])
sizes = st.sampled_from([3, 40_001])


def make_vector(*sizes, dtype=np.float64):
    """Weights of these sizes, each behind a bias of 3."""
    parts = {}
    for index, size in enumerate(sizes):
        parts[f"b{index}"] = Parameter((3,), normal(1.0), rng=index, dtype=dtype)
        parts[f"w{index}"] = Parameter((size,), normal(1.0), rng=index + 9, dtype=dtype, regularized=True)
    return ParameterVector(parts)


def walk(optimizer, vector, steps=5):
    """Gradients and values of each parameter at each step."""
    for step in range(steps):
        for parameter in dict(vector.items()).values():
            parameter.grad[...] = np.cos(3 * parameter.value + step)
        before = {name: (p.value.copy(), p.grad.copy()) for name, p in vector.items()}
        optimizer.step(vector)
        for name, parameter in vector.items():
            np.testing.assert_array_equal(parameter.grad, before[name][1])
        yield step + 1, before, {name: p.value.copy() for name, p in vector.items()}


def near(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@given(rates, st.sampled_from([0.0, 0.9, 0.99]), kept, sizes)
def test_rmsprop_is_its_formula(lr, alpha, momentum, size):
    vector, state = make_vector(size), {}
    for _, before, after in walk(RMSprop(lr, alpha, eps=1e-3, momentum=momentum), vector):
        for name, (w, g) in before.items():
            v, u = state.get(name, (0.0, 0.0))
            v = alpha * v + (1 - alpha) * g**2
            u = momentum * u + g / (np.sqrt(v) + 1e-3)
            state[name] = v, u
            near(after[name], w - lr * u)


@given(rates, st.sampled_from([0.0, 0.1]), st.sampled_from([0.0, 0.5]), sizes)
def test_adagrad_is_its_formula(lr, lr_decay, initial, size):
    vector, sums = make_vector(size), {}
    for t, before, after in walk(Adagrad(lr, lr_decay, initial, eps=1e-3), vector):
        for name, (w, g) in before.items():
            sums[name] = sums.get(name, initial) + g**2
            near(after[name], w - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(sums[name]) + 1e-3))


@pytest.mark.parametrize("kind", [Adam, AdamW])
@given(rates, st.sampled_from([(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)]), sizes)
def test_adam_is_its_formula(kind, lr, betas, size):
    vector, state = make_vector(size), {}
    options = {"weight_decay": 0.3} if kind is AdamW else {}
    for t, before, after in walk(kind(lr, betas, eps=1e-3, **options), vector):
        for name, (w, g) in before.items():
            m, v = state.get(name, (0.0, 0.0))
            m, v = betas[0] * m + (1 - betas[0]) * g, betas[1] * v + (1 - betas[1]) * g**2
            state[name] = m, v
            if kind is AdamW and name.startswith("w"):
                w = w - lr * 0.3 * w
            first, second = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
            near(after[name], w - lr * first / (np.sqrt(second) + 1e-3))


@pytest.mark.parametrize("frozen", [(), ("w0",), ("b0",), ("w1", "b0"), ("w0", "w1"), ("b0", "b1")])
def test_the_decay_covers_what_a_penalty_covers(frozen):
    vector = make_vector(5, 4)
    for name in frozen:
        vector[name].frozen = True
    before = {name: p.value.copy() for name, p in vector.items()}
    AdamW(0.1, weight_decay=0.5).step(vector)  # with gradients of 0
    for name, parameter in vector.items():
        shrinks = name.startswith("w") and name not in frozen
        near(parameter.value, before[name] * (0.95 if shrinks else 1))


@pytest.mark.parametrize("regularized", [(), ("w0", "b0", "w1", "b1")])
def test_a_part_is_all_of_one_kind(regularized):
    told = []

    class Tells(Optimizer):
        separates_regularized = True

        def update(self, values, gradients, lr, regularized):
            told.append((values.size, regularized))

    parts = {
        name: Parameter((16,), normal(1.0), rng=0, regularized=name in regularized)
        for name in ("w0", "b0", "w1", "b1")
    }
    vector = ParameterVector(parts)
    optimizer = Tells(0.1)
    optimizer.step(vector)
    assert told == [(64, bool(regularized))]  # no part of size 0
    parts["b0"].frozen = True
    told.clear()
    optimizer.step(vector)
    assert told == [(16, bool(regularized)), (32, bool(regularized))]


@pytest.mark.parametrize("kind", [Adam, AdamW, RMSprop, Adagrad])
def test_a_step_counts_once_however_many_parts_there_are(kind):
    """With the bias in the middle frozen, `update` is called for two parts."""
    vector, twin = make_vector(5, 4), make_vector(5, 4)
    vector["b0"].frozen = True
    one, other = kind(0.1), kind(0.1)
    for (_, _, found), (_, _, expected) in zip(walk(one, vector), walk(other, twin), strict=True):
        for name in ("w0", "w1", "b1"):
            near(found[name], expected[name])
    assert one.steps == other.steps == 5


@pytest.mark.parametrize(
    "make", [Adam, AdamW, partial(RMSprop, 0.1, momentum=0.5), partial(Adagrad, 0.1)], ids=str
)
def test_a_warm_step_allocates_nothing_of_the_vectors_size(make):
    vector, optimizer = make_vector(100_000, dtype=np.float32), make()
    for _ in range(2):
        optimizer.step(vector)
    tracemalloc.start()
    try:
        optimizer.step(vector)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000  # bytes


def alone(make, name, count):
    """Where a parameter gets to that is alone and makes so many steps."""
    part = make_vector(5, 4)[name]
    vector = ParameterVector({name: part})
    optimizer = make()
    for step in range(count):
        part.grad[...] = 1 + 0.5 * np.sin(np.arange(part.value.size) + step)
        optimizer.step(vector)
    return part.value


@pytest.mark.parametrize("way", ["as it is", "copied", "resumed", "resumed while frozen"])
@pytest.mark.parametrize(
    "make", [Adam, AdamW, lambda: Adagrad(0.1, lr_decay=0.5)], ids=["Adam", "AdamW", "Adagrad"]
)
def test_what_was_frozen_counts_its_own_steps(make, way):
    """Each number is where it would be, had its parameter been alone and made its steps in a row."""
    vector, optimizer, made = make_vector(5, 4), make(), dict.fromkeys(["w0", "b0", "w1", "b1"], 0)
    for step, frozen in enumerate([{"w0"}, {"w0", "b1"}, {"b1"}, {"b1"}, set(), {"w1"}, {"w1"}, set()]):
        for name, part in vector.items():
            part.frozen = name in frozen
            part.grad[...] = 1 + 0.5 * np.sin(np.arange(part.value.size) + made[name])
        if (way, step) in (("resumed", 4), ("resumed while frozen", 2)):
            state, optimizer = optimizer.state_dict(), make()
            optimizer.load_state_dict(state)
        if way == "copied" and step == 3:
            optimizer, vector = copy.deepcopy((optimizer, vector))
            for name, part in vector.items():
                part.grad[...] = 1 + 0.5 * np.sin(np.arange(part.value.size) + made[name])
        optimizer.step(vector)
        for name in made.keys() - frozen:
            made[name] += 1
    assert len(set(made.values())) > 2
    for name, count in made.items():
        near(vector[name].value, alone(make, name, count))


def test_a_state_of_other_parameters_or_another_kind_is_refused():
    optimizer, vector = Adam(), make_vector(5)
    optimizer.step(vector)
    state = optimizer.state_dict()
    with pytest.raises(StateError, match="Adam: expected a state with missed, lr, steps"):
        Adam().load_state_dict({name: value for name, value in state.items() if name != "missed"})
    with pytest.raises(StateError, match="Adam: expected a state with first_moment, lr"):
        Adam().load_state_dict({"missed": None})
    other = Adam()
    other.load_state_dict({**state, "missed": np.zeros(3, int)})
    with pytest.raises(ShapeError, match=r"Adam: expected missed of shape \(2,\), a number a parameter"):
        other.step(make_vector(5))


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (RMSprop(0.1), "RMSprop(lr=0.1, alpha=0.99, eps=1e-08, momentum=0.0)"),
        (Adagrad(0.1), "Adagrad(lr=0.1, lr_decay=0.0, initial_accumulator_value=0.0, eps=1e-10)"),
        (Adam(), "Adam(lr=0.001, betas=(0.9, 0.999), eps=1e-08)"),
        (AdamW(), "AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)"),
    ],
)
def test_reprs(optimizer, text):
    assert repr(optimizer) == text


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (RMSprop, {"alpha": 1}, "RMSprop: expected alpha to be a finite number >= 0 and < 1, got 1"),
        (RMSprop, {"momentum": -0.1}, "momentum to be a finite number >= 0 and < 1"),
        (RMSprop, {"eps": 0}, "eps to be a finite number >= 1e-30, got 0"),
        (Adagrad, {"lr_decay": -1}, "Adagrad: expected lr_decay to be a finite number >= 0"),
        (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value to be a finite number >= 0"),
        (Adagrad, {"eps": math.nan}, "eps to be a finite number >= 1e-30"),
        (Adam, {"lr": 0}, "Adam: expected lr to be a finite number > 0"),
        (Adam, {"betas": 0.9}, "Adam: expected betas to be two numbers, got 0.9"),
        (Adam, {"betas": (0.9, 0.99, 0.999)}, "expected betas to be two numbers"),
        (Adam, {"betas": (0.9, 1.0)}, "each of betas to be a finite number >= 0 and < 1"),
        (Adam, {"eps": 0}, "eps to be a finite number >= 1e-30"),
        (AdamW, {"weight_decay": -0.1}, "AdamW: expected weight_decay to be a finite number >= 0"),
    ],
)
def test_hyperparameters_are_checked(kind, options, text):
    with pytest.raises(ConfigurationError) as error:
        kind(**{"lr": 0.1, **options})
    assert text in str(error.value)
