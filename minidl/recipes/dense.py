"""Nets of affine layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_int, check_kind, check_sizes
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal
from minidl.layers import Affine, Flatten, Layer, ReLU, Sequential
from minidl.losses import SoftmaxCrossEntropy
from minidl.types import Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


def mlp(
    in_features: int,
    hidden: int | Sequence[int],
    num_classes: int,
    *,
    standardize: Layer | None = None,
    rng: Rng = None,
    dtype: npt.DTypeLike = np.float32,
    initializer: Initializer = he_normal,
    first_initializer: Initializer | None = None,
    target_names: Sequence[str] | None = None,
) -> Sequential:
    """Affine and ReLU for every hidden size, an affine layer to the scores, softmax.

    Parameters
    ----------
    in_features : int
        Numbers in one sample, whatever its shape.
    hidden : int or sequence of int
        Units of each hidden layer; a number is one layer's.
    num_classes : int
    standardize : Layer, optional
        Stands first, such as `Standardize`; samples are flattened behind it.
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
        The name of each class, kept in the net's file.
    """
    head = SoftmaxCrossEntropy() if target_names is None else SoftmaxCrossEntropy(target_names)
    if head.target_names and len(head.target_names) != num_classes:
        expected, got = f"{num_classes} target_names, one for each class", len(head.target_names)
        raise ConfigurationError.expected("mlp", expected, got)
    generator = as_generator(rng)
    sizes = [
        check_int("mlp", "in_features", in_features, at_least=1),
        *check_sizes("mlp", "hidden", hidden, at_least=1),
        check_int("mlp", "num_classes", num_classes, at_least=1),
    ]
    parts: list[Any] = []
    if standardize is not None:
        parts.append(check_kind("mlp", "standardize", standardize, Layer))
    parts.append(Flatten())
    draw = initializer if first_initializer is None else first_initializer
    for fan_in, fan_out in itertools.pairwise(sizes):
        parts += [Affine(fan_in, fan_out, rng=generator, dtype=dtype, initializer=draw), ReLU()]
        draw = initializer
    return Sequential(*parts[:-1], head)


def two_layer_net(in_features: int, hidden: int, num_classes: int, **options: Any) -> Sequential:
    """Affine, ReLU, affine, softmax: `mlp` with one hidden layer, and its options."""
    return mlp(in_features, [hidden], num_classes, **options)
