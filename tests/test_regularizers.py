import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import L2, Affine, Sequential
from minidl.errors import ConfigurationError
from minidl.testing import check_net_gradients


@given(st.floats(0, 3), st.integers(1, 5), st.integers(0, 2**32))
def test_penalty_is_over_weights_only(strength, size, seed):
    net = Sequential(Affine(size, 3, rng=seed, dtype=np.float64), Affine(3, 2, rng=seed, dtype=np.float64))
    vector = net.parameters
    net["affine0"].bias.value[...] = 7
    vector.gradients[...] = 1
    weights = [net[index].weight.value for index in (0, 1)]
    expected = strength * sum((weight**2).sum() for weight in weights)
    assert L2(strength).penalty(vector) == pytest.approx(expected)
    assert L2(strength).add_gradients(vector) == pytest.approx(expected)
    for index, weight in enumerate(weights):
        np.testing.assert_allclose(net[index].weight.grad, 1 + 2 * strength * weight)
        np.testing.assert_array_equal(net[index].bias.grad, 1)


def test_gradients(make_net, make_batch):
    net = make_net(dtype=np.float64)
    check_net_gradients(net, *make_batch(dtype=np.float64), regularizer=L2(0.3), rng=0)


def test_millions_of_weights_are_added_up_exactly():
    net = Sequential(Affine(2000, 2000, rng=0))
    net.parameters.gradients[...] = 0
    weight = net[0].weight
    expected = pytest.approx(0.5 * (weight.value.astype(float) ** 2).sum(), rel=5e-7)
    assert L2(0.5).add_gradients(net.parameters) == expected
    assert L2(0.5).penalty(net.parameters) == expected
    np.testing.assert_array_equal(weight.grad, weight.value)


@pytest.mark.parametrize("strength", [-1, float("nan"), "x"])
def test_strength_is_checked(strength):
    with pytest.raises(ConfigurationError, match="L2: expected strength"):
        L2(strength)
