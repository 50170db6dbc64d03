import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import ReLU
from minidl.errors import ShapeError, StateError
from minidl.kernels.constants import CONSTANTS
from minidl.testing import check_gradients

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(0, 2**32))
def test_gradients(shape, seed):
    check_gradients(ReLU(), np.random.default_rng(seed).standard_normal(shape), rng=seed)


def test_values_and_the_derivative_at_zero():
    layer = ReLU()
    x = np.array([[-2.0, -0.0, 0.0, 3.0]])
    np.testing.assert_array_equal(layer.forward(x, training=True), [[0, 0, 0, 3]])
    np.testing.assert_array_equal(layer.backward(np.full((1, 4), 5.0)), [[0, 0, 0, 5]])


@pytest.mark.parametrize("training", [False, True])
def test_nan_stays_nan(training):
    assert np.isnan(ReLU().forward(np.array([[np.nan]]), training=training)).all()


def test_upstream_shape_is_checked():
    layer = ReLU()
    layer.forward(np.zeros((2, 3)), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 3\), got \(2, 1\)"):
        layer.backward(np.zeros((2, 1)))


def test_without_parameters_it_forgets_where_only_their_gradients_are_asked_for():
    layer = ReLU()
    layer.forward(np.ones((2, 3)), training=True)
    layer.backward_parameters(np.ones((2, 3)))
    with pytest.raises(StateError):
        layer.backward(np.ones((2, 3)))


def test_a_net_of_many_sizes_pins_no_memory():
    layer = ReLU()
    for samples in range(1, 200):
        layer.forward(np.ones((samples, 1000)), training=False)
    assert sum(array.nbytes for array in CONSTANTS.values()) <= 1 << 23
