"""Ready-made nets, and the settings and the training that suit them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.callbacks import Callback
from minidl.checks import as_generator, check_int, check_kind, check_sizes
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal
from minidl.layers import Affine, Flatten, Layer, ReLU, Sequential
from minidl.losses import SoftmaxCrossEntropy
from minidl.net import Net
from minidl.optimizers import SGD
from minidl.regularizers import L2
from minidl.schedulers import StepDecay
from minidl.training import Trainer
from minidl.types import Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Settings:
    """How a data set is trained on where nothing else is said.

    `prior` gives the L2 penalty's strength as ``prior / training samples``: like a prior's, its
    weight against the data falls as they grow, so that one number suits a data set and a sample
    of it. `first_scale` shrinks the first layer's start, as `dense_net` explains.
    """

    hidden: tuple[int, ...] = (100,)
    epochs: int = 40
    batch_size: int = 50
    lr: float = 0.05
    lr_decay: float = 0.95
    momentum: float = 0.9
    prior: float = 5.0
    first_scale: float = 1.0


SETTINGS = {
    "digits": Settings(hidden=(100,), epochs=60, batch_size=32),
    "mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "fashion-mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "cifar10": Settings(hidden=(300,), epochs=20, lr=0.005, lr_decay=0.9, prior=100.0, first_scale=0.1),
}
"""What suits the data sets that come by name."""


def dense_net(
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
        raise ConfigurationError.expected("dense_net", expected, got)
    generator = as_generator(rng)
    sizes = [
        check_int("dense_net", "in_features", in_features, at_least=1),
        *check_sizes("dense_net", "hidden", hidden, at_least=1),
        check_int("dense_net", "num_classes", num_classes, at_least=1),
    ]
    parts: list[Any] = []
    if standardize is not None:
        parts.append(check_kind("dense_net", "standardize", standardize, Layer))
    parts.append(Flatten())
    draw = initializer if first_initializer is None else first_initializer
    for fan_in, fan_out in itertools.pairwise(sizes):
        parts += [Affine(fan_in, fan_out, rng=generator, dtype=dtype, initializer=draw), ReLU()]
        draw = initializer
    return Sequential(*parts[:-1], head)


def two_layer_net(in_features: int, hidden: int, num_classes: int, **options: Any) -> Sequential:
    """Affine, ReLU, affine, softmax: `dense_net` with one hidden layer, and its options."""
    return dense_net(in_features, [hidden], num_classes, **options)


def sgd_trainer(
    net: Net, settings: Mapping[str, Any], *, callbacks: Sequence[Callback] = (), rng: Rng = None
) -> Trainer:
    """The classic training: SGD with momentum, a rate that decays every epoch, an L2 penalty.

    Parameters
    ----------
    net : Net
    settings : mapping
        ``lr``, and where they are other than 0, 0.95 and 0: ``momentum``, ``lr_decay``, ``reg``.
    callbacks, rng
        As `Trainer` takes them.
    """
    return Trainer(
        net,
        SGD(settings["lr"], momentum=settings.get("momentum", 0.0)),
        scheduler=StepDecay(settings.get("lr_decay", 0.95)),
        regularizer=L2(settings.get("reg", 0.0)),
        callbacks=callbacks,
        rng=rng,
    )
