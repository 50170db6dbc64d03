"""ONNX's operators that slide over images, as minidl has them."""

import numpy as np

from minidl.layers import AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, MaxPool2d, Reshape
from tests.external.onnx_cases import both_ways, cannot


def padding_of(operator, pads, auto_pad, axes):
    """One number for each axis, of those that ONNX has for each axis's beginning and end."""
    begin, end = (pads or [0] * 2 * axes)[:axes], (pads or [0] * 2 * axes)[axes:]
    differs = begin != end and "padding that differs from side to side"
    cannot(operator, auto_pad not in (b"NOTSET", b"VALID") and "auto_pad", differs)
    return tuple(begin)


def conv(
    x, weight, bias=None, *, kernel_shape=None, pads=None, strides=1, dilations=1, group=1, auto_pad=b"NOTSET"
):
    cannot("Conv", x.ndim not in (3, 4) and "three axes")
    padding = padding_of("Conv", pads, auto_pad, x.ndim - 2)
    assert list(weight.shape[2:]) == (kernel_shape or list(weight.shape[2:]))
    layer = (Conv1d if x.ndim == 3 else Conv2d)(
        x.shape[1], len(weight), weight.shape[2:], stride=strides, padding=padding, dilation=dilations,
        groups=group, bias=bias is not None,
    )  # fmt: skip
    return [with_values(layer, x, weight, bias)]


def with_values(layer, x, weight, bias):
    layer.weight.value[...] = weight
    if bias is not None:
        layer.bias.value[...] = bias
    return both_ways(layer, x)


def convtranspose(
    x, weight, bias=None, *, kernel_shape=None, pads=None, strides=1, dilations=1, output_padding=0,
    output_shape=None, group=1, auto_pad=b"NOTSET",
):  # fmt: skip
    cannot("ConvTranspose", x.ndim != 4 and "other than two axes", output_shape and "output_shape")
    padding = padding_of("ConvTranspose", pads, auto_pad, x.ndim - 2)
    layer = ConvTranspose2d(
        x.shape[1], weight.shape[1] * group, kernel_shape or weight.shape[2:], stride=strides,
        padding=padding, output_padding=output_padding, groups=group, bias=bias is not None,
        dilation=dilations,
    )  # fmt: skip
    return [with_values(layer, x, weight, bias)]


def pool(
    operator, kind, x, kernel_shape, *, strides=1, pads=None, dilations=(1,), ceil_mode=0,
    auto_pad=b"NOTSET", storage_order=0, count_include_pad=0,
):  # fmt: skip
    cannot(
        operator,
        x.ndim != 4 and "other than two axes",
        x.dtype.kind != "f" and "integers",
        ceil_mode and "ceil_mode",
        max(dilations) > 1 and "dilation",
    )
    padding = padding_of(operator, pads, auto_pad, x.ndim - 2)
    too_wide = any(2 * pad > size for pad, size in zip(padding, kernel_shape, strict=True))
    of_numbers_only = kind is AvgPool2d and any(padding) and not count_include_pad
    cannot(
        operator,
        too_wide and "padding of more than half of the kernel",
        of_numbers_only and "means without the padding",
    )
    return kind(kernel_shape, strides, padding), both_ways(kind(kernel_shape, strides, padding), x)


def maxpool(x, *, kernel_shape, storage_order=0, **options):
    """With where the largest numbers are, which the gradient of a one shows: in small cases, that have it."""
    layer, y = pool("MaxPool", MaxPool2d, x, kernel_shape, **options)
    if y.size > 100:
        return [y]
    places = np.zeros(y.shape, np.int64)
    for at in np.ndindex(y.shape):
        layer.forward(x, training=True)
        dy = np.zeros_like(y)
        dy[at] = 1
        n, c, row, pixel = np.argwhere(layer.backward(dy))[0]
        within = pixel * x.shape[2] + row if storage_order else row * x.shape[3] + pixel
        places[at] = (n * x.shape[1] + c) * x.shape[2] * x.shape[3] + within
    return [y, places]


def averagepool(x, *, kernel_shape, **options):
    return [pool("AveragePool", AvgPool2d, x, kernel_shape, **options)[1]]


def globalaveragepool(x):
    """With the two axes of size 1 that ONNX keeps."""
    return [both_ways(GlobalAvgPool2d(), x)[:, :, None, None]]


def reshape(x, shape, *, allowzero=0):
    cannot("Reshape", allowzero and "axes of size 0")
    sizes = [x.shape[axis] if size == 0 else size for axis, size in enumerate(shape.tolist())]
    rest = sizes[1:]
    samples = sizes[0] if sizes[0] != -1 else x.size // np.prod(rest)
    cannot("Reshape", samples != len(x) and "another number of samples")
    return [both_ways(Reshape(*rest), x)]


CONVOLUTION_OPERATORS = {
    "AveragePool": ("averagepool", averagepool),
    "Conv": ("conv", conv),
    "ConvTranspose": ("convtranspose", convtranspose),
    "GlobalAveragePool": ("globalaveragepool", globalaveragepool),
    "MaxPool": ("maxpool", maxpool),
    "Reshape": ("reshape", reshape),
}
