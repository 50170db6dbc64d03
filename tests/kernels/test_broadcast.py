import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.broadcast import apply_to_rows, long_rows

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
