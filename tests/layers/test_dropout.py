import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.layers import Dropout

rates = st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0])


@given(rates, st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 2**32))
def test_what_stays_is_rescaled_and_backward_has_the_same_mask(p, shape, seed):
    x = 1 + np.random.default_rng(seed).random(shape)
    layer = Dropout(p, rng=seed)
    y = layer.forward(x, training=True).copy()
    stays = y != 0
    np.testing.assert_allclose(y[stays], x[stays] / (1 - p) if p < 1 else [], rtol=1e-12)
    dy = np.random.default_rng(seed + 1).standard_normal(shape)
    np.testing.assert_allclose(layer.backward(dy), dy * (y / x), rtol=1e-12)


def test_the_share_that_is_dropped_and_the_mean():
    y = Dropout(0.3, rng=0).forward(np.ones((1000, 100)), training=True)
    sigma = np.sqrt(0.3 * 0.7 / y.size)
    assert abs((y == 0).mean() - 0.3) < 4 * sigma
    assert abs(y.mean() - 1) < 4 * sigma / 0.7


def test_inference_is_x_itself():
    x = np.ones((2, 3))
    assert Dropout(0.5).forward(x, training=False) is x


def test_every_forward_draws_anew_and_a_copy_draws_the_same():
    x, layer = np.ones((4, 50)), Dropout(rng=3)
    first = layer.forward(x, training=True).copy()
    twin = copy.deepcopy(layer)
    second = layer.forward(x, training=True).copy()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(twin.forward(x, training=True), second)
    np.testing.assert_array_equal(Dropout(rng=3).forward(x, training=True), first)


def test_its_stream_is_its_own():
    rng, x = np.random.default_rng(5), np.ones((4, 50))
    one, other = Dropout(rng=rng), Dropout(rng=rng)
    state = rng.bit_generator.state
    first = one.forward(x, training=True)
    assert rng.bit_generator.state == state
    assert not np.array_equal(first, other.forward(x, training=True))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.filterwarnings("error")
def test_large_numbers_stay_finite_and_nan_stays_nan(training):
    x = np.full((200, 2), np.nan, np.float32)
    x[:, 0] = 1e4
    y = Dropout(0.5, rng=0).forward(x, training=training)
    assert y.dtype == np.float32
    assert np.isfinite(y[:, 0]).all()
    assert np.isnan(y[:, 1]).all()


def test_arguments():
    assert Dropout(0.25, rng=1).config() == {"p": 0.25}
    for p in (-0.1, 1.1, np.nan, "half"):
        with pytest.raises(ConfigurationError, match="p to be a finite number >= 0 and <= 1"):
            Dropout(p)
    layer = Dropout()
    with pytest.raises(DTypeError, match=r"Dropout: expected x of a float dtype, got int64"):
        layer.forward(np.zeros((2, 3), int), training=True)
    layer.forward(np.zeros((2, 3)), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 3\), got \(1, 3\)"):
        layer.backward(np.zeros((1, 3)))
