"""Models by their name: the function that builds one from a configuration."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from minidl import recipes
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal, scaled
from minidl.layers import Standardize
from minidl.net import Net
from minidl.sweep.space import Configuration

if TYPE_CHECKING:
    import numpy.typing as npt

NAMES = ("mlp", "two_layer_net")
_NEEDED = {"hidden", "lr"}
_KEYS = _NEEDED | {"momentum", "lr_decay", "reg", "batch_size", "first_scale", "seed"}


@dataclass(frozen=True)
class NamedModel:
    """A function of `minidl.recipes`, called with a configuration's ``hidden``, behind `standardize`."""

    name: str
    in_features: int
    num_classes: int
    standardize: Standardize
    target_names: tuple[str, ...] | None

    @classmethod
    def of(
        cls, name: str, data: Splits, dtype: npt.DTypeLike, configurations: Sequence[Configuration]
    ) -> Self:
        """The model for `data`; `ConfigurationError` for a name or a configuration's key it does not know."""
        if name not in NAMES:
            expected = f"one of {', '.join(NAMES)}, or a function (configuration, data, rng)"
            raise ConfigurationError.expected("Sweep", expected, repr(name))
        for configuration in configurations:
            check_keys(name, configuration)
        features = data.train.features
        # Pixels share one scale; measurements of different kinds each need their own.
        is_image = len(data.sample_shape) > 1 or features.dtype == np.uint8
        standardize = Standardize.fit(features, shared_scale=is_image, dtype=dtype)
        names = data.train.target_names
        names = names if names and len(names) == data.num_classes else None
        return cls(name, math.prod(data.sample_shape), data.num_classes, standardize, names)

    def __call__(self, configuration: Configuration, data: Splits, rng: np.random.Generator) -> Net:
        """The net, its weights drawn from `rng`."""
        check_keys(self.name, configuration)
        net: Net = getattr(recipes, self.name)(
            self.in_features,
            configuration["hidden"],
            self.num_classes,
            standardize=copy.deepcopy(self.standardize),  # a layer stands in one net
            first_initializer=scaled(he_normal, configuration.get("first_scale", 1.0)),
            rng=rng,
            dtype=self.standardize.dtype,
            target_names=self.target_names,
        )
        return net

    def __repr__(self) -> str:
        return f"{self.name}, {self.standardize.dtype}"


def check_keys(name: str, configuration: Configuration) -> None:
    """`ConfigurationError` for a configuration that lacks a key, or has one that no named model knows."""
    if not _NEEDED <= configuration.keys() <= _KEYS:
        expected = f"hidden and lr, and nothing but {', '.join(sorted(_KEYS - _NEEDED))} beside them"
        raise ConfigurationError.expected(f"Sweep of {name}", expected, ", ".join(configuration))
