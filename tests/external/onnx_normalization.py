"""ONNX's operators of normalization and of rows by index, as minidl has them."""

import numpy as np

from minidl.kernels.normalization import group_norm
from minidl.layers import BatchNorm1d, BatchNorm2d, Embedding, GroupNorm, LayerNorm
from tests.external.onnx_cases import both_ways, cannot


def filled(layer, scale, bias):
    layer.weight.value[...], layer.bias.value[...] = scale, bias
    return layer


def batch_normalization(x, scale, bias, mean, variance, *, epsilon=1e-5, momentum=0.9, training_mode=0):
    """The momentum is that of what is kept, not of what comes, and the variance is not made unbiased."""
    kinds = {2: BatchNorm1d, 3: BatchNorm1d, 4: BatchNorm2d}
    cannot("BatchNormalization", x.ndim not in kinds and "other than 2 to 4 axes")
    layer = filled(kinds[x.ndim](x.shape[1], eps=epsilon, momentum=1 - momentum), scale, bias)
    layer.running_mean.value[...], layer.running_var.value[...] = mean, variance
    y = layer.forward(x, training=bool(training_mode))
    if not training_mode:
        return [y]
    count = x.size // x.shape[1]
    moved = layer.running_var.value - momentum * variance
    return [y, layer.running_mean.value, momentum * variance + moved * np.float32((count - 1) / count)]


def layer_normalization(x, scale, bias, *, axis=-1, epsilon=1e-5):
    """Beside the output, ONNX asks for mean and inverse deviation, which the layer's kernel gives."""
    axis %= x.ndim
    samples = x if axis else x[None]  # what is normalized whole is one sample
    layer = filled(LayerNorm(scale.shape, eps=epsilon), scale, bias)
    rows, one = x.reshape(-1, scale.size, 1), np.ones(scale.size, x.dtype)
    mean, _, _, inverse_deviation = group_norm(rows, one, one, epsilon, 1, np.empty_like(rows))
    shape = (*x.shape[:axis], *[1] * scale.ndim)
    y = both_ways(layer, samples).reshape(x.shape)
    return [y, mean.reshape(shape), inverse_deviation.reshape(shape)]


def group_normalization(x, scale, bias, *, num_groups, epsilon=1e-5):
    return [both_ways(filled(GroupNorm(num_groups, x.shape[1], eps=epsilon), scale, bias), x)]


def instance_normalization(x, scale, bias, *, epsilon=1e-5):
    """A group norm whose every channel is a group."""
    return group_normalization(x, scale, bias, num_groups=x.shape[1], epsilon=epsilon)


def gather(table, indices, *, axis=0):
    cannot(
        "Gather",
        axis != 0 and "another axis than 0",
        table.ndim == 1 and "a table of numbers",
        (indices < 0).any() and "negative indices",
    )
    rows = table.reshape(len(table), -1)
    layer = Embedding(*rows.shape)
    layer.weight.value[...] = rows
    return [both_ways(layer, indices).reshape(*indices.shape, *table.shape[1:])]


NORMALIZATION = {
    "BatchNormalization": ("batch_normalization", batch_normalization),
    "Gather": ("gather", gather),
    "GroupNormalization": ("groupnormalization", group_normalization),
    "InstanceNormalization": ("instance_normalization", instance_normalization),
    "LayerNormalization": ("layernormalization", layer_normalization),
}
