import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.special import normal, normal_definition
from tests.kernels.drawing import reals, seeds


def computed(x):
    arrays = [np.full_like(x, 7) for _ in range(3)]
    normal(x, *arrays)
    return arrays[:2]


def assert_right(x):
    """Relative to each number, far out too: there a unit in the last place of x counts x² times."""
    eps, tiny = np.finfo(x.dtype).eps, np.finfo(x.dtype).tiny
    wide = x.astype(float)
    for found, expected in zip(computed(x), normal_definition(wide), strict=True):
        assert found.dtype == x.dtype
        assert (np.abs(found - expected) <= 4 * eps * (1 + wide**2) * expected + tiny).all()


@given(st.integers(0, 300), st.sampled_from([0.1, 1.0, 5.0]), seeds, reals)
def test_normal_is_its_definition(count, scale, seed, dtype):
    x = (scale * np.random.default_rng(seed).standard_normal(count)).astype(dtype)
    x.flags.writeable = False
    assert_right(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_from_tail_to_tail(dtype):
    assert_right(np.concatenate([np.linspace(-14, 14, 20_001), [0.0, -0.0]]).astype(dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_normal_far_out_and_not_a_number(dtype):
    x = np.array([-np.inf, -1e4, 0, 1e4, np.inf, np.nan], dtype)
    cdf, density = computed(x)
    np.testing.assert_array_equal(cdf, [0, 0, 0.5, 1, 1, np.nan])
    np.testing.assert_allclose(density, [0, 0, 1 / np.sqrt(2 * np.pi), 0, 0, np.nan], rtol=1e-7)
