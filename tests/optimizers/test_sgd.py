import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SGD
from minidl.errors import ConfigurationError, StateError
from minidl.initializers import normal
from minidl.parameters import Parameter
from minidl.vectors import ParameterVector


def make_vector(size=10, seed=0, dtype=np.float64):
    vector = ParameterVector({"p": Parameter((size,), normal(1.0), rng=seed, dtype=dtype)})
    vector.gradients[:size] = np.random.default_rng(seed + 1).standard_normal(size)
    return vector


@given(st.floats(1e-3, 1), st.sampled_from([0.0, 0.5, 0.9]), st.booleans(), st.sampled_from([3, 70_001]))
def test_sgd_is_its_definition(lr, momentum, nesterov, size):
    nesterov = nesterov and momentum > 0
    vector, optimizer = make_vector(size), SGD(lr, momentum, nesterov)
    w, v = vector.values.copy(), 0.0
    for step in range(4):
        g = np.cos(vector.values + step)
        vector.gradients[...] = g
        optimizer.step(vector)
        v = momentum * v + g
        w = w - lr * ((g + momentum * v) if nesterov else v)
        np.testing.assert_allclose(vector.values, w, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(vector.gradients, g)


def test_lr_is_read_at_every_step():
    vector, optimizer = make_vector(), SGD(0.1)
    before = vector.values.copy()
    optimizer.lr = 0.0
    optimizer.step(vector)
    np.testing.assert_array_equal(vector.values, before)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}])
def test_state_goes_on_where_it_was(options):
    vector, optimizer = make_vector(), SGD(0.1, **options)
    optimizer.step(vector)
    state, twin = optimizer.state_dict(), copy.deepcopy(vector.values)
    optimizer.step(vector)
    resumed = SGD(0.1, **options)
    resumed.load_state_dict(state)
    other = make_vector()
    other.values[...] = twin
    resumed.step(other)
    np.testing.assert_array_equal(other.values, vector.values)


def test_state_of_another_kind_is_refused():
    with pytest.raises(StateError, match="SGD: expected a state with lr, steps"):
        SGD(0.1).load_state_dict({"lr": 0.1})


def test_one_optimizer_a_net():
    optimizer = SGD(0.1, momentum=0.9)
    optimizer.step(make_vector(10))
    for size in (10, 100):
        with pytest.raises(StateError, match="those of another; give each net an optimizer of its own"):
            optimizer.step(make_vector(size))


@pytest.mark.parametrize("lr", [0, -1, float("nan"), float("inf"), "fast", None])
def test_learning_rate_is_checked(lr):
    with pytest.raises(ConfigurationError, match="SGD: expected lr to be a finite number > 0"):
        SGD(lr)


@pytest.mark.parametrize("momentum", [-0.1, 1, float("nan")])
def test_momentum_is_checked(momentum):
    with pytest.raises(ConfigurationError, match="momentum to be a finite number >= 0 and < 1"):
        SGD(0.1, momentum)


def test_nesterov_needs_momentum():
    with pytest.raises(ConfigurationError, match="momentum > 0 with nesterov=True"):
        SGD(0.1, nesterov=True)


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_state_is_taken_up_by_an_optimizer_that_has_stepped(nesterov):
    vector, optimizer = make_vector(), SGD(0.1, momentum=0.9, nesterov=nesterov)
    optimizer.step(vector)
    state, values = optimizer.state_dict(), vector.values.copy()
    vector.gradients[...] *= 3
    optimizer.step(vector)
    after = vector.values.copy()
    for _ in range(3):
        optimizer.step(vector)
    optimizer.load_state_dict(state)
    vector.values[...] = values
    optimizer.step(vector)
    np.testing.assert_array_equal(vector.values, after)
    assert optimizer.steps == 2
