import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.normalization import (
    batch_norm,
    batch_norm_backward,
    batch_norm_backward_definition,
    batch_norm_definition,
    batch_norm_inference,
    batch_norm_inference_definition,
    group_norm,
    group_norm_backward,
    group_norm_backward_definition,
    group_norm_definition,
    move_statistics,
    move_statistics_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds, shares_not_finite

# Of few places and of many, of several blocks of samples, of rows that are longer than a block.
shapes = st.tuples(
    st.integers(1, 20), st.integers(1, 6), st.integers(1, 9) | st.sampled_from([31, 32, 33, 70, 600])
) | st.sampled_from([(1, 30, 64), (2, 3, 1100), (300, 3, 1), (600, 70, 1), (40, 5, 30), (3, 1100, 1)])
offsets = st.sampled_from([0.0, 1.0, 30.0, 1e4])


def vectors(channels, seed, dtype):
    """A weight and a bias."""
    return draw(channels, seed + 1, dtype), draw(channels, seed + 2, dtype)


def rows_of(shape, groups):
    return 1, shape[0] * groups, shape[1] // groups * shape[2]


def in_groups(shape, groups):
    """The shape with so many times the channels."""
    return shape[0], shape[1] * groups, shape[2]


def near(found, expected, terms=1.0):
    float32 = found.dtype == np.float32
    tolerance = 2e-4 if float32 else 1e-9
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * (1 + terms / 100))


def assert_normalized(found, statistics, expected, expected_statistics):
    near(found, expected, 1000)
    assert statistics.dtype == found.dtype
    mean, rest, *others = statistics.astype(float)
    near(statistics[0], expected_statistics[0], 1000)
    np.testing.assert_allclose(mean + rest, expected_statistics[0], rtol=1e-6, atol=1e-5)
    for one, other in zip(others, expected_statistics[2:], strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4 if found.dtype == np.float32 else 1e-9, atol=1e-6)


@given(shapes, seeds, reals, layouts, offsets)
def test_batch_norm_is_its_definition(shape, seed, dtype, layout, offset):
    """Far from 0, too, where float32 has four digits left."""
    x = layout((draw(shape, seed, np.float64) + offset).astype(dtype))
    x.flags.writeable = False
    weight, bias = vectors(shape[1], seed, dtype)
    out = np.full(shape, 7, dtype)
    statistics = batch_norm(x, weight, bias, 1e-3, out)
    exact = (array.astype(float) for array in (x, weight, bias))
    assert_normalized(out, statistics, *batch_norm_definition(*exact, 1e-3))


@given(shapes, st.integers(1, 3), seeds, reals, layouts, offsets)
def test_group_norm_is_its_definition(shape, groups, seed, dtype, layout, offset):
    shape = in_groups(shape, groups)
    x = layout((draw(shape, seed, np.float64) + offset).astype(dtype))
    x.flags.writeable = False
    weight, bias = vectors(shape[1], seed, dtype)
    out = np.full(shape, 7, dtype)
    statistics = group_norm(x, weight, bias, 1e-3, groups, out)
    exact = (array.astype(float) for array in (x, weight, bias))
    assert_normalized(out, statistics, *group_norm_definition(*exact, 1e-3, groups))


@pytest.mark.parametrize("shape", [(5000, 2, 1), (600, 2, 9), (50, 2, 100)])
def test_a_mean_far_from_0_costs_no_digits(shape):
    """What is left of a mean's rounding would be as large as the numbers' own deviation."""
    x = (1e5 + np.random.default_rng(0).standard_normal(shape)).astype(np.float32)
    out, weight, bias = np.empty_like(x), np.ones(2, np.float32), np.zeros(2, np.float32)
    statistics = batch_norm(x, weight, bias, 1e-5, out)
    normal = x.astype(float)
    normal -= normal.mean(axis=(0, 2), keepdims=True)
    variance = np.square(normal).mean(axis=(0, 2))
    normal /= np.sqrt(variance)[:, None]
    np.testing.assert_allclose(statistics[2], variance, rtol=1e-5)
    np.testing.assert_allclose(out, normal, atol=1e-4)
    gradients = np.empty((2, 2), np.float32)
    batch_norm_backward(x - np.float32(1e5), x, statistics, weight, *gradients)
    products = ((x.astype(float) - 1e5) * normal).sum(axis=(0, 2))
    np.testing.assert_allclose(gradients[0], products, rtol=1e-4)
    turned = np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(2, -1, 1)
    one, found = np.ones(turned.shape[1], np.float32), np.empty_like(turned)
    group_norm(turned, one, 0 * one, 1e-5, 1, found)
    np.testing.assert_allclose(found.ravel(), normal.transpose(1, 0, 2).ravel(), atol=1e-4)


@pytest.mark.parametrize("places", [1, 5, 40])
def test_what_is_not_finite_stays_in_its_channel(places):
    x, out = draw((9, 7, places), 0, np.float64).copy(), np.empty((9, 7, places))
    x[4, 2, 0], x[3, 5, 0] = np.nan, np.inf
    with np.errstate(invalid="ignore"):
        batch_norm(x, np.ones(7), np.ones(7), 1e-5, out)
        assert not np.isfinite(out[:, [2, 5]]).any()
        assert np.isfinite(np.delete(out, [2, 5], axis=1)).all()
        group_norm(x, np.ones(7), np.ones(7), 1e-5, 7, out)
    assert not np.isfinite(out[[4, 3], [2, 5]]).any()
    assert np.isfinite(out).sum() == out.size - 2 * places


@given(shapes, seeds, reals, layouts, st.booleans())
def test_batch_norm_backward_is_its_definition(shape, seed, dtype, layout, with_out):
    x, dy = (layout(draw(shape, seed + i, dtype)) for i in (0, 3))
    weight, bias = vectors(shape[1], seed, dtype)
    statistics = batch_norm(x, weight, bias, 1e-1, np.empty(shape, dtype))
    mean, _, _, inverse_deviation = statistics.astype(float)
    normal = (x.astype(float) - mean[:, None]) * inverse_deviation[:, None]
    expected = batch_norm_backward_definition(
        dy.astype(float), normal, inverse_deviation, weight.astype(float)
    )
    out = np.full(shape, 7, dtype) if with_out else None
    by_weight, by_bias = np.full((2, shape[1]), 7, dtype)
    assert batch_norm_backward(dy, x, statistics, weight, by_weight, by_bias, out) is out
    terms = shape[0] * shape[2]
    near(by_weight, expected[1], terms)
    near(by_bias, expected[2], terms)
    if out is not None:
        near(out, expected[0])


@given(shapes, st.integers(1, 3), seeds, reals, layouts, st.booleans())
def test_group_norm_backward_is_its_definition(shape, groups, seed, dtype, layout, with_work):
    shape = in_groups(shape, groups)
    x, dy = (layout(draw(shape, seed + i, dtype)) for i in (0, 3))
    weight, bias = vectors(shape[1], seed, dtype)
    statistics = group_norm(x, weight, bias, 1e-1, groups, np.empty(shape, dtype))
    mean, _, _, inverse_deviation = statistics.astype(float)
    normal = (x.astype(float).reshape(rows_of(shape, groups)) - mean[:, None]) * inverse_deviation[:, None]
    expected = group_norm_backward_definition(
        dy.astype(float), normal.reshape(shape), inverse_deviation, weight.astype(float), groups
    )
    work = np.full((2, *shape), 7, dtype) if with_work else None
    by_weight, by_bias = np.full((2, shape[1]), 7, dtype)
    group_norm_backward(dy, x, statistics, weight, groups, by_weight, by_bias, work)
    terms = shape[0] * shape[2]
    near(by_weight, expected[1], terms)
    near(by_bias, expected[2], terms)
    if work is not None:
        near(work[0], expected[0], 10)


@given(shapes, seeds, reals, layouts, shares_not_finite)
@np.errstate(invalid="ignore")  # zero times infinity
def test_batch_norm_inference_is_its_definition(shape, seed, dtype, layout, not_finite):
    x = draw(shape, seed, dtype, layout, not_finite)
    weight, bias = vectors(shape[1], seed, dtype)
    mean, variance = draw(shape[1], seed + 4, dtype), np.exp(draw(shape[1], seed + 5, dtype))
    found = batch_norm_inference(x, mean, variance, weight, bias, 1e-3)
    assert found.dtype == dtype
    assert_near(found, batch_norm_inference_definition(x, mean, variance, weight, bias, 1e-3), 30)


@given(st.integers(1, 40), seeds, reals, st.sampled_from([1.0, np.inf, np.nan]))
def test_move_statistics_is_its_definition(size, seed, dtype, factor):
    mean, variance, statistics = (
        draw(s, seed + i, dtype).copy() for i, s in enumerate([size, size, (4, size)])
    )
    statistics[2, -1] *= factor
    before = mean.copy(), variance.copy()
    expected = move_statistics_definition(mean, variance, statistics, 0.1, 1.5)
    move_statistics(mean, variance, statistics, 0.1, 1.5)
    for found, old, new in zip((mean, variance), before, expected, strict=True):
        assert_near(found, new if np.isfinite(statistics[2]).all() else old)


def test_the_size_of_numpys_buffer_stays_what_it_is():
    x, one, out = np.ones((2, 3, 4)), np.ones(3), np.empty((2, 3, 4))
    with np.errstate():
        np.setbufsize(4096)
        statistics = batch_norm(x, one, one, 1e-5, out)
        batch_norm_inference(x, one, one, one, one, 1e-5)
        batch_norm_backward(x, x, statistics, one, *np.empty((2, 3)), out)
        statistics = group_norm(x, one, one, 1e-5, 1, out)
        group_norm_backward(x, x, statistics, one, 1, *np.empty((2, 3)), np.empty((2, *x.shape)))
        assert np.getbufsize() == 4096
