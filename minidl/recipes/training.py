"""The training that settings describe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from minidl import optimizers, schedulers
from minidl.callbacks import Average, Callback, ClipNorm, EarlyStopping
from minidl.checks import check_choice, check_float, check_int, check_kind, check_list
from minidl.errors import ConfigurationError
from minidl.metrics import Metric
from minidl.net import Net
from minidl.optimizers import Optimizer
from minidl.recipes.defaults import Settings
from minidl.recipes.names import AVERAGES, OPTIMIZERS, SCHEDULES, named
from minidl.recipes.settings import MEANT_FOR, check_one_net
from minidl.regularizers import L2
from minidl.schedulers import Constant, LinearWarmup, Scheduler, StepDecay
from minidl.training import Trainer
from minidl.types import Rng

_OF_OPTIMIZERS = ("lr", "momentum", "weight_decay")
"""Settings that are an optimizer's arguments, for those that they are meant for."""


def build_trainer(
    net: Net,
    settings: Mapping[str, Any],
    samples: int,
    *,
    callbacks: Sequence[Callback] = (),
    metrics: Sequence[Metric] | None = None,
    rng: Rng = None,
) -> Trainer:
    """The Trainer with the optimizer, schedule, penalty and callbacks that settings name.

    Parameters
    ----------
    net : Net
    settings : mapping
        ``lr``, and what of `Settings` is other than its default there; but 0 is the default of
        ``momentum`` and of ``reg``, the L2 penalty's strength, and 200 that of ``batch_size``.
        A schedule that ends with the training needs ``epochs`` or ``steps``. What has no meaning
        for the optimizer or schedule named is left aside, as are settings of the net.
    samples : int
        To train on.
    callbacks : sequence of Callback
        Behind those that settings name.
    metrics, rng
        As `Trainer` takes them.

    Raises
    ------
    ConfigurationError
        A name that there is not, or a number outside of its domain.

    Examples
    --------
    >>> from minidl import mlp
    >>> settings = {"optimizer": "adam", "lr": 0.01, "schedule": "cosine", "epochs": 5, "batch_size": 50}
    >>> build_trainer(mlp(3, [8], 2, rng=0), settings, 1000, rng=0).scheduler
    CosineDecay(steps=100, final=0.0)
    """
    remedy = "such as {'lr': 0.1, 'momentum': 0.9}"
    check_kind("build_trainer", "settings", settings, Mapping, remedy=remedy)
    check_int("build_trainer", "samples", samples, at_least=1)
    callbacks = check_list("build_trainer", "callbacks", callbacks, Callback, "objects of class Callback")
    given = {**vars(Settings()), "momentum": 0.0, "reg": 0.0, "batch_size": 200, "epochs": None, **settings}
    steps_per_epoch = math.ceil(
        samples / check_int("settings", "batch_size", given["batch_size"], at_least=1)
    )
    epochs, steps = given["epochs"], given.get("steps")
    if steps is not None:
        check_int("settings", "steps", steps, at_least=1)
        epochs = math.ceil(steps / steps_per_epoch)
    elif epochs is not None:
        steps = check_int("settings", "epochs", epochs, at_least=1) * steps_per_epoch
    optimizer = _optimizer(given, settings)
    is_lbfgs = given["optimizer"] == "lbfgs"  # finds the length of each step by itself
    return Trainer(
        net,
        optimizer,
        scheduler=Constant() if is_lbfgs else _scheduler(given, steps),
        regularizer=L2(check_float("settings", "reg", given["reg"], at_least=0)),
        callbacks=[*_callbacks(given, epochs, steps), *callbacks],
        metrics=metrics,
        rng=rng,
    )


def _optimizer(given: Mapping[str, Any], settings: Mapping[str, Any]) -> Optimizer:
    kind = named("settings", "optimizer", given["optimizer"], optimizers, OPTIMIZERS)
    takes = [name for name in _OF_OPTIMIZERS if given["optimizer"] in MEANT_FOR[name][1]]
    if "lr" in takes and "lr" not in settings:
        raise ConfigurationError.expected("settings", "lr, the learning rate", "none")
    optimizer: Optimizer = kind(**{name: given[name] for name in takes})
    return optimizer


def _scheduler(given: Mapping[str, Any], steps: int | None) -> Scheduler:
    name = given["schedule"]
    kind = named("settings", "schedule", name, schedulers, SCHEDULES)
    warmup = check_int("settings", "warmup", given["warmup"], at_least=0)
    schedule: Scheduler
    if kind is Constant:
        schedule = Constant()
    elif kind is StepDecay:
        schedule = StepDecay(check_float("settings", "lr_decay", given["lr_decay"], above=0))
    elif steps is None:
        expected = f"epochs or steps, with which the schedule {name!r} ends"
        raise ConfigurationError.expected("settings", expected, "neither")
    else:
        schedule = kind(steps=steps)
    return LinearWarmup(steps=warmup) * schedule if warmup else schedule


def _callbacks(given: Mapping[str, Any], epochs: int | None, steps: int | None) -> list[Callback]:
    """Clipping; and either the average, over the last tenth or half, or the best net."""
    made: list[Callback] = []
    norm = check_float("settings", "clip_norm", given["clip_norm"], at_least=0)
    if norm and given["optimizer"] != "lbfgs":
        made.append(ClipNorm(norm))
    average = check_choice("settings", "average", given["average"], AVERAGES)
    patience = check_int("settings", "early_stopping", given["early_stopping"], at_least=0)
    check_one_net(average, patience)
    if average == "ema":
        made.append(Average(0.999 if steps is None else max(1 - 10 / steps, 0.0)))
    elif average == "swa":
        made.append(Average(start=epochs // 2 if epochs else 0))
    if patience:
        made.append(EarlyStopping(patience))
    return made
