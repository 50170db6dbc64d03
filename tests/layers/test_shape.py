import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Flatten
from minidl.errors import ConfigurationError, DTypeError, ShapeError, StateError
from minidl.layers import Reshape
from minidl.testing import check_gradients

shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(0, 2**32))
def test_gradients(shape, seed):
    check_gradients(Flatten(), np.random.default_rng(seed).standard_normal(shape), rng=seed)


@given(shapes, st.integers(0, 3), st.booleans())
def test_rows_are_samples_in_c_order(sample_shape, batch, fortran):
    x = np.arange(batch * math.prod(sample_shape), dtype=float).reshape(batch, *sample_shape)
    y = Flatten().forward(np.asfortranarray(x) if fortran else x, training=False)
    assert y.shape == (batch, math.prod(sample_shape))
    for row, sample in zip(y, x, strict=True):
        np.testing.assert_array_equal(row, sample.ravel())


def test_upstream_shape_is_checked():
    layer = Flatten()
    layer.forward(np.zeros((2, 3, 4)), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 12\), got \(2, 3, 4\)"):
        layer.backward(np.zeros((2, 3, 4)))


@pytest.mark.parametrize(("x", "error"), [(np.array(1.0), ShapeError), ([[1.0]], DTypeError)])
def test_a_forward_that_failed_is_not_remembered(x, error):
    layer = Flatten()
    with pytest.raises(error, match="Flatten: expected x"):
        layer.forward(x, training=True)
    with pytest.raises(StateError):
        layer.backward(np.ones((1, 1)))


# ------------------------------------------------------------------- Reshape


@given(shapes, st.integers(1, 3), st.randoms(use_true_random=False))
def test_reshape_keeps_the_c_order_of_each_sample(shape, batch, random):
    x = np.arange(batch * math.prod(shape), dtype=float).reshape(batch, -1)
    left_out = random.randrange(len(shape))
    given_shape = [-1 if axis == left_out else size for axis, size in enumerate(shape)]
    for layer in (Reshape(*shape), Reshape(*given_shape)):
        assert layer.output_shape(x.shape[1:]) == shape
        y = layer.forward(x, training=True)
        for sample, row in zip(y, x, strict=True):
            np.testing.assert_array_equal(sample, row.reshape(shape))
        np.testing.assert_array_equal(layer.backward(y), x)


def test_a_shape_that_does_not_fit_is_refused():
    with pytest.raises(ShapeError, match=r"of as many numbers as shape \(2, 3\), got \(4, 2\)"):
        Reshape(2, 3).forward(np.zeros((1, 4, 2)), training=False)
    with pytest.raises(ShapeError, match=r"of as many numbers as shape \(3, -1\), got \(8,\)"):
        Reshape(3, -1).output_shape((8,))
    for shape in ((0, 3), (-1, -1), (-2, 3)):
        with pytest.raises(ConfigurationError, match="shape"):
            Reshape(*shape)
    layer = Reshape(2, 3)
    layer.forward(np.zeros((4, 6)), training=True)
    with pytest.raises(ShapeError, match=r"dy of shape \(4, 2, 3\), got \(4, 6\)"):
        layer.backward(np.zeros((4, 6)))
