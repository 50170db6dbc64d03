"""What minidl's own parts compute, in plain NumPy and SciPy: the references of their contracts."""

import math

import numpy as np
from scipy import special

from minidl.kernels.adaptive import (
    adagrad_update_definition,
    adam_update_definition,
    rmsprop_update_definition,
)
from minidl.kernels.convolution import convolution_definition, transposed_convolution_definition
from minidl.kernels.losses import huber_definition, multiclass_hinge_definition
from minidl.kernels.pooling import max_pool_definition, mean_pool_definition
from minidl.kernels.vectors import nesterov_update_definition
from minidl.kernels.windows import Windows
from minidl.layers import (
    ELU,
    GELU,
    Add,
    Affine,
    AvgPool2d,
    Columns,
    Concat,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    LogSoftmax,
    MaxPool2d,
    ReLU,
    Reshape,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Standardize,
    Tanh,
)


def relu(x):
    return np.maximum(x, 0)


def line(x, weight, bias):
    return x @ weight + bias


def gelu(features):
    if features % 2:
        return lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return lambda x: x * special.ndtr(x)


def residual(x, first, offset, second, shift, *shortcut):
    through = line(relu(line(x, first, offset)), second, shift)
    return through + (line(x, *shortcut) if shortcut else x)


def concat(x, first, offset, second, shift):
    return np.concatenate([line(x, first, offset), x + relu(x), line(x, second, shift)], axis=1)


def columns(x, weight, bias):
    return np.concatenate([line(x[:, [0, -1]], weight, bias), relu(x[:, 1:])], axis=1)


def sequential(x, first, offset, second, shift):
    return line(relu(line(x.reshape(len(x), -1), first, offset)), second, shift)


def convolution(axes, **options):
    def of(shape, features):
        row = (1, 0)[2 - axes :] if axes == 1 else None
        kernel, stride = (3, 2), (1 + features % 2, 2 - features % 2)
        sizes = {"kernel": kernel, "stride": stride, "padding": (1, 1), "dilation": (1, 1), **options}
        if row:
            sizes = {"kernel": (1, 3), "stride": (1, stride[0]), "padding": (0, 1)}

        def reference(x, weight, *bias):
            image = x.reshape(x.shape[0], x.shape[1], -1, x.shape[-1]) if axes == 2 else x[:, :, None]
            kernels = weight if axes == 2 else weight[:, :, None]
            y = convolution_definition(image, kernels, *(bias or (np.zeros(features),)), Windows(**sizes))
            return y if axes == 2 else y[:, :, 0]

        return reference

    return of


def transposed_convolution(shape, features):
    windows = Windows((3, 2), (1 + features % 2, 2 - features % 2), (1, 0), (1, 2))

    def reference(x, weight, *bias):
        # As PyTorch counts: (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
        high = (x.shape[2] - 1) * windows.stride[0] - 2 + 2 + 0 + 1
        wide = (x.shape[3] - 1) * windows.stride[1] - 0 + 2 + 1 + 1
        bias = bias[0] if bias else np.zeros(features)
        return transposed_convolution_definition(x, weight, bias, windows, (high, wide))

    return reference


def pool(definition, kernel):
    def of(shape, features):
        stride = 1 + features % 2
        return lambda x: definition(x, Windows(kernel, (stride, stride), (1, 1)))

    return of


LAYERS = {
    Affine: lambda shape, features: line,
    ReLU: lambda shape, features: relu,
    Flatten: lambda shape, features: lambda x: x.reshape(len(x), -1),
    Standardize: lambda shape, features: lambda x: (x - 0.5) / features,
    Sequential: lambda shape, features: sequential,
    Residual: lambda shape, features: residual,
    Add: lambda shape, features: lambda x, *values: sum(map(line, [x] * features, values[::2], values[1::2])),
    Concat: lambda shape, features: concat,
    Columns: lambda shape, features: columns,
    LeakyReLU: lambda shape, features: lambda x: np.where(x > 0, x, 0.1 * features * x),
    ELU: lambda shape, features: lambda x: np.where(x > 0, x, 0.5 * features * np.expm1(x)),
    Sigmoid: lambda shape, features: special.expit,
    Tanh: lambda shape, features: np.tanh,
    GELU: lambda shape, features: gelu(features),
    SiLU: lambda shape, features: lambda x: x * special.expit(x),
    Softplus: lambda shape, features: lambda x: np.logaddexp(0, 0.5 * features * x) / (0.5 * features),
    Softmax: lambda shape, features: lambda x: special.softmax(x, axis=-1),
    LogSoftmax: lambda shape, features: lambda x: special.log_softmax(x, axis=-1),
    Dropout: lambda shape, features: lambda x: x,
    Reshape: lambda shape, features: lambda x: x.reshape(len(x), *shape[1:], 1, -1),
    Conv1d: convolution(1),
    Conv2d: convolution(2, dilation=(1, 2)),
    ConvTranspose2d: transposed_convolution,
    MaxPool2d: pool(max_pool_definition, (2, 2)),
    AvgPool2d: pool(mean_pool_definition, (2, 3)),
    GlobalAvgPool2d: lambda shape, features: lambda x: x.mean(axis=(2, 3)),
}
"""By class, for the layer that `tests.testing.test_own` makes of a shape and a number of features."""


def _shaped(vector, x):
    return vector.reshape(-1, *(1,) * (x.ndim - 2))


def batch_norm(x, weight, bias, mean, variance):
    normal = (x - _shaped(mean, x)) / np.sqrt(_shaped(variance, x) + 1e-5)
    return normal * _shaped(weight, x) + _shaped(bias, x)


def batch_norm_training(x, weight, bias, mean, variance):
    axes = (0, *range(2, x.ndim))
    now, spread = x.mean(axis=axes), x.var(axis=axes)
    kept = 0.9 * mean + 0.1 * now, 0.9 * variance + 0.1 * x.var(axis=axes, ddof=1)
    return batch_norm(x, weight, bias, now, spread), *kept


def layer_norm(x, weight, bias):
    axes = tuple(range(1, x.ndim))
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias


def group_norm(x, weight, bias):
    groups = x.reshape(2 * len(x), -1)
    ones = np.ones(groups.shape[1:])
    return layer_norm(groups, ones, 0 * ones).reshape(x.shape) * _shaped(weight, x) + _shaped(bias, x)


def cross_entropy(smoothing=0.0, weigh=np.ones_like):
    def reference(scores, labels):
        weights = weigh(np.arange(1.0, scores.shape[1] + 1))
        targets = (1 - smoothing) * np.eye(scores.shape[1])[labels] + smoothing / scores.shape[1]
        return -(targets * weights * special.log_softmax(scores, axis=1)).sum() / weights[labels].sum()

    return reference


def hinge(scores, labels):
    return multiclass_hinge_definition(scores, labels, 1.5)[0].mean()


def huber(scores, targets):
    return huber_definition(scores, targets, 0.7)[0].mean()


def binary(scores, targets):
    targets = targets.reshape(scores.shape)
    return -(targets * special.log_expit(scores) + (1 - targets) * special.log_expit(-scores)).mean()


def sgd(lr, momentum=0.0, nesterov=False):
    def steps(values, gradients):
        velocity = 0
        for gradient in gradients:
            if nesterov:
                values, velocity = nesterov_update_definition(values, gradient, velocity, lr, momentum)
                continue
            velocity = momentum * velocity + gradient
            values = values - lr * velocity
        return values

    return steps


def adam(lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    def steps(values, gradients):
        first = second = 0
        for step, gradient in enumerate(gradients, start=1):
            values, first, second = adam_update_definition(
                values, gradient, first, second, lr, betas, eps, step, weight_decay
            )
        return values

    return steps


def rmsprop(lr, alpha=0.99, momentum=0.0):
    def steps(values, gradients):
        square = velocity = 0
        for gradient in gradients:
            values, square, velocity = rmsprop_update_definition(
                values, gradient, square, velocity, lr, alpha, 1e-8, momentum
            )
        return values

    return steps


def adagrad(lr, lr_decay=0.0, initial_accumulator_value=0.0):
    def steps(values, gradients):
        total = 0
        for step, gradient in enumerate(gradients):
            rate = lr / (1 + step * lr_decay)
            values, total = adagrad_update_definition(
                values, gradient, total, rate, 1e-10, initial_accumulator_value
            )
        return values

    return steps
