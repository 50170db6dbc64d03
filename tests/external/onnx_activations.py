"""ONNX's operators that are activations, as minidl's layers have them."""

import numpy as np

from minidl.layers import ELU, GELU, Dropout, LeakyReLU, LogSoftmax, Sigmoid, SiLU, Softmax, Softplus, Tanh
from tests.external.onnx_cases import both_ways, cannot

NOT_LAST = "another axis than the last"


def elu(x, *, alpha=1.0):
    return [both_ways(ELU(alpha), x)]


def gelu(x, *, approximate=b"none"):
    return [both_ways(GELU(approximate.decode()), x)]


def leaky_relu(x, *, alpha=0.01):
    return [both_ways(LeakyReLU(alpha), x)]


def sigmoid(x):
    return [both_ways(Sigmoid(), x)]


def swish(x, *, alpha=1.0):
    cannot("Swish", alpha != 1 and "another alpha than 1")
    return [both_ways(SiLU(), x)]


def tanh(x):
    return [both_ways(Tanh(), x)]


def softplus(x):
    return [both_ways(Softplus(), x)]


def softmax(x, *, axis=-1):
    cannot("Softmax", axis % x.ndim != x.ndim - 1 and NOT_LAST)
    return [both_ways(Softmax(), x)]


def logsoftmax(x, *, axis=-1):
    cannot("LogSoftmax", axis % x.ndim != x.ndim - 1 and NOT_LAST)
    return [both_ways(LogSoftmax(), x)]


def dropout(x, ratio=0.5, training_mode=False, *, seed=None):
    cannot("Dropout", training_mode and ratio > 0 and "the draws of another random generator")
    y = Dropout(float(ratio)).forward(x, training=bool(training_mode))
    return [y, np.ones(x.shape, bool)]  # the mask, of what is dropped where nothing is


OPERATORS = {
    "Dropout": ("dropout", dropout),
    "Elu": ("elu", elu),
    "Gelu": ("gelu", gelu),
    "LeakyRelu": ("leakyrelu", leaky_relu),
    "LogSoftmax": ("logsoftmax", logsoftmax),
    "Sigmoid": ("sigmoid", sigmoid),
    "Softmax": ("softmax", softmax),
    "Softplus": ("softplus", softplus),
    "Swish": ("swish", swish),
    "Tanh": ("tanh", tanh),
}
"""By ONNX's name: its module of cases and the function above."""
