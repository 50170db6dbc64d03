"""Models by their name: the function that builds one from a configuration."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from minidl import losses, recipes
from minidl.checks import check_choice
from minidl.data import Splits
from minidl.errors import ConfigurationError
from minidl.initializers import he_normal, scaled
from minidl.kernels.sparse import is_csr
from minidl.layers import Layer, Standardize
from minidl.losses import Loss, SoftmaxCrossEntropy
from minidl.net import Net
from minidl.recipes.defaults import GENERAL, Settings
from minidl.recipes.head import unit_of
from minidl.recipes.images import residual_conv_net, small_conv_net
from minidl.recipes.names import CLASS_WEIGHTS, LABEL_LOSSES, MODELS, NUMBER_LOSSES, named
from minidl.recipes.settings import KEYS
from minidl.recipes.tables import table_net
from minidl.sweep.space import Configuration
from minidl.tables import listed

if TYPE_CHECKING:
    import numpy.typing as npt

NAMES = (*MODELS, "two_layer_net")
_IMAGE = ("conv", "resnet")


@dataclass(frozen=True)
class NamedModel:
    """The net that a configuration describes: of `minidl.recipes`, behind `standardize`.

    Attributes
    ----------
    name : str
        The model where a configuration names none.
    dtype : float32 or float64
    standardize : Standardize or None
        Of the features; None where they are sparse, which they would not be behind it.
    targets : Standardize or None
        Of targets that are numbers.
    """

    name: str
    dtype: np.dtype[Any]
    standardize: Standardize | None
    targets: Standardize | None

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
        for configuration in configurations or [{}]:
            _check_columns(configuration.get("model", name), data)
        features = data.train.features
        standardize = targets = None
        if not is_csr(features):
            # Pixels share one scale; measurements of different kinds each need their own.
            is_image = len(data.sample_shape) > 1 or features.dtype == np.uint8
            standardize = Standardize.fit(features, shared_scale=is_image, dtype=dtype)
        if not data.has_labels:
            targets = Standardize.fit(data.train.targets, shared_scale=True, dtype=np.float64)
        return cls(name, np.dtype(dtype), standardize, targets)

    def __call__(self, configuration: Configuration, data: Splits, rng: np.random.Generator) -> Net:
        """The net, its weights drawn from `rng`."""
        name = check_keys(self.name, configuration)
        _check_columns(name, data)
        get, loss = configuration.get, self._loss(configuration, data)
        common: dict[str, Any] = {"loss": loss, "rng": rng, "dtype": self.dtype}
        common["dropout"] = get("dropout", 0.0)
        if self.standardize is None and name in ("table", *_IMAGE):
            expected, got = "features that are an array", "a sparse matrix"
            raise ConfigurationError.expected(f"model {name}", expected, got, "take mlp")
        if name == "table":
            return table_net(data.train, configuration["hidden"], **common)
        common["standardize"] = copy.deepcopy(self.standardize)  # a layer stands in one net
        if name in _IMAGE:
            if self.targets is not None:
                expected, got = "targets that are labels", "numbers"
                raise ConfigurationError.expected(f"model {name}", expected, got, "take mlp")
            common["channels"] = get("channels", GENERAL[name].channels)
            if name == "conv":
                hidden = get("hidden", GENERAL[name].hidden)
                return small_conv_net(data.sample_shape, data.num_classes, hidden=hidden, **common)
            blocks = get("blocks", Settings.blocks)
            return residual_conv_net(data.sample_shape, data.num_classes, blocks=blocks, **common)
        norm = get("norm", "none")
        net: Net = getattr(recipes, name)(
            math.prod(data.sample_shape),
            configuration["hidden"],
            math.prod(data.train.targets.shape[1:]) if self.targets else data.num_classes,
            flatten=self.standardize is not None,
            activation=get("activation", "relu"),
            norm=None if norm == "none" else norm,
            last=self._last(data),
            first_initializer=scaled(he_normal, get("first_scale", 1.0)),
            **common,
        )
        return net

    def _loss(self, configuration: Configuration, data: Splits) -> Loss:
        """The loss that is named, or what suits the targets."""
        if self.targets is not None:
            kind = named("settings", "loss", configuration.get("loss", "mse"), losses, NUMBER_LOSSES)
            loss: Loss = kind(scale=float(self.targets.scale))
            return loss
        kind = named("settings", "loss", configuration.get("loss", "softmax"), losses, LABEL_LOSSES)
        if kind is not SoftmaxCrossEntropy:
            loss = kind()
            return loss
        names = data.train.target_names
        names = names if names and len(names) == data.num_classes else None
        weights = None
        if (
            check_choice(
                "settings", "class_weights", configuration.get("class_weights", "none"), CLASS_WEIGHTS
            )
            == "balanced"
        ):
            weights = data.train.balanced_weights()
            weights += (0.0,) * (data.num_classes - len(weights))
        return SoftmaxCrossEntropy(names, weights, configuration.get("label_smoothing", 0.0))

    def _last(self, data: Splits) -> list[Layer]:
        """What brings scores to the unit and the shape of targets that are numbers."""
        if self.targets is None:
            return []
        return unit_of(self.targets, data.train.targets.shape[1:], self.dtype)

    def __repr__(self) -> str:
        return f"{self.name}, {self.dtype}"


def _check_columns(name: str, data: Splits) -> None:
    """Refuse a model that would take the codes of a table's categories for numbers."""
    words = [column.name for column in data.train.columns or () if column.categories]
    if words and name != "table":
        got, remedy = f"columns of categories ({listed(words, 5)})", "take the model table, or drop them"
        raise ConfigurationError.expected(f"model {name}", "features that are numbers", got, remedy)


def check_keys(name: str, configuration: Configuration) -> str:
    """The model's name; `ConfigurationError` for a key that is missing, or that no named model knows."""
    name = check_choice("Sweep", "model", configuration.get("model", name), NAMES)
    needed = set() if name in _IMAGE else {"hidden"}
    if configuration.get("optimizer") != "lbfgs":
        needed.add("lr")
    if not needed <= configuration.keys() <= {*KEYS, "seed"}:
        needs = " and ".join(sorted(needed))
        expected = f"{needs}, and nothing but {', '.join(sorted({*KEYS, 'seed'} - needed))} beside"
        raise ConfigurationError.expected(f"Sweep of {name}", expected, ", ".join(configuration))
    for key in ("augment", "average"):
        if configuration.get(key, "") is None:
            raise ConfigurationError.expected("Sweep", f"a value for {key!r}", None, "'none' is none")
    return name
