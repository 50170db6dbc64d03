"""How a model is trained on a data set where nothing else is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from minidl.checks import check_bool, check_choice, check_int, check_kind
from minidl.errors import ConfigurationError
from minidl.recipes.names import LABEL_LOSSES, MODELS, NUMBER_LOSSES, OPTIMIZERS, SCHEDULES


@dataclass(frozen=True)
class Settings:
    """How a model is built and trained; the defaults are those of `mlp` on a data set without a name.

    Parameters
    ----------
    model : "mlp", "conv", "resnet" or "table"
    hidden : tuple of int
        Units of each hidden layer of "mlp", "table" and "conv".
    channels : tuple of int
        Of each stage of "conv" and "resnet".
    blocks : int
        Residual blocks of each stage of "resnet".
    activation, norm, dropout
        As `mlp` takes them; norm "none" is none.
    first_scale : float
        Shrinks the start of the first layer of "mlp", as `mlp` explains.
    loss : str
        For labels "softmax" or "hinge"; for numbers "mse", "huber" or "l1".
    label_smoothing : float
        Of "softmax".
    optimizer : str
        "sgd", "adam", "adamw", "rmsprop", "adagrad" or "lbfgs".
    lr, momentum, weight_decay : float
        The optimizer's; `momentum` of "sgd" and "rmsprop", `weight_decay` of "adamw".
    prior : float
        The L2 penalty's strength is ``prior / training samples``: like a prior's, its weight against the
        data falls as they grow, so that one number suits a data set and a sample of it. As settings, and
        on the command line, the strength itself is ``reg``.
    schedule : str
        "step" (times `lr_decay` after every epoch), "cosine", "onecycle", "polynomial" (a straight line
        down to 0) or "constant".
    lr_decay : float
        Of "step".
    warmup : int
        Steps in which the rate rises to where the schedule has it; 0 is none.
    epochs, batch_size : int
    augment : str
        What changes each batch of training samples: "none", or "flip", "crop:4", "erase", "noise:0.1",
        "mixup:0.2", several joined by commas.
    early_stopping : int
        Epochs without a better validation loss after which training stops, and the best net is taken;
        0 is no stopping.
    average : "none", "ema" or "swa"
        The mean of the parameters over the steps, taken in the end.
    clip_norm : float
        The largest norm of the gradients; 0 is any.
    """

    model: str = "mlp"
    hidden: tuple[int, ...] = (100,)
    channels: tuple[int, ...] = (16, 32, 64)
    blocks: int = 1
    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0
    first_scale: float = 1.0
    loss: str = "softmax"
    label_smoothing: float = 0.0
    optimizer: str = "sgd"
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.01
    prior: float = 5.0
    schedule: str = "step"
    lr_decay: float = 0.95
    warmup: int = 0
    epochs: int = 40
    batch_size: int = 50
    augment: str = "none"
    early_stopping: int = 0
    average: str = "none"
    clip_norm: float = 0.0


_IMAGES: dict[str, Any] = {
    "lr": 0.1,
    "schedule": "onecycle",
    "epochs": 20,
    "batch_size": 64,
    "prior": 1.0,
}
GENERAL = {
    "mlp": Settings(),
    "conv": Settings("conv", hidden=(128,), channels=(16, 32), **_IMAGES),
    "resnet": Settings("resnet", **_IMAGES),
    "table": Settings("table"),
}
"""What suits a model on a data set that has no settings of its own."""

_NUMBERS: dict[str, Any] = {
    "loss": "mse",
    "optimizer": "adam",
    "lr": 3e-3,
    "schedule": "cosine",
    "epochs": 60,
}
"""What differs where numbers are to be predicted."""

_TEXTS: dict[str, Any] = {
    "optimizer": "adam",
    "lr": 3e-3,
    "schedule": "cosine",
    "epochs": 10,
    "prior": 0.1,
}
"""What differs where features are sparse, such as the words of texts."""

_MLP = Settings(
    hidden=(800, 400),
    norm="batch",
    dropout=0.4,
    lr=0.1,
    prior=8.25,
    schedule="cosine",
    epochs=20,
    batch_size=100,
)
_CONV = replace(GENERAL["conv"], channels=(24, 48), dropout=0.2, epochs=5, batch_size=100, prior=13.75)
_RESNET = replace(
    GENERAL["resnet"], channels=(32, 64, 128), dropout=0.1, epochs=15, batch_size=128, prior=13.75
)
_PHOTOS: dict[str, Any] = {"batch_size": 128, "prior": 1.2, "augment": "flip,crop:4"}
SETTINGS = {
    ("digits", "mlp"): Settings(hidden=(100,), epochs=60, batch_size=32),
    ("mnist", "mlp"): _MLP,
    ("mnist", "conv"): _CONV,
    ("mnist", "resnet"): _RESNET,
    ("fashion-mnist", "mlp"): _MLP,
    ("fashion-mnist", "conv"): replace(_CONV, augment="flip"),
    ("fashion-mnist", "resnet"): replace(_RESNET, augment="flip"),
    ("cifar10", "mlp"): Settings(
        hidden=(300,), epochs=20, lr=0.005, lr_decay=0.9, prior=100.0, first_scale=0.1
    ),
    ("cifar10", "conv"): replace(GENERAL["conv"], channels=(32, 64), dropout=0.2, **_PHOTOS),
    ("cifar10", "resnet"): replace(GENERAL["resnet"], **_PHOTOS),
}
"""What suits a model on the data sets that come by name."""

_ALWAYS = ("hidden", "lr", "reg", "momentum", "lr_decay", "batch_size", "first_scale")
KEYS = (
    *_ALWAYS,
    *(field.name for field in fields(Settings) if field.name not in (*_ALWAYS, "epochs", "prior")),
)
"""What makes a configuration of a sweep: all settings but the length, `reg` in the place of `prior`."""

_RATES = {"sgd": 0.05, "adam": 1e-3, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 0.02}
"""Learning rates of optimizers other than the one that suits the data set."""

_GRADUAL = tuple(name for name in OPTIMIZERS if name != "lbfgs")
MEANT_FOR: dict[str, tuple[str, tuple[str, ...]]] = {
    "hidden": ("model", ("mlp", "conv", "table")),
    "channels": ("model", ("conv", "resnet")),
    "blocks": ("model", ("resnet",)),
    "activation": ("model", ("mlp",)),
    "norm": ("model", ("mlp",)),
    "first_scale": ("model", ("mlp",)),
    "label_smoothing": ("loss", ("softmax",)),
    "lr": ("optimizer", _GRADUAL),
    "momentum": ("optimizer", ("sgd", "rmsprop")),
    "weight_decay": ("optimizer", ("adamw",)),
    "schedule": ("optimizer", _GRADUAL),
    "lr_decay": ("schedule", ("step",)),
    "warmup": ("optimizer", _GRADUAL),
    "augment": ("optimizer", _GRADUAL),
    "clip_norm": ("optimizer", _GRADUAL),
}
"""Settings that have a meaning only where another one is one of these."""


def settings_for(
    data: str,
    given: Mapping[str, Any],
    samples: int,
    *,
    has_labels: bool = True,
    is_sparse: bool = False,
    strict: bool = True,
) -> dict[str, Any]:
    """All settings of a training: what is `given`, and for the rest what suits data set and model.

    Parameters
    ----------
    data : str
        Its name, as `minidl.data.load` takes it.
    given : mapping
        Of `Settings`, but ``reg`` for ``prior``; ``steps`` may stand for ``epochs``.
    samples : int
        To train on.
    has_labels : bool
        Whether the targets are labels; else they are numbers.
    is_sparse : bool
        Whether the features are a sparse matrix.
    strict : bool
        Whether a setting that is given, and has no meaning beside the others, is an error; else it is
        left out, as it is where it is a default.

    Raises
    ------
    ConfigurationError
        A name that there is not, or a loss of the other kind of targets.
    """
    check_kind("settings", "data", data, str)
    check_kind("settings", "given", given, Mapping, remedy="such as {'lr': 0.1}")
    check_bool("settings", "strict", strict)
    model = check_choice("settings", "model", given.get("model", "mlp"), MODELS)
    own = SETTINGS.get((data, model), GENERAL[model])
    losses = LABEL_LOSSES if check_bool("settings", "has_labels", has_labels) else NUMBER_LOSSES
    if own.loss not in losses:
        own = replace(own, **_NUMBERS)
    if check_bool("settings", "is_sparse", is_sparse):
        own = replace(own, **_TEXTS)
    optimizer = check_choice("settings", "optimizer", given.get("optimizer", own.optimizer), OPTIMIZERS)
    if optimizer != own.optimizer:
        momentum = Settings.momentum if optimizer == "sgd" else 0.0
        own = replace(own, lr=_RATES.get(optimizer, own.lr), momentum=momentum)
    chosen: dict[str, Any] = vars(own) | {"hidden": list(own.hidden), "channels": list(own.channels)}
    prior = chosen.pop("prior")
    # Weights that decay by themselves need no penalty as well.
    chosen["reg"] = (
        0.0 if optimizer == "adamw" else prior / check_int("settings", "samples", samples, at_least=1)
    )
    if unknown := given.keys() - {*chosen, "steps"}:
        expected = f"settings among {', '.join((*chosen, 'steps'))}"
        raise ConfigurationError.expected("settings", expected, ", ".join(sorted(unknown)))
    if "steps" in given:
        del chosen["epochs"]
    chosen |= given
    check_choice("settings", "schedule", chosen["schedule"], SCHEDULES)
    check_choice("settings", f"loss for {'labels' if has_labels else 'numbers'}", chosen["loss"], losses)
    for name, (other, values) in MEANT_FOR.items():
        if chosen.get(other) in values:
            continue
        if strict and name in given:
            which = " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
            got = chosen.get(other, f"no {other}")
            raise ConfigurationError.expected(
                name, f"{other} {which} beside it", got, "leave one of the two out"
            )
        del chosen[name]
    return chosen


def configuration_of(settings: Mapping[str, Any], given: Collection[str] = ()) -> dict[str, Any]:
    """Of settings, what tells trials of a sweep apart: without the length, and without what is plain.

    Plain is what `Settings` has as its default, but for what is `given`.
    """
    return {
        name: settings[name]
        for name in KEYS
        if name in settings
        and (name in _ALWAYS or name in given or settings[name] != getattr(Settings, name))
    }
