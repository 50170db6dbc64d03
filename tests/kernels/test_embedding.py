import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import embedding
from minidl.kernels.embedding import (
    add_bags,
    add_bags_definition,
    add_rows,
    add_rows_definition,
    bag_means,
    bag_means_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds

sizes = st.integers(1, 9) | st.just(300)


@given(sizes, st.integers(1, 9), st.integers(1, 9), sizes, seeds, reals)
def test_bag_means_is_its_definition(samples, places, width, height, seed, dtype):
    table = draw((height, width), seed, dtype)
    bags = np.random.default_rng(seed).integers(height, size=(samples, places))
    out, work = np.full((2, samples, width), 7, dtype)
    assert bag_means(table, bags, out, work) is out
    assert_near(out, bag_means_definition(table, bags), places)


@given(st.integers(0, 300), sizes, sizes, seeds, reals, layouts)
def test_add_rows_is_its_definition(count, width, height, seed, dtype, layout):
    """In several blocks, and with rows of one index in the same one and in different ones."""
    rows, table = draw((count, width), seed, dtype, layout), draw((height, width), seed + 1, dtype).copy()
    indices, expected = np.random.default_rng(seed).integers(height, size=count), table.astype(float)
    embedding._BLOCK_NUMBERS, kept = 1 << 10, embedding._BLOCK_NUMBERS
    try:
        add_rows(table, indices, rows)
    finally:
        embedding._BLOCK_NUMBERS = kept
    add_rows_definition(expected, indices, rows.astype(float))
    assert_near(table, expected.astype(dtype), count)


@given(st.integers(0, 60), st.integers(1, 9), sizes, sizes, seeds, reals)
def test_add_bags_is_its_definition(samples, places, width, height, seed, dtype):
    rows, table = draw((samples, width), seed, dtype), draw((height, width), seed + 1, dtype).copy()
    bags = np.random.default_rng(seed).integers(height, size=(samples, places))
    expected = table.astype(float)
    add_bags(table, bags, rows, np.empty((samples, width), dtype))
    add_bags_definition(expected, bags, rows.astype(float))
    assert_near(table, expected.astype(dtype), samples * places + 1)


def test_no_index_is_followed_out_of_the_table():
    table = np.zeros((4, 3), np.float32)
    for wrong in (-5, 4, 1 << 40):
        for call in (
            lambda i: add_rows(table[1:3], np.array([i]), np.ones((1, 3), np.float32)),
            lambda i: add_bags(table[1:3], np.array([[i]]), np.ones((1, 3), np.float32)),
        ):
            with pytest.raises(IndexError):
                call(wrong)
    assert not table.any()
