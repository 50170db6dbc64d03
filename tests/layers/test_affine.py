import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine
from minidl.errors import ConfigurationError, DTypeError, ShapeError, StateError
from minidl.initializers import he_normal, ones
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
            # The BLAS may add the two products in another order for another shape.
            np.testing.assert_allclose(layer.forward(x, training=training), expected, rtol=1e-5, atol=1e-5)


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


@given(sizes, sizes, st.sampled_from([np.float32, np.float64]), st.sampled_from([he_normal, ones]))
def test_its_attributes_rebuild_it(fan_in, fan_out, dtype, initializer):
    layer = Affine(np.int64(fan_in), fan_out, rng=0, dtype=dtype, initializer=initializer)
    names = ("in_features", "out_features", "dtype", "initializer")
    twin = Affine(**{name: getattr(layer, name) for name in names}, rng=0)
    assert twin.weight.value.dtype == dtype
    np.testing.assert_array_equal(twin.weight.value, layer.weight.value, strict=True)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.int8, ">f4"])
def test_dtypes_that_numpy_would_convert_are_refused(dtype, training):
    layer = Affine(4, 2)
    with pytest.raises(DTypeError, match="expected x of dtype float32"):
        layer.forward(np.zeros((5, 4), dtype), training=training)
    layer.forward(np.zeros((5, 4), np.float32), training=True)
    with pytest.raises(DTypeError, match="expected dy of dtype float32"):
        layer.backward(np.zeros((5, 2), dtype))


@pytest.mark.parametrize("shape", [(5,), (5, 3), (5, 2, 1), (), (2, 5)])
def test_a_forward_that_failed_is_not_remembered(shape):
    layer = Affine(4, 2)
    with pytest.raises(ShapeError, match=r"Affine: expected x of shape \(batch, 4\), got"):
        layer.forward(np.zeros(shape, np.float32), training=True)
    with pytest.raises(StateError):
        layer.backward(np.zeros((5, 2), np.float32))


@pytest.mark.parametrize("shape", [(5, 3), (4, 2), (1, 2), (2,), (5, 2, 1), (1, 5, 2), ()])
def test_wrong_upstream_shapes_are_named_where_only_parameters_are_asked_for(shape):
    layer = Affine(4, 2)
    layer.forward(np.zeros((5, 4), np.float32), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(5, 2\)"):
        layer.backward_parameters(np.zeros(shape, np.float32))


def test_an_empty_batch_has_no_gradient():
    layer = Affine(4, 2)
    layer.weight.grad[...] = layer.bias.grad[...] = 7
    assert layer.forward(np.zeros((0, 4), np.float32), training=True).shape == (0, 2)
    assert layer.backward(np.zeros((0, 2), np.float32)).shape == (0, 4)
    assert (layer.weight.grad == 0).all()
    assert (layer.bias.grad == 0).all()
