import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine
from minidl.errors import ConfigurationError, DTypeError, ShapeError, StateError
from minidl.initializers import ones
from minidl.testing import check_gradients

sizes = st.integers(1, 6)


@given(sizes, sizes, sizes, st.integers(0, 2**32))
def test_gradients(batch, fan_in, fan_out, seed):
    rng = np.random.default_rng(seed)
    layer = Affine(fan_in, fan_out, rng=rng, dtype=np.float64)
    check_gradients(layer, rng.standard_normal((batch, fan_in)), rng=rng)


@given(sizes, sizes, sizes, st.integers(0, 2**32))
def test_forward_is_the_definition(batch, fan_in, fan_out, seed):
    rng = np.random.default_rng(seed)
    layer = Affine(fan_in, fan_out, rng=rng, dtype=np.float64)
    layer.bias.value[...] = rng.standard_normal(fan_out)
    x = rng.standard_normal((batch, fan_in))
    expected = [
        [
            sum(x[n, i] * layer.weight.value[i, j] for i in range(fan_in)) + layer.bias.value[j]
            for j in range(fan_out)
        ]
        for n in range(batch)
    ]
    for training in (False, True):
        np.testing.assert_allclose(layer.forward(x, training=training), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_every_row_gets_the_bias_whatever_the_size(training):
    rng = np.random.default_rng(0)
    for batch, fan_out in [(1, 20_000), (5, 4096), (7, 4097), (200, 300), (201, 300), (3000, 10)]:
        layer = Affine(2, fan_out, rng=rng)
        layer.bias.value[...] = rng.standard_normal(fan_out)
        for rows in (batch, batch // 2 + 1, batch):
            x = rng.standard_normal((rows, 2), np.float32)
            expected = x @ layer.weight.value + layer.bias.value
            np.testing.assert_array_equal(layer.forward(x, training=training), expected)


def test_weight_decays_and_bias_does_not():
    layer = Affine(2, 3)
    assert (layer.weight.regularized, layer.bias.regularized) == (True, False)
    assert (layer.weight.shape, layer.bias.shape) == ((2, 3), (3,))
    assert (layer.bias.value == 0).all()


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 1), (), (2, 5)])
def test_wrong_shapes_are_named(shape):
    with pytest.raises(ShapeError, match=r"Affine: expected x of shape \(batch, 4\), got"):
        Affine(4, 2).forward(np.zeros(shape, np.float32), training=False)


@pytest.mark.parametrize("shape", [(5, 3), (4, 2), (1, 2), (2,)])
def test_wrong_upstream_shapes_are_named(shape):
    layer = Affine(4, 2)
    layer.forward(np.zeros((5, 4), np.float32), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(5, 2\)"):
        layer.backward(np.zeros(shape, np.float32))


def test_dtypes_are_strict():
    with pytest.raises(DTypeError, match="expected x of dtype float32, got float64; convert it"):
        Affine(4, 2).forward(np.zeros((5, 4)), training=False)


@pytest.mark.parametrize(("dtype", "named"), [(np.float16, "float16"), ("foo", "'foo'"), (3, "3")])
def test_only_float32_and_float64_are_taken(dtype, named):
    with pytest.raises(DTypeError, match=f"Affine: expected dtype float32 or float64, got {named}"):
        Affine(3, 2, dtype=dtype)


def test_backward_needs_its_forward():
    layer = Affine(2, 2)
    dy = np.zeros((3, 2), np.float32)
    with pytest.raises(StateError):
        layer.backward(dy)
    layer.forward(dy, training=False)
    with pytest.raises(StateError):
        layer.backward(dy)
    layer.forward(dy, training=True)
    layer.backward(dy)
    with pytest.raises(StateError):
        layer.backward(dy)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3"])
def test_sizes_are_checked(size):
    with pytest.raises(ConfigurationError, match="out_features to be a whole number >= 1"):
        Affine(2, size)


def test_bias_gradient_of_a_long_batch_is_accurate():
    # Added row by row in float32, ones would stop at 2**24.
    batch = 2**24 + 2**12
    layer = Affine(1, 1, initializer=ones)
    layer.forward(np.zeros((batch, 1), np.float32), training=True)
    layer.backward_parameters(np.ones((batch, 1), np.float32))
    assert layer.bias.grad[0] == batch
