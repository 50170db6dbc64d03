import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.channels import (
    channel_sums,
    channel_sums_definition,
    group_sums,
    group_sums_definition,
    place_sums,
    place_sums_definition,
)
from tests.kernels.drawing import draw, layouts, reals, seeds

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
        found = place_sums(x, np.full(shape, 7, dtype), other)
        assert found.dtype == dtype
        expected = place_sums_definition(x.astype(float), None if other is None else y.astype(float))
        near(found, expected, shape[2])


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4), seeds, reals, layouts)
def test_group_sums_is_its_definition(samples, groups, of_each, seed, dtype, layout):
    sums = draw((samples, groups * of_each), seed, dtype, layout)
    weight = draw(groups * of_each, seed + 1, dtype)
    near(group_sums(sums, weight, groups), group_sums_definition(sums, weight, groups), of_each)
