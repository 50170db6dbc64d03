import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Standardize
from minidl.errors import DataError, DTypeError, ShapeError, StateError
from minidl.testing import check_gradients


@given(st.integers(1, 5), st.integers(1, 5), st.booleans(), st.integers(0, 2**32))
def test_gradients(batch, features, scalar, seed):
    rng = np.random.default_rng(seed)
    shape = () if scalar else (features,)
    layer = Standardize(rng.standard_normal(shape), rng.uniform(0.5, 2, shape), dtype=np.float64)
    check_gradients(layer, rng.standard_normal((batch, features)), rng=rng)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.float32, np.float64, np.bool_, np.uint16])
@pytest.mark.parametrize("training", [False, True])
def test_any_real_dtype_gives_the_nets_own(dtype, training, rng):
    x = rng.integers(0, 2, (7, 3)).astype(dtype)
    mean, scale = np.array([1.0, 0.5, 0.25]), np.array([2.0, 4.0, 0.5])
    y = Standardize(mean, scale).forward(x, training=training)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, (x.astype(float) - mean) / scale)


@pytest.mark.parametrize("shape", [(500, 4), (1500, 3, 2)])
def test_fit_gives_mean_0_and_deviation_1(shape, rng):
    features = rng.normal(1e3, 7.0, shape)
    layer = Standardize.fit(features, dtype=np.float64)
    y = layer.forward(features, training=False)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(y.std(axis=0), 1, rtol=1e-9)


def test_fit_with_a_shared_scale_keeps_the_features_proportions(rng):
    features = rng.integers(0, 256, (200, 5)).astype(np.uint8)
    features[:, 0] = 7  # a pixel that never varies
    y = Standardize.fit(features, shared_scale=True, dtype=np.float64).forward(features, training=False)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    assert np.mean(y**2) == pytest.approx(1)
    own = Standardize.fit(features, dtype=np.float64).forward(features, training=False)
    np.testing.assert_array_equal(own[:, 0], 0)


@pytest.mark.parametrize("count", [3, 6, 7, 100, 1000, 5000])
@pytest.mark.parametrize("shared_scale", [False, True])
def test_a_constant_has_the_scale_1(count, shared_scale):
    layer = Standardize.fit(np.full((count, 1), 0.1), shared_scale=shared_scale, dtype=np.float64)
    np.testing.assert_allclose(layer.forward(np.array([[0.1], [1.1]]), training=False), [[0], [1]], atol=1e-9)


@pytest.mark.parametrize(
    ("mean", "scale"), [([1.0, 2.0], [2.0, 4.0]), (1.0, [2.0, 4.0]), ([1.0, 2.0], 4.0), (1, 2)]
)
def test_the_constants_can_be_read_but_not_changed(mean, scale):
    given_mean = np.array(mean, np.float32)
    made = Standardize(given_mean, scale)
    given_mean += 1
    for layer in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        np.testing.assert_array_equal(layer.mean, np.array(mean, np.float32), strict=True)
        np.testing.assert_array_equal(layer.inverse_scale, 1 / np.array(scale, np.float32), strict=True)
        for constant in (layer.mean, layer.inverse_scale):
            with pytest.raises(ValueError, match="read-only"):
                constant[...] = 0
        with pytest.raises(AttributeError):
            layer.mean = 0


def test_wider_numbers_are_subtracted_in_their_own_precision():
    x = np.array([[2.0**30 + 1]])  # not a float32
    assert Standardize(2.0**30, 1.0).forward(x, training=False)[0, 0] == 1


@pytest.mark.parametrize(
    ("mean", "scale"),
    [(0, 0), (0, -1), (np.nan, 1), (0, np.inf), (np.inf, 1), (0, [1, 0]), ("a", 1), ([1, [2]], 1), (0, 1j)],
)
def test_constants_are_checked(mean, scale):
    with pytest.raises(DataError, match="Standardize: expected"):
        Standardize(mean, scale)


def test_shapes_are_checked():
    with pytest.raises(ShapeError, match=r"scale of shape \(2,\), got \(3,\)"):
        Standardize([0, 0], [1, 1, 1])
    with pytest.raises(ShapeError, match=r"x of shape \(batch, 2\), got \(5, 3\)"):
        Standardize([0, 0], 1).forward(np.zeros((5, 3)), training=False)
    with pytest.raises(ShapeError, match=r"x of shape \(batch, 2\)"):
        Standardize(0, [1, 1]).forward(np.zeros((5, 2, 1)), training=False)
    with pytest.raises(DataError, match=r"Standardize.fit: expected features of shape \(samples, ...\)"):
        Standardize.fit(np.zeros((0, 3)))
    with pytest.raises(DTypeError, match="float32 or float64"):
        Standardize(0, 1, dtype=int)
    with pytest.raises(
        DTypeError, match="Standardize: expected dtype float32 or float64, got 'half a float'"
    ):
        Standardize(0, 1, dtype="half a float")


@given(
    st.sampled_from([(), (3,), (2, 3)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 2**32 - 1),
)
def test_its_attributes_rebuild_it(shape, one_mean, one_scale, dtype, seed):
    rng = np.random.default_rng(seed)
    mean, scale = (
        rng.standard_normal(() if one_mean else shape),
        rng.uniform(0, 3, () if one_scale else shape),
    )
    made = Standardize(mean, scale, dtype=dtype)
    x = rng.integers(9, size=(5, *shape), dtype=np.uint8)
    for layer in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        twin = Standardize(layer.mean, layer.scale, dtype=layer.dtype)
        np.testing.assert_array_equal(layer.scale, scale, strict=True)
        for name in ("mean", "scale", "inverse_scale"):
            np.testing.assert_array_equal(getattr(twin, name), getattr(layer, name), strict=True)
        np.testing.assert_array_equal(
            twin.forward(x, training=False), layer.forward(x, training=False), strict=True
        )
        with pytest.raises(ValueError, match="read-only"):
            layer.scale[...] = 1


def test_without_parameters_it_forgets_where_only_their_gradients_are_asked_for():
    layer = Standardize(0, 1)
    layer.forward(np.ones((2, 3)), training=True)
    layer.backward_parameters(np.ones((2, 3), np.float32))
    with pytest.raises(StateError):
        layer.backward(np.ones((2, 3), np.float32))
