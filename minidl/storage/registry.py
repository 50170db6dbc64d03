"""What a net's file may name without being told: classes and functions of minidl, each listed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform, zeros
from minidl.layers import (
    ELU,
    GELU,
    Affine,
    Dropout,
    Flatten,
    LeakyReLU,
    LogSoftmax,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Standardize,
    Tanh,
)
from minidl.losses import MeanSquaredError, SoftmaxCrossEntropy

_INITIALIZERS: tuple[Callable[..., Any], ...] = (he_normal, normal, ones, scaled, xavier_uniform, zeros)
_ACTIVATIONS = (ELU, GELU, LeakyReLU, LogSoftmax, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh)
_LAYERS = (Affine, Dropout, Flatten, Sequential, Standardize)
_LOSSES = (MeanSquaredError, SoftmaxCrossEntropy)

KNOWN: dict[str, Callable[..., Any]] = {
    thing.__name__: thing for thing in (*_INITIALIZERS, *_ACTIVATIONS, *_LAYERS, *_LOSSES)
}
