"""How a model is trained on a data set where nothing else is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from minidl.checks import check_bool, check_choice, check_int, check_kind
from minidl.errors import ConfigurationError
from minidl.recipes.defaults import GENERAL, NUMBERS, SETTINGS, TEXTS, Settings
from minidl.recipes.names import LABEL_LOSSES, MODELS, NUMBER_LOSSES, OPTIMIZERS, SCHEDULES

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
    "class_weights": ("loss", ("softmax",)),
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
        A name that there is not, a loss of the other kind of targets, or an average beside early stopping.
    """
    check_kind("settings", "data", data, str)
    check_kind("settings", "given", given, Mapping, remedy="such as {'lr': 0.1}")
    check_bool("settings", "strict", strict)
    model = check_choice("settings", "model", given.get("model", "mlp"), MODELS)
    own = SETTINGS.get((data, model), GENERAL[model])
    losses = LABEL_LOSSES if check_bool("settings", "has_labels", has_labels) else NUMBER_LOSSES
    if own.loss not in losses:
        own = replace(own, **NUMBERS)
    if check_bool("settings", "is_sparse", is_sparse):
        own = replace(own, **TEXTS)
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
    check_one_net(chosen["average"], chosen["early_stopping"])
    return chosen


def check_one_net(average: object, patience: object) -> None:
    """`ConfigurationError` where both the average and the best net are to be taken in the end."""
    if average != "none" and patience:
        got, remedy = f"average {average} and early_stopping {patience}", "leave one of the two out"
        raise ConfigurationError.expected("settings", "one net to take in the end", got, remedy)


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
