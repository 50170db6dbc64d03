"""What a net's file may name without being told: classes and functions of minidl, each listed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform, zeros
from minidl.layers import Add, Affine, Columns, Concat, Flatten, ReLU, Residual, Sequential, Standardize
from minidl.losses import MeanSquaredError, SoftmaxCrossEntropy

_INITIALIZERS: tuple[Callable[..., Any], ...] = (he_normal, normal, ones, scaled, xavier_uniform, zeros)
_LAYERS: tuple[Callable[..., Any], ...] = (
    Add,
    Affine,
    Columns,
    Concat,
    Flatten,
    ReLU,
    Residual,
    Sequential,
    Standardize,
)
_LOSSES = (MeanSquaredError, SoftmaxCrossEntropy)

KNOWN: dict[str, Callable[..., Any]] = {
    thing.__name__: thing for thing in (*_INITIALIZERS, *_LAYERS, *_LOSSES)
}
