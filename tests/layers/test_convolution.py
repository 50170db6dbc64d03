import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from minidl import SGD, Sequential, SoftmaxCrossEntropy
from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.initializers import he_normal, normal, xavier_uniform
from minidl.kernels.windows import BLOCK_BYTES
from minidl.layers import Conv1d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, ReLU
from minidl.testing import check_layer

sizes = st.integers(1, 3)
pairs = st.tuples(sizes, sizes)


def as_pair(size):
    return size if isinstance(size, tuple) else (size, size)


def meetings(layer, image, outputs):
    """Each place (i, j) of a window, the pixel of the image there, and the output: those within the image."""
    arguments = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
    kernel, stride, padding, dilation = map(as_pair, arguments)
    for i, j, row, pixel in np.ndindex(*kernel, *outputs):
        y = row * stride[0] + i * dilation[0] - padding[0]
        x = pixel * stride[1] + j * dilation[1] - padding[1]
        if 0 <= y < image[0] and 0 <= x < image[1]:
            yield (i, j), (y, x), (row, pixel)


def convolved(layer, x, outputs):
    """The definition, number by number."""
    weight, bias = layer.weight.value, layer.bias.value if layer.bias else np.zeros(layer.out_channels)
    y = np.zeros((len(x), layer.out_channels, *outputs)) + bias[:, None, None]
    seen, each = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    for place, pixel, output in meetings(layer, x.shape[2:], outputs):
        for o in range(layer.out_channels):
            inputs = slice(o // each * seen, (o // each + 1) * seen)
            y[:, o, *output] += x[:, inputs, *pixel] @ weight[o, :, *place]
    return y


def transposed(layer, x, image):
    weight, bias = layer.weight.value, layer.bias.value if layer.bias else np.zeros(layer.out_channels)
    y = np.zeros((len(x), layer.out_channels, *image)) + bias[:, None, None]
    seen, each = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    for place, pixel, source in meetings(layer, image, x.shape[2:]):
        for o in range(layer.out_channels):
            inputs = slice(o // each * seen, (o // each + 1) * seen)
            y[:, o, *pixel] += x[:, inputs, *source] @ weight[inputs, o % each, *place]
    return y


@given(pairs, pairs, pairs, pairs, sizes, pairs, st.booleans(), st.integers(0, 2**32))
def test_forward_is_the_definition(kernel, stride, padding, dilation, groups, channels, bias, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, groups * channels[0], 5, 6))
    layer = Conv2d(
        x.shape[1], groups * channels[1], kernel, stride=stride, padding=padding, dilation=dilation,
        groups=groups, bias=bias, rng=rng, dtype=np.float64,
    )  # fmt: skip
    for _, parameter in layer.named_parameters():
        parameter.value[...] = rng.standard_normal(parameter.shape)
    outputs = [
        (size + 2 * p - d * (k - 1) - 1) // s + 1
        for size, k, s, p, d in zip((5, 6), kernel, stride, padding, dilation, strict=True)
    ]
    expected = convolved(layer, x, outputs)
    assert layer.output_shape(x.shape[1:]) == expected.shape[1:]
    for training in (False, True):
        np.testing.assert_allclose(layer.forward(x, training=training), expected, rtol=1e-10, atol=1e-12)


@given(pairs, pairs, st.integers(0, 1), pairs, sizes, pairs, st.booleans(), st.integers(0, 2**32))
def test_transposed_forward_is_the_definition(kernel, stride, rest, dilation, groups, channels, bias, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, groups * channels[0], 4, 3))
    rests = tuple(min(rest, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    layer = ConvTranspose2d(
        x.shape[1], groups * channels[1], kernel, stride=stride, padding=1, output_padding=rests, bias=bias,
        dilation=dilation, groups=groups, rng=rng, dtype=np.float64,
    )  # fmt: skip
    for _, parameter in layer.named_parameters():
        parameter.value[...] = rng.standard_normal(parameter.shape)
    image = [
        (size - 1) * s - 2 + d * (k - 1) + r + 1
        for size, k, s, d, r in zip((4, 3), kernel, stride, dilation, rests, strict=True)
    ]
    expected = transposed(layer, x, image)
    assert layer.output_shape(x.shape[1:]) == expected.shape[1:]
    for training in (False, True):
        np.testing.assert_allclose(layer.forward(x, training=training), expected, rtol=1e-10, atol=1e-12)


@given(sizes, sizes, st.integers(0, 2), sizes, st.integers(0, 2**32))
def test_a_series_is_an_image_of_one_row(kernel, stride, padding, dilation, seed):
    options = {"padding": padding, "rng": seed, "dtype": np.float64}
    line = Conv1d(2, 3, kernel, stride=stride, dilation=dilation, **options)
    image = Conv2d(
        2, 3, (1, kernel), stride=(1, stride), dilation=(1, dilation), **options | {"padding": (0, padding)}
    )
    x = np.random.default_rng(seed).standard_normal((2, 2, 7))
    y = line.forward(x, training=True)
    np.testing.assert_array_equal(image.forward(x[:, :, None], training=True)[:, :, 0], y)
    dx = image.backward(np.ones((*y.shape[:2], 1, y.shape[2])))
    np.testing.assert_array_equal(line.backward(np.ones(y.shape)), dx[:, :, 0])
    np.testing.assert_array_equal(line.weight.grad, image.weight.grad[:, :, 0])
    assert line.output_shape((2, 7)) == y.shape[1:]


@pytest.mark.parametrize("initializer", [he_normal, xavier_uniform])
@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (lambda **more: Conv2d(32, 64, 3, rng=0, **more), 32 * 9),
        (lambda **more: Conv2d(64, 128, (5, 3), groups=4, rng=0, **more), 16 * 15),
        (lambda **more: Conv1d(64, 128, 5, rng=0, **more), 64 * 5),
        (lambda **more: ConvTranspose2d(64, 32, 4, stride=2, rng=0, **more), 64 * 16 // 4),
        (lambda **more: ConvTranspose2d(64, 64, 3, stride=(1, 2), groups=2, rng=0, **more), 32 * 9 / 2),
    ],
)
def test_draws_count_what_an_output_sees(layer, fan_in, initializer):
    made = layer(initializer=initializer)
    variance = 2 / fan_in if initializer is he_normal else 2 / (fan_in + made.out_channels)
    assert made.weight.value.var() == pytest.approx(variance, rel=0.05)
    assert made.initializer is initializer
    assert not made.bias.value.any()


def test_what_an_initializer_draws_is_checked():
    for kind in (Conv2d, ConvTranspose2d):
        with pytest.raises(ShapeError, match=r"its initializer to draw shape \(18, 3\), got \(2,\)"):
            kind(2, 3, 3, initializer=lambda rng, shape, dtype: np.ones(2))
        with pytest.raises(ConfigurationError, match=r"initializer to be a function \(rng, shape, dtype\)"):
            kind(2, 3, 3, initializer=np.ones(2))


def test_draws_are_those_of_a_matrix():
    matrix = normal(1.0)(0, (2 * 6, 3), np.float32)
    weight = Conv2d(2, 3, (3, 2), initializer=normal(1.0), rng=0).weight.value
    np.testing.assert_array_equal(weight[1], matrix[:, 1].reshape(2, 3, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conv2d(3, 4, 3, groups=2), "in_channels that 2 groups share evenly, got 3"),
        (lambda: Conv2d(4, 3, 3, groups=2), "out_channels that 2 groups share evenly, got 3"),
        (lambda: Conv2d(3, 4, (3, 3, 3)), r"kernel_size to be one number, or 2, got \(3, 3, 3\)"),
        (lambda: Conv1d(3, 4, (3, 3)), "kernel_size to be one number, or 1"),
        (lambda: Conv2d(3, 4, 0), "kernel_size to be whole numbers >= 1"),
        (lambda: Conv2d(3, 4, 3, padding=-1), "padding to be whole numbers >= 0"),
        (lambda: Conv2d(3, 4, 3, padding="same"), "padding to be whole numbers >= 0"),
        (lambda: Conv2d(3, 4, 3, stride=0), "stride to be whole numbers >= 1"),
        (lambda: Conv2d(3, 4, 3, bias=1), "bias to be True or False"),
        (lambda: ConvTranspose2d(3, 4, 3, output_padding=1), "output_padding below the larger one of stride"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (Conv2d(3, 4, 3), (2, 5, 8, 8), r"x of shape \(batch, 3, height, width\), got \(2, 5, 8, 8\)"),
        (Conv2d(3, 4, 3), (2, 3, 8), r"expected x of shape \(batch, 3, height, width\), got \(2, 3, 8\)"),
        (Conv1d(3, 4, 3), (2, 3, 8, 8), r"expected x of shape \(batch, 3, length\), got"),
        (Conv2d(3, 4, 5, padding=1), (2, 3, 8, 2), r"at least \(3, 3\), into which .*, got \(8, 2\)"),
        (Conv1d(3, 4, 3, dilation=2), (2, 3, 4), r"at least \(5,\), into which a window fits, got \(4,\)"),
        (Conv2d(3, 4, 1), (2, 3, 0, 8), r"at least \(1, 1\)"),
        (ConvTranspose2d(3, 4, 1, padding=1), (2, 3, 2, 8), "of which something is left without the padding"),
    ],
)  # fmt: skip
def test_samples_of_another_shape_are_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        layer.forward(np.zeros(shape, np.float32), training=True)
    with pytest.raises(ShapeError, match="samples of shape" if "x of shape" in message else message):
        layer.output_shape(shape[1:])


def test_another_dtype_and_another_upstream_gradient_are_refused():
    layer = Conv2d(1, 2, 3)
    with pytest.raises(DTypeError, match="x of dtype float32, got float64"):
        layer.forward(np.zeros((2, 1, 4, 4)), training=False)
    layer.forward(np.zeros((2, 1, 4, 4), np.float32), training=True)
    with pytest.raises(ShapeError, match=r"expected dy of shape \(2, 2, 2, 2\), got \(2, 2, 4, 4\)"):
        layer.backward(np.zeros((2, 2, 4, 4), np.float32))


def test_what_is_frozen_gets_no_gradient():
    layer = Conv2d(2, 3, 3, rng=0)
    layer.parameters["weight"].frozen = True
    x = np.random.default_rng(0).standard_normal((2, 2, 5, 5)).astype(np.float32)
    y = layer.forward(x, training=True)
    layer.backward(y)
    assert not layer.weight.grad.any()
    np.testing.assert_allclose(layer.bias.grad, y.sum(axis=(0, 2, 3)), rtol=1e-5, atol=1e-5)


def test_without_a_bias():
    layer = Conv2d(2, 3, 3, bias=False, rng=0)
    assert list(layer.parameters) == ["weight"]
    assert repr(layer) == "Conv2d(2, 3, 3, bias=False)"
    assert repr(ConvTranspose2d(2, 3, (2, 4), stride=(2, 2))) == "ConvTranspose2d(2, 3, (2, 4), stride=2)"


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_memory_is_that_of_activations_and_one_block_for_each_thread(kind, threads):
    layer = kind(8, 8, 3, padding=1, rng=0)
    x = np.ones((300, 8, 16, 16), np.float32)
    with threadpool_limits(threads):
        tracemalloc.start()
        layer.backward(layer.forward(x, training=True))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2 * x.nbytes + 1.5 * threads * BLOCK_BYTES


def test_a_net_learns_which_way_lines_run():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=64)
    x = np.repeat(rng.standard_normal((64, 1, 1, 8)), 8, axis=2)
    x[labels == 1] = x[labels == 1].swapaxes(2, 3)
    net = Sequential(
        Conv2d(1, 8, 3, rng=rng), ReLU(), Conv2d(8, 2, 3, rng=rng), GlobalAvgPool2d(), SoftmaxCrossEntropy()
    )
    optimizer = SGD(0.1, momentum=0.9)
    for _ in range(60):
        net.loss_and_gradients(x, labels)
        optimizer.step(net.parameters)
    assert (net.predict(x) == labels).all()


def test_groups_as_many_as_channels():
    check_layer(
        lambda rng, dtype: Conv2d(3, 6, (2, 1), groups=3, rng=rng, dtype=dtype), (3, 3, 2), batch=2, rng=1
    )
