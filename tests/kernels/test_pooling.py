import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels import pooling
from minidl.kernels.pooling import (
    max_pool,
    max_pool_backward,
    max_pool_backward_definition,
    max_pool_definition,
    mean_pixels,
    mean_pixels_backward,
    mean_pixels_backward_definition,
    mean_pixels_definition,
    mean_pool,
    mean_pool_backward,
    mean_pool_backward_definition,
    mean_pool_definition,
)
from minidl.kernels.windows import Windows
from tests.kernels.drawing import assert_near, draw, garbage, layouts, reals, seeds

sizes = st.integers(1, 4)
pairs = st.tuples(sizes, sizes)


@st.composite
def problems(draw):
    """Windows, the shape of images, and how many numbers of them a block may hold."""
    kernel = draw(pairs)
    padding = tuple(draw(st.integers(0, size // 2)) for size in kernel)
    image = tuple(draw(st.integers(size, 9)) for size in kernel)
    shape = (draw(st.integers(0, 4)), draw(sizes), *image)
    return Windows(kernel, draw(pairs), padding), shape, draw(st.sampled_from([1, 100, 1 << 18]))


@given(problems(), seeds, reals, layouts, st.booleans())
def test_max_pool_is_its_definition(problem, seed, dtype, layout, ties):
    windows, shape, block = problem
    x = layout(np.round(draw(shape, seed, dtype))) if ties else draw(shape, seed, dtype, layout)
    expected = max_pool_definition(x, windows)
    y, dy = np.full(expected.shape, np.nan, dtype), draw(expected.shape, seed + 1, dtype, layout)
    dx = np.full(shape, np.nan, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "_BLOCK_NUMBERS", block)
        assert max_pool(x, windows, y) is y
        max_pool_backward(x, y, dy, windows, dx, garbage)
    np.testing.assert_array_equal(y, expected)
    assert_near(dx, max_pool_backward_definition(x, dy, windows), 16)


@given(problems(), seeds)
def test_the_largest_number_of_nan_is_nan(problem, seed):
    windows, shape, _ = problem
    x = draw(shape, seed, np.float64, not_finite=0.2)
    expected = max_pool_definition(x, windows)
    np.testing.assert_array_equal(max_pool(x, windows, np.empty(expected.shape)), expected)


@given(problems(), seeds, reals, layouts)
def test_mean_pool_is_its_definition(problem, seed, dtype, layout):
    windows, shape, block = problem
    x = draw(shape, seed, dtype, layout)
    expected = mean_pool_definition(x, windows)
    y, dy = np.full(expected.shape, np.nan, dtype), draw(expected.shape, seed + 1, dtype, layout)
    dx = np.full(shape, np.nan, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "_BLOCK_NUMBERS", block)
        assert mean_pool(x, windows, y) is y
        mean_pool_backward(dy, windows, dx, garbage)
    assert_near(y, expected, 16)
    assert_near(dx, mean_pool_backward_definition(x, dy, windows), 16)


@given(problems(), seeds, reals, layouts)
def test_mean_pixels_is_its_definition(problem, seed, dtype, layout):
    _, shape, _ = problem
    x, dy = draw(shape, seed, dtype, layout), draw(shape[:2], seed + 1, dtype, layout)
    y, dx = np.full(shape[:2], np.nan, dtype), np.full(shape, np.nan, dtype)
    assert mean_pixels(x, y) is y
    assert mean_pixels_backward(dy, dx) is dx
    assert_near(y, mean_pixels_definition(x), 81)
    assert_near(dx, mean_pixels_backward_definition(x, dy))


@pytest.mark.parametrize(
    ("windows", "outputs"),
    [
        (Windows((2, 2), (2, 2)), (3, 2)),
        (Windows((2, 2), (2, 2)), (2, 1)),
        (Windows((3, 3), (2, 2), (1, 1)), (3, 2)),
        (Windows((1, 1), (1, 1), (2, 2)), (8, 9)),
        (Windows((2, 2), (1, 1), (0, 0), (2, 3)), (2, 2)),
        (((2, 2), (2, 2), (0, 0)), (2, 2)),
        (((2, 2), (2, np.int64(2)), (0, 0), (1, 1)), (2, 2)),
        (((2, 2), (2, 0), (0, 0), (1, 1)), (2, 2)),
        (((2, 2), (2, 2), (0, -1), (1, 1)), (2, 2)),
        (((2, 2), (2, 2), (2**62, 2**70), (1, 1)), (2, 2)),
    ],
)
def test_other_windows_and_outputs_than_fit_are_left_to_numpy(windows, outputs):
    """Whatever it makes of them: nothing beyond the arrays is read or written."""

    def results(choose):
        x, y, dx = np.arange(20.0).reshape(1, 1, 4, 5), np.zeros((1, 1, *outputs)), np.zeros((1, 1, 4, 5))
        dy = np.arange(1.0, y.size + 1).reshape(y.shape)
        calls = [(max_pool, x, windows, y), (max_pool_backward, x, y.copy(), dy, windows, dx, garbage),
                 (mean_pool, x, windows, y), (mean_pool_backward, dy, windows, dx, garbage)]  # fmt: skip
        for kernel, *arguments in calls:
            try:
                yield choose(kernel)(*arguments).tolist()
            except (
                AttributeError,
                IndexError,
                TypeError,
                ValueError,
                ZeroDivisionError,
                OverflowError,
            ) as error:
                yield type(error)

    found = list(results(lambda kernel: kernel))
    np.testing.assert_equal(found, list(results(lambda kernel: getattr(kernel, "__self__", kernel))))
