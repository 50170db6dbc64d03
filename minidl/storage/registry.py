"""What a net's file may name without being told: classes and functions of minidl, each listed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform, zeros
from minidl.layers import (
    Affine,
    AvgPool2d,
    Conv1d,
    Conv2d,
    ConvTranspose2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
    ReLU,
    Reshape,
    Sequential,
    Standardize,
)
from minidl.losses import MeanSquaredError, SoftmaxCrossEntropy

_INITIALIZERS: tuple[Callable[..., Any], ...] = (he_normal, normal, ones, scaled, xavier_uniform, zeros)
_LAYERS = (
    *(Affine, Flatten, ReLU, Reshape, Sequential, Standardize),
    *(AvgPool2d, Conv1d, Conv2d, ConvTranspose2d, GlobalAvgPool2d, MaxPool2d),
)
_LOSSES = (MeanSquaredError, SoftmaxCrossEntropy)

KNOWN: dict[str, Callable[..., Any]] = {
    thing.__name__: thing for thing in (*_INITIALIZERS, *_LAYERS, *_LOSSES)
}
