"""PyTorch as the judge of what slides over images: outputs and every gradient."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from minidl.errors import ShapeError
from minidl.layers import AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, MaxPool2d, Reshape
from tests.external.test_torch import SEEDS, vjp_agrees

SIZES, SIDES, PADDINGS = st.integers(1, 4), st.integers(1, 9), st.integers(0, 3)


def per_axis(sizes, axes=2):
    """One number for all axes, or one for each."""
    return sizes | st.tuples(*[sizes] * axes)


@st.composite
def options(draw, axes):
    """All that a convolution may be given."""
    groups = draw(st.integers(1, 3))
    arguments = {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 5)),
        "kernel_size": draw(per_axis(SIZES, axes)),
        "stride": draw(per_axis(st.integers(1, 3), axes)),
        "padding": draw(per_axis(PADDINGS, axes)),
        "dilation": draw(per_axis(st.integers(1, 3), axes)),
    }
    return arguments | {"groups": groups, "bias": draw(st.booleans())}


def judged(kind, arguments, batch, image, seed):
    rng = np.random.default_rng(seed)
    layer = kind(**arguments, rng=rng, dtype=np.float64)
    for _, parameter in layer.named_parameters():
        parameter.value[...] = rng.standard_normal(parameter.shape)
    shape = (arguments["in_channels"], *image)
    try:
        layer.output_shape(shape)
    except ShapeError:  # no window fits
        assume(False)
    vjp_agrees(layer, rng.standard_normal((batch, *shape)), rng)


@given(options(2), st.integers(1, 5), st.tuples(SIDES, SIDES), SEEDS)
def test_conv2d(arguments, batch, image, seed):
    judged(Conv2d, arguments, batch, image, seed)


@given(options(1), st.integers(1, 5), st.tuples(SIDES), SEEDS)
def test_conv1d(arguments, batch, image, seed):
    judged(Conv1d, arguments, batch, image, seed)


@given(options(2), per_axis(st.integers(0, 2)), st.integers(1, 5), st.tuples(SIDES, SIDES), SEEDS)
def test_conv_transpose2d(arguments, rest, batch, image, seed):
    limits = np.maximum(*np.broadcast_arrays(arguments["stride"], arguments["dilation"]))
    arguments["output_padding"] = tuple(int(size) for size in np.broadcast_to(rest % limits, 2))
    judged(ConvTranspose2d, arguments, batch, image, seed)


@given(
    st.sampled_from([MaxPool2d, AvgPool2d]),
    st.tuples(SIZES, SIZES),
    st.none() | per_axis(SIZES),
    st.booleans(),
    st.integers(1, 4),
    st.tuples(SIDES, SIDES),
    st.booleans(),
    SEEDS,
)
def test_pooling(kind, kernel, stride, padded, channels, image, ties, seed):
    rng = np.random.default_rng(seed)
    image = tuple(max(size, side) for size, side in zip(kernel, image, strict=True))
    x = rng.standard_normal((3, channels, *image))
    padding = tuple(size // 2 for size in kernel) if padded else 0
    vjp_agrees(kind(kernel, stride, padding), np.round(x) if ties else x, rng)


@given(st.integers(1, 4), st.tuples(SIDES, SIDES), SEEDS)
def test_global_mean_and_reshape(channels, image, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((3, channels, *image))
    vjp_agrees(GlobalAvgPool2d(), x, rng)
    vjp_agrees(Reshape(image[1], -1), x, rng)
