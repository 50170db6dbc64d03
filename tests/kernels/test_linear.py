import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import way
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
from tests.kernels import sharing
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


@given(
    # Sizes at which a product is computed another way, and those beside them: see native/products_plan.h.
    st.sampled_from([1, 2, 7, 8, 9, 16, 17, 25, 33, 100, 200]),
    st.sampled_from([1, 64, 99, 100, 200, 224, 448, 449, 512, 900, 1024]),
    st.sampled_from([1, 2, 3, 4, 8, 9, 10, 16, 17, 18, 33, 49, 50, 66, 97, 98, 130]),
    seeds,
    reals,
)
def test_products_round_as_sums_do(rows, fan_in, fan_out, seed, dtype):
    assert_products_are_near(*products(rows, fan_in, fan_out, seed, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "sizes",
    # Of many rows, or columns: what all parts of the result need is packed once. Some have columns that are
    # computed by themselves. In the last ones the sum is so long that threads share its steps.
    [
        *((1030, 700, 50), (50, 700, 1042), (400, 1030, 98), (500, 400, 200)),
        *((1, 1500, 300), (3, 901, 500), (16, 2100, 300), (100, 1000, 60), (60, 1003, 113)),
    ],
    ids=str,
)
def test_products_that_threads_share(sizes, dtype):
    with sharing.threads(1):
        x, weight, dy, bias, *expected = products(*sizes, 0, dtype)
    assert_products_are_near(x, weight, dy, bias, *expected)
    for number in (2, 3, 8) if way.level() not in (None, "base") else ():  # these leave products to the BLAS
        with sharing.threads(number):
            found = products(*sizes, 0, dtype)[4:]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


def products(rows, fan_in, fan_out, seed, dtype):
    """Numbers, and the three products of a layer with them."""
    x, weight = draw((rows, fan_in), seed, dtype), draw((fan_in, fan_out), seed + 1, dtype)
    dy, bias = draw((rows, fan_out), seed + 2, dtype), draw(fan_out, seed + 3, dtype)
    dweight, dx = np.empty_like(weight), np.empty_like(x)
    weight_gradient(x, dy, dweight)
    input_gradient(dy, weight, dx)
    y = affine(x, weight, bias)
    np.testing.assert_array_equal(affine_relu(x, weight, bias), np.maximum(y, 0))
    return x, weight, dy, bias, y, dweight, dx


def assert_products_are_near(x, weight, dy, bias, y, dweight, dx):
    """Off by no more than a sum may be in whatever order: no number is left out or taken twice."""
    kind = np.finfo(x.dtype)
    for found, a, b, term in [(y, x, weight, bias), (dweight, x.T, dy, 0), (dx, dy, weight.T, 0)]:
        exact = np.dot(a.astype(np.longdouble), b.astype(np.longdouble)) + term
        most = np.dot(abs(a).astype(np.float64), abs(b).astype(np.float64)) + abs(term)
        assert (abs(found - exact) <= (a.shape[1] + 2) * kind.eps * most + kind.tiny).all()


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
