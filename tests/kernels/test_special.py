import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.special import normal_cdf, normal_cdf_definition
from tests.kernels.drawing import reals, seeds


@given(st.integers(0, 300), st.sampled_from([0.1, 1.0, 5.0]), seeds, reals)
def test_normal_cdf_is_its_definition(count, scale, seed, dtype):
    x = (scale * np.random.default_rng(seed).standard_normal(count)).astype(dtype)
    x.flags.writeable = False
    out = np.full(count, 7, dtype)
    assert normal_cdf(x, out) is out
    eps = np.finfo(dtype).eps
    # Relative to each number, far out too; an argument's last digit counts x times there.
    expected = normal_cdf_definition(x.astype(float))
    tolerance = 4 * eps * (1 + x.astype(float) ** 2)
    assert (np.abs(out - expected) <= tolerance * expected + np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_cdf_far_out_and_not_a_number(dtype):
    x = np.array([-np.inf, -1e4, 0, 1e4, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(normal_cdf(x, np.empty_like(x)), [0, 0, 0.5, 1, 1, np.nan])
