import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.dropout import drop, drop_definition, dropout, dropout_definition
from tests.kernels.drawing import draw, layouts, reals, seeds

shapes = st.lists(st.integers(0, 9), min_size=1, max_size=3) | st.sampled_from([[8192], [3, 3000], [20000]])
shares = st.sampled_from([0, 0.1, 0.5, 0.9, 1]) | st.floats(0, 1)


@given(shapes, shares, seeds, reals, layouts, st.sampled_from([0.0, 0.05]))
def test_dropout_is_its_definition(shape, p, seed, dtype, layout, not_finite):
    x = draw(shape, seed, dtype, layout, not_finite)
    mask, y = np.full(shape, 7, dtype), np.full(shape, 7, dtype)
    mine, its = np.random.default_rng(seed), np.random.default_rng(seed)
    with np.errstate(invalid="ignore"):
        dropout(mine, p, x, mask, y)
        expected = dropout_definition(its, p, x)
    np.testing.assert_array_equal(mask, expected[0], strict=True)
    np.testing.assert_array_equal(y, expected[1], strict=True)
    assert mine.bit_generator.state == its.bit_generator.state


@given(st.integers(0, 100), shares, seeds, reals)
def test_drop_is_its_definition(size, p, seed, dtype):
    rng = np.random.default_rng(seed)
    drawn, x = rng.random(size, np.float32), rng.standard_normal(size).astype(dtype)
    drawn[:2] = np.float32(p)  # is not below p
    mask, y = np.empty_like(x), np.empty_like(x)
    drop(drawn, p, x, mask, y)
    for found, expected in zip((mask, y), drop_definition(drawn, p, x), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("p", [0, 0.1, 0.5, 0.9, 1])
def test_so_many_are_dropped_and_the_mean_is_kept(p):
    mask, y = np.empty(100_000), np.empty(100_000)
    dropout(np.random.default_rng(0), p, np.ones(100_000), mask, y)
    sigma = np.sqrt(p * (1 - p) / mask.size)  # of the share that is dropped
    assert abs((mask == 0).mean() - p) <= 4 * sigma
    if p < 1:
        assert abs(mask.mean() - 1) <= 4 * sigma / (1 - p)
