import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.broadcast import apply_to_rows, long_rows, standardize, standardize_definition
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds, shares_not_finite

shapes = st.one_of(
    st.lists(st.integers(0, 40), max_size=3), st.lists(st.sampled_from([2048, 4096, 4097, 5000]), max_size=1)
)


@given(shapes, st.integers(0, 300), st.sampled_from([np.subtract, np.multiply]), st.integers(0, 2**32))
def test_it_is_what_numpy_makes_of_each_row(shape, samples, ufunc, seed):
    rng = np.random.default_rng(seed)
    row = rng.standard_normal(shape).astype(np.float32)
    y = rng.standard_normal((min(samples, 10**6 // max(row.size, 1)), *shape)).astype(np.float32)
    before, expected = row.copy(), ufunc(y, row)
    assert apply_to_rows(ufunc, y, long_rows(row)) is y
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(row, before)


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
