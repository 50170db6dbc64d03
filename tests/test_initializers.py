import numpy as np
import pytest

from minidl.checks import as_generator
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform, zeros


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [(he_normal, 2 / 400), (xavier_uniform, 2 / 700), (normal(0.3), 0.09), (scaled(normal(1.0), 0.1), 0.01)],
)
def test_variance(initializer, variance):
    drawn = initializer(np.random.default_rng(0), (400, 300), np.float64)
    assert drawn.shape == (400, 300)
    assert abs(drawn.mean()) < 5 * np.sqrt(variance / drawn.size)
    assert drawn.var() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize(
    "initializer", [he_normal, xavier_uniform, normal(0.1), zeros, ones, scaled(ones, 2)]
)
def test_dtypes_agree_up_to_rounding(initializer):
    single = initializer(np.random.default_rng(3), (5, 4), np.float32)
    double = initializer(np.random.default_rng(3), (5, 4), np.float64)
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_xavier_stays_in_its_limits():
    limit = np.sqrt(6 / 70)
    drawn = xavier_uniform(np.random.default_rng(0), (30, 40), np.float64)
    assert 0.98 * limit < np.abs(drawn).max() <= limit


def test_zeros_and_ones_draw_nothing():
    rng = np.random.default_rng(0)
    assert (zeros(rng, (3,), np.float32) == 0).all()
    assert (ones(rng, (3,), np.float32) == 1).all()
    assert rng.standard_normal() == np.random.default_rng(0).standard_normal()


def test_as_generator():
    rng, legacy = np.random.default_rng(0), np.random.RandomState(0)
    assert as_generator(rng) is rng
    assert as_generator(legacy) is legacy
    assert as_generator(5).random() == np.random.default_rng(5).random()
    assert as_generator(None).random() != as_generator(None).random()


@pytest.mark.parametrize("wrong", [-1, "seed", 1.5, np.random])
def test_as_generator_refuses(wrong):
    with pytest.raises(ConfigurationError, match="rng: expected a numpy.random.Generator"):
        as_generator(wrong)


@pytest.mark.parametrize("std", [-1, float("nan"), "x"])
def test_normal_refuses(std):
    with pytest.raises(ConfigurationError, match="normal: expected std"):
        normal(std)
