"""What trials are compared by: a figure of the validation part, by its name, or a function."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl import metrics
from minidl.advice import shown
from minidl.checks import check_callable
from minidl.data import Splits
from minidl.errors import ConfigurationError, DataError
from minidl.losses import MeanSquaredError, SoftmaxCrossEntropy
from minidl.metrics import R2, Accuracy, Metric
from minidl.net import Net
from minidl.sweep.space import Configuration
from minidl.training import Trainer

Objective: TypeAlias = "str | Callable[[Net, Splits], float]"

PART = "validation_"
_LOSS = "validation_loss"
_OF_CLASSES: dict[str, Callable[[], Metric]] = {
    "accuracy": metrics.Accuracy,
    **{kind.__name__.lower(): kind for kind in (metrics.F1, metrics.Precision, metrics.Recall)},
    **{
        f"weighted_{kind.__name__.lower()}": functools.partial(kind, "weighted")
        for kind in (metrics.F1, metrics.Precision, metrics.Recall)
    },
    "auc": metrics.AUC,
    "log_loss": metrics.LogLoss,
}
_OF_NUMBERS: dict[str, Callable[[], Metric]] = {
    kind.name: kind for kind in (R2, metrics.MeanAbsoluteError, metrics.RootMeanSquaredError)
}


def is_maximized(objective: object) -> bool:
    """Whether more of it is better: of all but a part's loss or error."""
    named = isinstance(objective, str) and objective.startswith(PART)
    return not (named and str(objective).endswith(("loss", "error")))


def settle(
    objective: object,
    model: str | Callable[..., Any],
    data: Splits,
    configurations: Sequence[Configuration],
    seed: int,
) -> Objective:
    """The objective, checked before anything is trained; where none is given, what suits the net's loss.

    That is its first metric, such as the accuracy, or R² of numbers. Where only the net can say what
    there is, `model` is called with the first configuration.

    Raises
    ------
    ConfigurationError
        It is no function, and no metric that can be had.
    DataError
        There is no validation part.
    """
    if callable(objective):
        check_callable("Sweep", "objective", objective, "net", "data")
        found: Objective = objective
        return found
    if objective is not None and not (isinstance(objective, str) and objective.startswith(PART)):
        examples = ", ".join(f"'{PART}{name}'" for name in ("loss", "accuracy", "f1", "r2"))
        expected = f"objective to be a figure of the validation part, such as {examples}, or a function"
        raise ConfigurationError.expected("Sweep", expected, shown(objective))
    if data.validation is None:
        which = objective or ("validation_accuracy" if data.has_labels else "the objective")
        remedy = "hold a part of the training set out, or give a function as objective"
        raise DataError.expected("Sweep", f"data with a validation part for {which}", "none", remedy)
    own: list[Metric] | None
    if isinstance(model, str):
        own = (SoftmaxCrossEntropy() if data.has_labels else MeanSquaredError()).metrics()
    elif data.has_labels and objective in (None, _LOSS, "validation_accuracy"):
        own = [Accuracy()]
    else:
        own = _of_the_first_net(model, data, configurations, seed)
    if objective is None:
        names = [metric.name for metric in own] if own is not None else ["r2"]
        return PART + (names or ["loss"])[0]
    if own is not None:
        measured_with(own, objective)
    return str(objective)


def measured_with(own: Sequence[Metric], objective: object) -> list[Metric]:
    """The metrics to measure: `own`, those of the net, and that of the objective.

    Raises
    ------
    ConfigurationError
        There is none of its name that suits the net.
    """
    name = str(objective).removeprefix(PART)
    if callable(objective) or name == "loss" or any(metric.name == name for metric in own):
        return list(own)
    others = {**_OF_CLASSES, **_OF_NUMBERS}
    if any(isinstance(metric, Accuracy) for metric in own):
        others = _OF_CLASSES
    elif any(isinstance(metric, R2) for metric in own):
        others = _OF_NUMBERS
    if name not in others:
        there = dict.fromkeys(["loss", *(metric.name for metric in own), *others])
        expected = f"an objective that the net's loss or metrics give: {PART}NAME of {', '.join(there)}"
        raise ConfigurationError.expected("Sweep", expected, shown(objective), "or give a function")
    return [*own, others[name]()]


def check_comparable(objective: object, configurations: Sequence[Configuration]) -> None:
    """`ConfigurationError` where losses of different kinds would be compared with each other.

    Label smoothing alone raises the loss of equal predictions, so that no smoothing would always win.
    """
    if objective != _LOSS:
        return
    for key, plain in (("loss", None), ("label_smoothing", 0.0)):
        values = dict.fromkeys(str(each.get(key, plain)) for each in configurations)
        if len(values) > 1:
            expected = f"the same {key} in every trial for {_LOSS}, which compares no others"
            remedy = "take a metric as objective, such as 'validation_log_loss' of classes"
            raise ConfigurationError.expected("Sweep", expected, ", ".join(values), remedy)


def metrics_of(made: Net | Trainer) -> list[Metric]:
    """The metrics that a net, or its training, has by itself."""
    net = made.net if isinstance(made, Trainer) else made
    own = net.head.metrics() if net.head else []
    more = made._tally.metrics if isinstance(made, Trainer) else []
    known = {metric.name for metric in own}
    return [*own, *(metric for metric in more if metric.name not in known)]


def watched(objective: object, columns: Sequence[str]) -> str:
    """The history's column that shows best how a trial comes along: the objective's if there is one."""
    if isinstance(objective, str) and objective in columns:
        return objective
    return next((name for name in columns if name.startswith(PART) and name != _LOSS), _LOSS)


def _of_the_first_net(
    model: Callable[..., Any], data: Splits, configurations: Sequence[Configuration], seed: int
) -> list[Metric] | None:
    """The metrics of the first configuration's net; None where it cannot be built: its row says why."""
    seen = Splits(data.name, data.train, data.validation)
    for configuration in configurations[:1]:
        try:
            rng = np.random.default_rng(configuration.get("seed", seed))
            made = model(copy.deepcopy(configuration), seen, rng)
        except Exception:
            return None
        if isinstance(made, (Net, Trainer)):
            return metrics_of(made)
    return None
