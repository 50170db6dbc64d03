import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minidl.kernels import windows as windows_module
from minidl.kernels.convolution import (
    convolution,
    convolution_backward,
    convolution_backward_definition,
    convolution_definition,
    sum_pixels,
    sum_pixels_definition,
    transposed_convolution,
    transposed_convolution_backward,
    transposed_convolution_backward_definition,
    transposed_convolution_definition,
)
from minidl.kernels.windows import Windows, fresh
from tests.kernels.drawing import assert_near, draw, garbage, layouts, reals, seeds

sizes = st.integers(1, 3)
pairs = st.tuples(sizes, sizes)
channel_counts = st.one_of(sizes, st.sampled_from([16, 25, 40]))  # with many, vectors run over channels
map_counts = st.one_of(st.integers(1, 4), st.sampled_from([24, 40, 70]))


@st.composite
def problems(draw):
    """Windows, the shapes of images, weight and maps, and into how many bytes the columns must go."""
    windows = Windows(draw(pairs), draw(pairs), draw(st.tuples(*[st.integers(0, 3)] * 2)), draw(pairs))
    image = tuple(
        draw(st.integers(max(1, dilation * (kernel - 1) + 1 - 2 * padding), 8))
        for kernel, _, padding, dilation in zip(*windows, strict=True)
    )
    groups, channels, maps = draw(sizes), draw(channel_counts), draw(map_counts)
    samples = draw(st.integers(0, 4))
    weight = (groups * maps, channels, *windows.kernel)
    of_maps = (samples, groups * maps, *windows.outputs(image))
    block_bytes = draw(st.sampled_from([windows_module.BLOCK_BYTES, 1, 500, 5000]))
    return windows, (samples, groups * channels, *image), weight, of_maps, block_bytes


def problem_of(windows, image=(5, 6)):
    """One of these, with the windows given."""
    maps = (2, 2, *windows.outputs(image))
    return windows, (2, 1, *image), (2, 1, *windows.kernel), maps, windows_module.BLOCK_BYTES


LONG_STRIDE = problem_of(Windows((2, 2), (60_000, 60_000), (1, 1)))  # nearly all phases have no pixel
DILATED = problem_of(Windows((2, 2), dilation=(2, 2)))  # in which a transposed one may have an output padding
BYTES = windows_module.BLOCK_BYTES
IN_BANDS = Windows((3, 2), (1, 2), (1, 1)), (3, 80, 19, 21), (140, 40, 3, 2), (3, 140, 19, 11), BYTES
IN_ONE_ROW = Windows((1, 3), padding=(0, 1)), (1, 16, 1, 7000), (40, 16, 1, 3), (1, 40, 1, 7000), BYTES
FAR_OUT = problem_of(Windows((2, 1), padding=(2, 3)))  # windows that see nothing but padding


@given(problems(), seeds, reals, layouts)
@example(problem_of(Windows((3, 3), padding=(1, 1)), (300, 301)), 3, np.float64, np.ascontiguousarray)
@example(DILATED, 3, np.float64, np.ascontiguousarray)
@example(LONG_STRIDE, 3, np.float64, np.ascontiguousarray)
@example(FAR_OUT, 3, np.float64, np.ascontiguousarray)
@example(IN_BANDS, 3, np.float32, np.ascontiguousarray)
@example(IN_ONE_ROW, 3, np.float64, np.ascontiguousarray)
def test_convolution_is_its_definition(problem, seed, dtype, layout):
    windows, images, of_weight, maps, size = problem
    x, weight = draw(images, seed, dtype, layout), draw(of_weight, seed + 1, dtype)
    bias, dy = draw(of_weight[0], seed + 2, dtype), draw(maps, seed + 3, dtype, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows_module, "BLOCK_BYTES", size)
        (y, dx, dweight) = (np.full(shape, np.nan, dtype) for shape in (maps, images, of_weight))
        assert convolution(x, weight, bias, windows, y, garbage) is y
        convolution_backward(x, weight, dy, windows, dx, dweight, garbage)
        (without_bias, dx_alone, dweight_alone) = (
            np.full(shape, np.nan, dtype) for shape in (maps, images, of_weight)
        )
        convolution(x, weight, None, windows, without_bias, garbage)
        convolution_backward(x, weight, dy, windows, dx_alone, None, garbage)
        convolution_backward(x, weight, dy, windows, None, dweight_alone, garbage)
        convolution_backward(x, weight, dy, windows, None, None, garbage)
    expected = convolution_definition(x, weight, bias, windows)
    assert_near(y, expected, 30)
    assert_near(without_bias, expected - bias[:, None, None], 30)
    of_x, of_weight = convolution_backward_definition(x, weight, dy, windows)
    for found in (dx, dx_alone):
        assert_near(found, of_x, 30)
    for found in (dweight, dweight_alone):
        assert_near(found, of_weight, max(300, x.size // 10))


@given(problems(), st.tuples(sizes, sizes), seeds, reals, layouts)
@example(DILATED, (1, 1), 3, np.float64, np.ascontiguousarray)
@example(LONG_STRIDE, (4, 5), 3, np.float64, np.ascontiguousarray)
@example(FAR_OUT, (1, 1), 3, np.float64, np.ascontiguousarray)
@example(IN_BANDS, (0, 1), 3, np.float32, np.ascontiguousarray)
def test_transposed_convolution_is_its_definition(problem, rest, seed, dtype, layout):
    windows, images, of_weight, maps, size = problem
    image = tuple(
        (high - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + more % max(stride, dilation)
        for high, more, kernel, stride, padding, dilation in zip(maps[2:], rest, *windows, strict=True)
    )
    assume(min(image) >= 1)
    images = (*images[:2], *image)
    x, weight = draw(maps, seed, dtype, layout), draw(of_weight, seed + 1, dtype)
    bias, dy = draw(images[1], seed + 2, dtype), draw(images, seed + 3, dtype, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows_module, "BLOCK_BYTES", size)
        (y, dx, dweight) = (np.full(shape, np.nan, dtype) for shape in (images, maps, of_weight))
        assert transposed_convolution(x, weight, bias, windows, y, garbage) is y
        transposed_convolution_backward(x, weight, dy, windows, dx, dweight, garbage)
    assert_near(y, transposed_convolution_definition(x, weight, bias, windows, image), 30)
    of_x, of_weight = transposed_convolution_backward_definition(x, weight, dy, windows)
    assert_near(dx, of_x, 30)
    assert_near(dweight, of_weight, 300)


@given(st.integers(0, 4), sizes, pairs, seeds, reals, layouts)
def test_sum_pixels_is_its_definition(samples, channels, image, seed, dtype, layout):
    dy, out = draw((samples, channels, *image), seed, dtype, layout), np.full(channels, np.nan, dtype)
    sum_pixels(dy, out, garbage)
    assert_near(out, sum_pixels_definition(dy), 30)


@pytest.mark.parametrize("threads", [1, 2])
def test_many_samples_are_their_definition_at_any_number_of_threads(threads):
    windows = Windows((3, 3), (2, 2), (1, 1))
    x, weight = draw((70, 8, 16, 16), 1, np.float32), draw((20, 8, 3, 3), 2, np.float32)
    y, dx, dweight = np.empty((70, 20, 8, 8), np.float32), np.empty_like(x), np.empty_like(weight)
    with threadpool_limits(threads):
        convolution(x, weight, None, windows, y, garbage)
        convolution_backward(x, weight, y, windows, dx, dweight, garbage)
    assert_near(y, convolution_definition(x, weight, np.zeros(20, np.float32), windows), 30)
    expected = convolution_backward_definition(x, weight, y, windows)
    assert_near(dx, expected[0], 3000)
    assert_near(dweight, expected[1], 100_000)


def test_an_exception_of_whoever_lends_memory_is_raised():
    def refuse(*_):
        raise KeyboardInterrupt

    windows, images, weight, maps, _ = problem_of(Windows((2, 2)))
    x, weight, dy = np.ones(images), np.ones(weight), np.ones(maps)
    with pytest.raises(KeyboardInterrupt):
        convolution(x, weight, None, windows, dy.copy(), refuse)
    for gradients in ((np.empty_like(x), None), (None, np.empty_like(weight))):
        with pytest.raises(KeyboardInterrupt):
            convolution_backward(x, weight, dy, windows, *gradients, refuse)


def test_nan_stays_in_its_sample_and_where_windows_see_it():
    windows = Windows((3, 3), (1, 1), (1, 1))
    x, weight, bias = np.ones((3, 1, 6, 6)), np.ones((2, 1, 3, 3)), np.zeros(2)
    x[1, 0, 2, 5] = np.nan
    y = convolution(x, weight, bias, windows, np.empty((3, 2, 6, 6)), fresh)
    expected = np.zeros(y.shape, bool)
    expected[1, :, 1:4, 4:6] = True
    np.testing.assert_array_equal(np.isnan(y), expected)


@pytest.mark.parametrize("threads", [1, 2, 16])
@pytest.mark.parametrize("samples", [20, 200])
def test_a_large_batch_takes_no_more_memory_than_the_bound(samples, threads):
    windows = Windows((3, 3), (1, 1), (1, 1))
    x, weight, bias = np.ones((samples, 8, 16, 16)), np.ones((8, 8, 3, 3)), np.ones(8)
    y, dx, dweight = np.empty_like(x), np.empty_like(x), np.empty_like(weight)
    with threadpool_limits(threads):
        tracemalloc.start()
        convolution(x, weight, bias, windows, y, fresh)
        convolution_backward(x, weight, y, windows, dx, dweight, fresh)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    # Of each thread: the columns, the padded images and the outputs; a window has nine places.
    assert peak < threads * windows_module.BLOCK_BYTES * (1 + 3 / 9)


def test_of_one_large_sample_a_band_of_rows_is_in_memory():
    windows = Windows((5, 5), (1, 1), (2, 2))
    x, weight, bias = np.ones((1, 2, 256, 256)), np.ones((1, 2, 5, 5)), np.ones(1)
    y = np.empty((1, 1, 256, 256))
    convolution(x, weight, bias, windows, y, fresh)  # which may import something
    tracemalloc.start()
    convolution(x, weight, bias, windows, y, fresh)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < windows_module.BLOCK_BYTES + 6 * x.nbytes < 25 * x.nbytes
