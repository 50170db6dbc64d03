import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.layers import AvgPool2d, GlobalAvgPool2d, MaxPool2d

sizes = st.integers(1, 4)
pairs = st.tuples(sizes, sizes)


def pooled(x, kernel, stride, padding, of):
    """``of(numbers of the window, how many there are with the padding)``, window by window."""
    outputs = [
        (size + 2 * p - k) // s + 1
        for size, k, s, p in zip(x.shape[2:], kernel, stride, padding, strict=True)
    ]
    y = np.empty((*x.shape[:2], *outputs), x.dtype)
    for n, c, row, pixel in np.ndindex(y.shape):
        top, left = row * stride[0] - padding[0], pixel * stride[1] - padding[1]
        window = x[n, c, max(0, top) : top + kernel[0], max(0, left) : left + kernel[1]]
        y[n, c, row, pixel] = of(window, kernel[0] * kernel[1])
    return y


@given(pairs, st.none() | pairs, st.booleans(), st.integers(0, 2**32))
def test_forward_is_the_definition(kernel, stride, with_padding, seed):
    padding = tuple(size // 2 for size in kernel) if with_padding else (0, 0)
    x = np.random.default_rng(seed).standard_normal((2, 3, 5, 6))
    for kind, of in (
        (MaxPool2d, lambda window, count: window.max()),
        (AvgPool2d, lambda window, count: window.sum() / count),
    ):
        layer = kind(kernel, stride, padding)
        expected = pooled(x, kernel, stride or kernel, padding, of)
        assert layer.output_shape(x.shape[1:]) == expected.shape[1:]
        for training in (False, True):
            np.testing.assert_allclose(layer.forward(x, training=training), expected, rtol=1e-12, atol=1e-15)


def test_the_first_maximum_gets_the_gradient():
    layer = MaxPool2d(2)
    layer.forward(np.array([[[[1.0, 2, 0, 0], [2, 2, 0, 0]]]]), training=True)
    dx = layer.backward(np.array([[[[5.0, 7]]]]))
    np.testing.assert_array_equal(dx, [[[[0, 5, 7, 0], [0, 0, 0, 0]]]])


def test_padding_is_never_the_largest_and_gets_no_gradient():
    layer = MaxPool2d(3, 2, 1)
    x = np.full((1, 1, 4, 4), -np.inf)
    assert (layer.forward(x, training=True) == -np.inf).all()
    assert layer.backward(np.ones((1, 1, 2, 2))).sum() == 4


@pytest.mark.parametrize("kind", [MaxPool2d, AvgPool2d])
@pytest.mark.parametrize("training", [False, True])
def test_nan_in_a_window_is_nan(kind, training):
    x = np.zeros((1, 1, 4, 4))
    x[0, 0, 1, 2] = np.nan
    y = kind(2).forward(x, training=training)
    np.testing.assert_array_equal(np.isnan(y), [[[[False, True], [False, False]]]])


def test_the_mean_of_each_channel():
    x = np.random.default_rng(0).standard_normal((3, 2, 4, 5))
    layer = GlobalAvgPool2d()
    np.testing.assert_allclose(layer.forward(x, training=True), x.mean(axis=(2, 3)))
    np.testing.assert_allclose(layer.backward(np.ones((3, 2))), np.full(x.shape, 1 / 20))
    assert layer.output_shape((2, 4, 5)) == (2,)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ConfigurationError, match="padding of at most half of kernel_size, got 2 for 3"):
        MaxPool2d(3, 2, 2)
    with pytest.raises(ShapeError, match=r"at least \(3, 3\), into which a window fits, got \(2, 5\)"):
        AvgPool2d(3).forward(np.zeros((2, 3, 2, 5)), training=False)
    with pytest.raises(ShapeError, match=r"x of shape \(batch, channels, height, width\), got \(2, 3\)"):
        GlobalAvgPool2d().forward(np.zeros((2, 3)), training=False)
    with pytest.raises(ShapeError, match=r"at least \(1, 1\)"):
        GlobalAvgPool2d().forward(np.zeros((2, 3, 0, 4)), training=False)
    with pytest.raises(DTypeError, match="x of a float dtype, got int64"):
        MaxPool2d(2).forward(np.zeros((2, 3, 4, 4), np.int64), training=False)
    layer = MaxPool2d(2)
    layer.forward(np.zeros((2, 3, 4, 4)), training=True)
    with pytest.raises(ShapeError, match=r"dy of shape \(2, 3, 2, 2\), got \(2, 3, 4, 4\)"):
        layer.backward(np.zeros((2, 3, 4, 4)))
