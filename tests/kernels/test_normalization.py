import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.broadcast import long_rows
from minidl.kernels.normalization import standardize, standardize_definition
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
