"""Nets of affine layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import layers
from minidl.checks import (
    as_generator,
    check_bool,
    check_float,
    check_int,
    check_kind,
    check_list,
    check_sizes,
)
from minidl.initializers import he_normal
from minidl.layers import Affine, Dropout, Flatten, Layer, Sequential
from minidl.losses import Loss
from minidl.recipes.head import head
from minidl.recipes.names import ACTIVATIONS, NORMS, named
from minidl.types import Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


def mlp(
    in_features: int,
    hidden: int | Sequence[int],
    num_outputs: int,
    *,
    activation: str = "relu",
    norm: str | None = None,
    dropout: float = 0.0,
    loss: Loss | None = None,
    standardize: Layer | None = None,
    flatten: bool = True,
    last: Sequence[Layer] = (),
    rng: Rng = None,
    dtype: npt.DTypeLike = np.float32,
    initializer: Initializer = he_normal,
    first_initializer: Initializer | None = None,
    target_names: Sequence[str] | None = None,
) -> Sequential:
    """Affine and an activation for every hidden size, an affine layer to the scores, and the loss.

    Parameters
    ----------
    in_features : int
        Numbers in one sample, whatever its shape.
    hidden : int or sequence of int
        Units of each hidden layer; a number is one layer's.
    num_outputs : int
        Classes, or with a loss for numbers how many of them to predict.
    activation : str
        Behind each hidden layer: "relu", "leaky_relu", "elu", "sigmoid", "tanh", "gelu", "silu" or
        "softplus".
    norm : "batch", "layer" or None
        What stands between a hidden layer and its activation: `BatchNorm1d` or `LayerNorm`.
    dropout : float
        The share of each hidden layer's outputs that `Dropout` drops; with 0 there is none.
    loss : Loss, optional
        `SoftmaxCrossEntropy` by default; `MeanSquaredError()` for one that predicts numbers.
    standardize : Layer, optional
        Stands first, such as `Standardize`; samples are flattened behind it.
    flatten : bool
        False for sparse samples, which only an affine layer that stands first takes.
    last : sequence of Layer
        Stand between the scores and the loss: what brings them to the unit or shape of the targets.
    rng : Generator, seed or None
        Draws the weights, layer after layer.
    dtype : float32 or float64
    initializer : callable ``(rng, shape, dtype) -> array``
        Of the weights.
    first_initializer : callable, optional
        Of the first layer's weights, where they should start otherwise. Neighbouring pixels go
        together, so that a sum over them is far larger than one over independent features, and a
        first layer that starts smaller (``scaled(he_normal, 0.1)``) learns cleaner weights.
    target_names : tuple or list of str, optional
        The name of each class, kept in the net's file; for the default loss.

    Examples
    --------
    >>> net = mlp(64, [32], 10, activation="gelu", norm="batch", dropout=0.2, rng=0)
    >>> [type(layer).__name__ for layer in net]
    ['Flatten', 'Affine', 'BatchNorm1d', 'GELU', 'Dropout', 'Affine']
    """
    generator = as_generator(rng)
    inputs = check_int("mlp", "in_features", in_features, at_least=1)
    units = check_sizes("mlp", "hidden", hidden, at_least=1)
    outputs = check_int("mlp", "num_outputs", num_outputs, at_least=1)
    activate = named("mlp", "activation", activation, layers, ACTIVATIONS)
    normalize = None if norm is None else named("mlp", "norm", norm, layers, NORMS)
    check_float("mlp", "dropout", dropout, at_least=0, at_most=1)
    parts: list[Any] = [] if standardize is None else [check_kind("mlp", "standardize", standardize, Layer)]
    if check_bool("mlp", "flatten", flatten):
        parts.append(Flatten())
    draw = initializer if first_initializer is None else first_initializer
    for fan_in, fan_out in itertools.pairwise([inputs, *units]):
        parts.append(Affine(fan_in, fan_out, rng=generator, dtype=dtype, initializer=draw))
        if normalize is not None:
            parts.append(normalize(fan_out, dtype=dtype))
        parts.append(activate())
        if dropout:
            parts.append(Dropout(dropout, rng=generator))
        draw = initializer
    parts.append(Affine([inputs, *units][-1], outputs, rng=generator, dtype=dtype, initializer=draw))
    parts += check_list("mlp", "last", last, Layer, "layers")
    return Sequential(*parts, head("mlp", outputs, loss, target_names))


def two_layer_net(in_features: int, hidden: int, num_outputs: int, **options: Any) -> Sequential:
    """Affine, ReLU, affine, softmax: `mlp` with one hidden layer, and its options."""
    return mlp(in_features, [hidden], num_outputs, **options)
