import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.dropout import dropout_mask, dropout_mask_definition
from tests.kernels.drawing import reals, seeds

shapes = st.lists(st.integers(0, 9), max_size=3) | st.sampled_from([[8192], [3, 3000], [20000]])


@given(shapes, st.sampled_from([0, 0.1, 0.5, 0.9, 1]) | st.floats(0, 1), seeds, reals)
def test_dropout_mask_is_its_definition(shape, p, seed, dtype):
    out = np.full(shape, 7, dtype)
    mine, its = np.random.default_rng(seed), np.random.default_rng(seed)
    assert dropout_mask(mine, p, out) is out
    expected = dropout_mask_definition(its, p, np.empty(shape, dtype))
    np.testing.assert_array_equal(out, expected, strict=True)
    assert mine.bit_generator.state == its.bit_generator.state


@pytest.mark.parametrize("p", [0, 0.1, 0.5, 0.9, 1])
def test_so_many_are_dropped_and_the_mean_is_kept(p):
    mask = dropout_mask(np.random.default_rng(0), p, np.empty(100_000))
    sigma = np.sqrt(p * (1 - p) / mask.size)  # of the share that is dropped
    assert abs((mask == 0).mean() - p) <= 4 * sigma
    if p < 1:
        assert abs(mask.mean() - 1) <= 4 * sigma / (1 - p)
