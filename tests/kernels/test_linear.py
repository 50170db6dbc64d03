import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.linear import affine, affine_definition, sum_rows, sum_rows_definition
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds, shares_not_finite

samples = st.integers(0, 30) | st.sampled_from([1, 2000])
sizes = st.integers(1, 30) | st.sampled_from([300])


@np.errstate(invalid="ignore")  # infinity minus infinity
@given(samples, sizes, sizes, seeds, reals, layouts, shares_not_finite)
def test_affine_is_its_definition(rows, fan_in, fan_out, seed, dtype, layout, not_finite):
    x = draw((rows, fan_in), seed, dtype, layout, not_finite)
    weight, bias = draw((fan_in, fan_out), seed + 1, dtype), draw(fan_out, seed + 2, dtype)
    expected = affine_definition(x, weight, bias)
    work = np.full((2, rows, fan_out), 7, dtype)
    lent = affine(x, weight, bias, work)
    assert lent.base is work
    for found in (affine(x, weight, bias), lent):
        assert found.dtype == dtype
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(found), finite)
        assert_near(found[finite], expected[finite], fan_in)


def test_affine_refuses_what_does_not_fit():
    x, weight, bias = np.ones((4, 3), np.float32), np.ones((3, 2), np.float32), np.ones(2, np.float32)
    for wrong, work in [
        (x[:, :2], None),
        (x[:, :2], np.empty((2, 4, 2), np.float32)),
        (x, np.empty((2, 3, 2), np.float32)),
        (x.astype(np.float64), np.empty((2, 4, 2), np.float32)),
    ]:
        with pytest.raises(ValueError, match="align|acceptable|dimensions"):
            affine(wrong, weight, bias, work)


def test_affine_takes_no_memory_where_some_is_lent():
    x, weight, bias = np.ones((500, 30)), np.ones((30, 20)), np.ones(20)
    work = np.empty((2, 500, 20))
    affine(x, weight, bias, work)
    tracemalloc.start()
    affine(x, weight, bias, work)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2000


@np.errstate(invalid="ignore")
@given(samples, sizes, seeds, reals, layouts, shares_not_finite)
def test_sum_rows_is_its_definition(rows, size, seed, dtype, layout, not_finite):
    x = draw((rows, size), seed, dtype, layout, not_finite)
    out = np.full(size, 7, dtype)
    sum_rows(x, out)
    expected = sum_rows_definition(x.astype(np.float64))
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(out), finite)
    assert_near(out[finite], expected[finite], max(rows, 1))
