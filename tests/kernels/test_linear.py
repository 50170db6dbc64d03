import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.linear import (
    affine,
    affine_definition,
    affine_relu,
    affine_relu_definition,
    input_gradient,
    input_gradient_definition,
    sum_rows,
    sum_rows_definition,
    weight_gradient,
    weight_gradient_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds, shares_not_finite

samples = st.integers(0, 30) | st.sampled_from([1, 2000])
sizes = st.integers(1, 30) | st.sampled_from([300])


@pytest.mark.parametrize(
    "kernel, definition", [(affine, affine_definition), (affine_relu, affine_relu_definition)]
)
@np.errstate(invalid="ignore")  # infinity minus infinity
@given(samples, sizes, sizes, seeds, reals, layouts, shares_not_finite)
def test_affine_is_its_definition(kernel, definition, rows, fan_in, fan_out, seed, dtype, layout, not_finite):
    x = draw((rows, fan_in), seed, dtype, layout, not_finite)
    weight, bias = draw((fan_in, fan_out), seed + 1, dtype), draw(fan_out, seed + 2, dtype)
    expected = definition(x, weight, bias)
    out = np.full((rows, fan_out), 7, dtype)
    assert kernel(x, weight, bias, out) is out
    for found in (kernel(x, weight, bias), out):
        assert found.dtype == dtype
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(found), finite)
        assert_near(found[finite], expected[finite], fan_in)


def test_affine_refuses_what_does_not_fit():
    x, weight, bias = np.ones((4, 3), np.float32), np.ones((3, 2), np.float32), np.ones(2, np.float32)
    for wrong, out in [
        (x[:, :2], None),
        (x[:, :2], np.empty((4, 2), np.float32)),
        (x, np.empty((3, 2), np.float32)),
        (x.astype(np.float64), np.empty((4, 2), np.float32)),
    ]:
        with pytest.raises(ValueError, match="align|acceptable|dimensions"):
            affine(wrong, weight, bias, out)


@np.errstate(invalid="ignore")  # infinity minus infinity
@given(samples, sizes, sizes, seeds, reals, layouts, shares_not_finite)
def test_gradients_are_their_definitions(rows, fan_in, fan_out, seed, dtype, layout, not_finite):
    x, dy = draw((rows, fan_in), seed, dtype, layout, not_finite), draw((rows, fan_out), seed + 1, dtype)
    weight, dweight = draw((fan_in, fan_out), seed + 2, dtype), np.empty((fan_in, fan_out), dtype)
    dx = np.empty((rows, fan_in), dtype)
    weight_gradient(x, dy, dweight)
    assert input_gradient(dy, weight, dx) is dx
    pairs = [(dweight, weight_gradient_definition(x, dy)), (dx, input_gradient_definition(dy, weight))]
    for (found, expected), count in zip(pairs, (max(rows, 1), fan_out), strict=True):
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(np.isfinite(found), finite)
        assert_near(found[finite], expected[finite], count)


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
