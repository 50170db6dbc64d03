"""The figures of a trial's net, as it stands after the last step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.data import Splits
from minidl.errors import DivergedError
from minidl.files import plain_number
from minidl.metrics import Metric
from minidl.sweep.objective import PART, Objective
from minidl.training import Trainer
from minidl.training.evaluation import measure

FIGURES = tuple(f"{part}_{name}" for part in ("train", "validation") for name in ("loss", "accuracy"))
"""What a `Row` has an attribute of; the other metrics are in a dict."""


def figures_of(
    trainer: Trainer, data: Splits, objective: Objective, metrics: Sequence[Metric]
) -> dict[str, Any]:
    """What a `Row` holds of the net; `DivergedError` where a loss or the objective is not finite."""
    net = trainer.net
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the figures
        measured = {f"train_{name}": figure for name, figure in measure(net, data.train, metrics).items()}
        for name, figure in _of_validation(trainer, data, metrics).items():
            measured[PART + name] = figure
        value = _number(measured[objective]) if isinstance(objective, str) else float(objective(net, data))
    figures: dict[str, Any] = {name: _number(measured.pop(name, None)) for name in FIGURES} | {"value": value}
    for name, figure in figures.items():
        if figure is not None and not math.isfinite(figure):
            raise DivergedError.expected("after the last step", f"a finite {name.replace('_', ' ')}", figure)
    return figures | {"metrics": {name: finite(figure) for name, figure in measured.items()}}


def finite(figure: Any) -> Any:
    """A figure as the journal gives it back: None where it is no finite number."""
    return None if figure is None or not math.isfinite(figure) else _number(figure)


def _number(figure: Any) -> int | float | None:
    """Python's own number: a metric of a user's own may give a boolean."""
    return None if figure is None else plain_number(figure)


def _of_validation(trainer: Trainer, data: Splits, metrics: Sequence[Metric]) -> dict[str, float]:
    if data.validation is None:
        return {}
    epochs = trainer.history.epochs
    names = ["loss", *(metric.name for metric in metrics)]
    # The end of an epoch has just measured it; only a user's own code may have changed the net since.
    if epochs["step"][-1:] == [trainer.step] and type(trainer) is Trainer and not trainer.callbacks:
        columns = {name: epochs[PART + name] for name in names if epochs.get(PART + name)}
        if len(columns) == len(names):
            return {name: column[-1] for name, column in columns.items()}
    return measure(trainer.net, data.validation, metrics)
