import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.broadcast import long_rows
from minidl.kernels.normalization import (
    channel_sums,
    channel_sums_definition,
    group_sums,
    group_sums_definition,
    normalize,
    normalize_backward,
    normalize_backward_definition,
    normalize_definition,
    place_sums,
    place_sums_definition,
    scale_and_shift,
    scale_and_shift_definition,
    standardize,
    standardize_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds, shares_not_finite

dtypes = st.sampled_from(["?", "u1", "i1", "<u2", "<i8", "<f2", ">f4", "<f4", "<f8"])


@np.errstate(invalid="ignore", over="ignore")
@given(
    st.integers(0, 20) | st.just(3000),
    st.lists(st.integers(1, 9), max_size=3),
    st.booleans(),
    st.booleans(),
    seeds,
    dtypes,
    reals,
    layouts,
    shares_not_finite,
)
def test_standardize_is_its_definition(
    rows, shape, one_mean, one_scale, seed, dtype, real, layout, not_finite
):
    x = draw((rows, *shape), seed, np.float64, layout, not_finite)
    x = (
        (3 * x).astype(dtype)
        if np.dtype(dtype).kind == "f"
        else (50 * np.nan_to_num(x, posinf=2)).astype(dtype)
    )
    mean = draw(() if one_mean else shape, seed + 1, real)
    inverse_scale = np.asarray(np.exp(draw(() if one_scale else shape, seed + 2, real)))
    out = np.full(x.shape, 7, real)
    assert standardize(x, long_rows(mean), long_rows(inverse_scale), out) is out
    expected = standardize_definition(x.astype(np.float64), mean.astype(float), inverse_scale.astype(float))
    assert_near(out, expected.astype(real), 1000)


def test_wider_numbers_are_subtracted_in_their_own_precision():
    x, mean, out = np.array([[2.0**30 + 1]]), np.float32([2.0**30]), np.empty((1, 1), np.float32)
    assert standardize(x, long_rows(mean), long_rows(np.ones(1, np.float32)), out)[0, 0] == 1


# ------------------------------------------------------------------- by their own mean and variance

numbers = st.tuples(
    st.integers(1, 20), st.integers(1, 6), st.integers(1, 9) | st.sampled_from([70, 600])
) | st.sampled_from([(1, 30, 64), (1, 3, 700), (300, 3, 1)])


def near(found, expected, terms, scale=1.0):
    np.testing.assert_allclose(
        found, expected, rtol=1e-3 if found.dtype == np.float32 else 1e-9,
        atol=20 * np.finfo(found.dtype).eps * terms * scale,
    )  # fmt: skip


@given(numbers, seeds, reals, layouts)
def test_channel_sums_is_its_definition(shape, seed, dtype, layout):
    x, y = draw(shape, seed, dtype, layout), draw(shape, seed + 1, dtype, layout)
    terms = shape[0] * shape[2]
    for args in ((x,), (x, y)):
        found = channel_sums(*args)
        assert found.dtype == dtype
        near(found, channel_sums_definition(*(array.astype(float) for array in args)), terms)


@given(numbers, seeds, reals, layouts)
def test_place_sums_is_its_definition(shape, seed, dtype, layout):
    x, y = draw(shape, seed, dtype, layout), draw(shape, seed + 1, dtype, layout)
    for other in (None, y):
        found = place_sums(x, other, np.full(shape[:2], 7, dtype))
        assert found.dtype == dtype
        expected = place_sums_definition(x.astype(float), None if other is None else y.astype(float))
        near(found, expected, shape[2])


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), seeds, reals, layouts)
def test_group_sums_is_its_definition(samples, groups, of_each, seed, dtype, layout):
    sums = draw((samples, groups * of_each), seed, dtype, layout)
    weight = draw(groups * of_each, seed + 1, dtype)
    near(group_sums(sums, weight, groups), group_sums_definition(sums, weight, groups), of_each)


@given(numbers, seeds, reals, layouts, shares_not_finite)
@np.errstate(invalid="ignore")  # zero times infinity
def test_scale_and_shift_is_its_definition(shape, seed, dtype, layout, not_finite):
    x, out = draw(shape, seed, dtype, layout, not_finite), np.full(shape, 7, dtype)
    scale, shift = draw(shape[1], seed + 1, dtype), draw(shape[1], seed + 2, dtype)
    assert scale_and_shift(x, scale, shift, out) is out
    assert_near(out, scale_and_shift_definition(x, scale, shift), 3)
    assert_near(scale_and_shift(x, scale, None, out), x * scale[:, None])


@given(numbers, seeds, reals, layouts, st.sampled_from([0.0, 1.0, 30.0, 1e4]))
def test_normalize_is_its_definition(shape, seed, dtype, layout, offset):
    """Far from 0, too, where float32 has four digits left."""
    x = layout((draw(shape, seed, np.float64) + offset).astype(dtype))
    x.flags.writeable = False
    out = np.full(shape, 7, dtype)
    _, *statistics = found = (out, *normalize(x, 1e-3, out))
    assert {array.dtype for array in statistics} == {np.dtype(dtype)}
    for array, expected in zip(found, normalize_definition(x.astype(float), 1e-3), strict=True):
        np.testing.assert_allclose(
            array, expected, rtol=2e-4 if dtype is np.float32 else 1e-9,
            atol=(2e-4 if dtype is np.float32 else 1e-9) * 32,
        )  # fmt: skip


def test_a_mean_far_from_0_costs_no_digits():
    """What is left of a mean's rounding would be as large as the numbers' own deviation."""
    x = (1e5 + np.random.default_rng(0).standard_normal((5000, 2, 1))).astype(np.float32)
    out = np.empty_like(x)
    _, variance, _ = normalize(x, 1e-5, out)
    exact = x.astype(float)
    np.testing.assert_allclose(variance, exact.var(axis=(0, 2)), rtol=1e-5)
    np.testing.assert_allclose(out, (exact - exact.mean(axis=0)) / exact.std(axis=0), atol=1e-4)


@given(numbers, seeds, reals, layouts)
def test_normalize_backward_is_its_definition(shape, seed, dtype, layout):
    dy, normal = draw(shape, seed, dtype, layout), draw(shape, seed + 1, dtype)
    factor, out = draw(shape[1], seed + 2, dtype), np.full(shape, 7, dtype)
    sums, products = channel_sums(dy), channel_sums(dy, normal)
    expected = normalize_backward_definition(*(array.astype(float) for array in (dy, normal, factor)))
    assert normalize_backward(dy, normal.copy(), factor, sums, products, out) is out
    near(out, expected, 30)
    out[...] = dy
    assert normalize_backward(out, normal.copy(), factor, sums, products, out) is out
    near(out, expected, 30)


def test_the_size_of_numpys_buffer_stays_what_it_is():
    x = np.ones((2, 3, 4))
    out = np.empty_like(x)
    with np.errstate():
        np.setbufsize(4096)
        normalize(x, 1e-5, out)
        assert np.getbufsize() == 4096
        scale_and_shift(x, np.ones(3), np.ones(3), out)
        assert np.getbufsize() == 4096
        normalize_backward(x, x.copy(), np.ones(3), np.ones(3), np.ones(3), out)
        assert np.getbufsize() == 4096
