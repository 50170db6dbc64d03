"""What a net's file may name without being told: classes and functions of minidl, each listed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform, zeros
from minidl.layers import (
    Add,
    Affine,
    BatchNorm1d,
    BatchNorm2d,
    Columns,
    Concat,
    Embedding,
    Flatten,
    GroupNorm,
    LayerNorm,
    ReLU,
    Residual,
    Sequential,
    Standardize,
)
from minidl.losses import (
    L1,
    BinaryCrossEntropy,
    Huber,
    MeanSquaredError,
    MulticlassHinge,
    SoftmaxCrossEntropy,
)

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
_NORMALIZATIONS = (BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm)
_EMBEDDINGS = (Embedding,)
_LOSSES = (BinaryCrossEntropy, Huber, L1, MeanSquaredError, MulticlassHinge, SoftmaxCrossEntropy)

KNOWN: dict[str, Callable[..., Any]] = {
    thing.__name__: thing for thing in (*_INITIALIZERS, *_LAYERS, *_NORMALIZATIONS, *_EMBEDDINGS, *_LOSSES)
}
