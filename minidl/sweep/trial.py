"""One trial: a pure function of configuration and seed, and the row that it leaves in the journal."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeAlias

import numpy as np

from minidl.checks import check_bool, check_int
from minidl.data import Splits
from minidl.errors import CheckpointError, ConfigurationError, DivergedError, MinidlError, StateError
from minidl.files import to_json
from minidl.net import Net
from minidl.recipes import build_trainer
from minidl.recipes.augment import augmentation
from minidl.sweep.portable import load_trainer, save_trainer, without_addresses
from minidl.sweep.process import one_thread
from minidl.sweep.space import Configuration
from minidl.training import History, Trainer
from minidl.training.evaluation import measure

Build: TypeAlias = Callable[[Configuration, Splits, np.random.Generator], "Net | Trainer"]
Objective: TypeAlias = "str | Callable[[Net, Splits], float]"

_MEASURED = ("loss", "accuracy")
FIGURES = tuple(f"{part}_{name}" for part in ("train", "validation") for name in _MEASURED)
_CURVE = ("step", "train_accuracy", "validation_accuracy")


@dataclass(frozen=True)
class Row:
    """What came of a trial: one line of the journal.

    Nothing in it depends on when, where and beside what the trial ran, so that two journals of one
    sweep are equal as sets of lines.

    Attributes
    ----------
    trial : int
        The configuration's position in the space, from 0.
    configuration : dict
    rung : int
        How often the trial had been promoted by `Halving`; 0 without it.
    steps : int
        Updates made.
    status : str
        "done"; "running": measured at a rung, to go on if it is promoted; "stopped": not promoted;
        "diverged"; "failed".
    reason : str or None
        Why it was stopped, diverged or failed; of a trial that is done, why it ended before its
        whole length, such as by `EarlyStopping`.
    value : float or None
        The objective; None where the trial diverged or failed.
    train_loss, train_accuracy, validation_loss, validation_accuracy : float or None
        Of the net as it stands after the last step, on the whole parts, without penalty.
    curve : dict of str to list
        "step", "train_accuracy" and "validation_accuracy" at the end of each epoch, as the `History`
        has them.
    """

    trial: int
    configuration: Configuration
    rung: int
    steps: int
    status: str
    reason: str | None = None
    value: float | None = None
    train_loss: float | None = None
    train_accuracy: float | None = None
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    curve: dict[str, list[Any]] = dataclasses.field(default_factory=lambda: {name: [] for name in _CURVE})

    def rank(self, maximize: bool) -> tuple[float, int]:
        """Sorts the better value first, of equals the lower trial; only for a row with a value."""
        check_bool("Row", "maximize", maximize)
        if self.value is None:
            raise StateError.expected("Row", "a row with a value to rank", f"none: {self.status}")
        return (-self.value if maximize else self.value), self.trial

    def to_json(self) -> str:
        """One line of JSON, without its end."""
        return to_json(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """The row that `to_json` wrote; `CheckpointError` for anything else."""
        try:
            return cls(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise CheckpointError.expected("Row", "a line of a sweep's journal", error) from error


@dataclass(frozen=True)
class Setup:
    """What all trials of a sweep share; a worker gets it once.

    Attributes
    ----------
    build : callable ``(configuration, data, rng) -> Sequential or Trainer``
    data : Splits
    unit : "steps" or "epochs"
        What `Task.start` and `Task.stop` count.
    objective : "validation_accuracy", "validation_loss" or callable ``(net, data) -> float``
    seed : int
        Of a trial whose configuration has no ``seed`` of its own.
    budget : int or None
        How many units a trial has that is not stopped: where a schedule ends.
    """

    build: Build
    data: Splits
    unit: str
    objective: Objective
    seed: int
    budget: int | None = None


@dataclass(frozen=True)
class Task:
    """A trial, or its part between two rungs.

    `state` is what the part before left (`Outcome.state`); without it the trial starts from the
    beginning, and comes to the same bits.
    """

    trial: int
    configuration: Configuration
    rung: int
    start: int
    stop: int
    last: bool
    state: bytes | None = None


@dataclass(frozen=True)
class Outcome:
    """A task's row; after a trial's last task its net and history, before that its state."""

    row: Row
    net: Net | None = None
    history: History | None = None
    state: bytes | None = None


@one_thread()  # whatever the backend, or the sums inside the BLAS would round differently
def run_task(setup: Setup, task: Task) -> Outcome:
    """Train and measure; whatever goes wrong is in the row."""
    trainer: Trainer | None = None
    state: bytes | None = None
    train = setup.data.train
    row = Row(task.trial, task.configuration, task.rung, 0, "done" if task.last else "running")
    handled = sys.exc_info()[1]
    try:
        start = task.start if task.state else 0
        trainer = load_trainer(task.state, train) if task.state else make_trainer(setup, task.configuration)
        options: dict[str, Any] = {setup.unit: task.stop - start}
        if "batch_size" in task.configuration:
            options["batch_size"] = task.configuration["batch_size"]
        if "augment" in task.configuration:
            options["transform"] = augmentation(task.configuration["augment"])
        if not (task.state and trainer.stop_reason):  # what ended itself would have done so in one fit, too
            trainer.fit(train, **options, validation=setup.data.validation)
        figures = _measure(setup, trainer)
        state = None if task.last else save_trainer(trainer, train)
        row = dataclasses.replace(row, reason=trainer.stop_reason, **figures)
    except Exception as error:
        hidden = error.__context__
        # What was handled before this trial, such as the Ctrl-C after which a sweep goes on, is not its own.
        if hidden is not handled and isinstance(hidden, (KeyboardInterrupt, SystemExit)):
            raise hidden from error  # a callback's or a model's own error must not hide it
        status = "diverged" if isinstance(error, DivergedError) else "failed"
        row = dataclasses.replace(row, status=status, reason=_reason(error))
    if trainer is None:
        return Outcome(row)
    curve = {name: list(map(_finite, trainer.history.epochs.get(name, []))) for name in _CURVE}
    row = dataclasses.replace(row, steps=trainer.step, curve=curve)
    if row.status == "running":
        return Outcome(row, state=state)
    return Outcome(row, trainer.net, trainer.history) if row.status == "done" else Outcome(row)


def _finite(figure: Any) -> Any:
    """A figure as the journal gives it back: None where it is no finite number."""
    return figure if figure is None or math.isfinite(figure) else None


def make_trainer(setup: Setup, configuration: Configuration) -> Trainer:
    """The Trainer of a configuration, at its start."""
    seed = check_int("Sweep", "seed", configuration.get("seed", setup.seed), at_least=0)
    rng = np.random.default_rng(seed)
    made = setup.build(copy.deepcopy(configuration), setup.data, rng)
    if isinstance(made, Trainer):
        return made
    if not isinstance(made, Net):
        raise ConfigurationError.expected("Sweep", "a model that gives a Sequential or a Trainer", repr(made))
    if "lr" not in configuration and configuration.get("optimizer") != "lbfgs":
        remedy = "name it in the space, or let the model give a Trainer"
        raise ConfigurationError.expected("Sweep", "a configuration with lr", configuration, remedy)
    length = {} if setup.budget is None else {setup.unit: setup.budget}
    return build_trainer(made, {**configuration, **length}, len(setup.data.train), rng=rng)


def _measure(setup: Setup, trainer: Trainer) -> dict[str, Any]:
    net, train, objective = trainer.net, setup.data.train, setup.objective
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the figures
        measured = {"train": measure(net, train), "validation": _measure_validation(trainer, setup.data)}
        figures = {f"{part}_{name}": measured[part].get(name) for part in measured for name in _MEASURED}
        value = figures[objective] if isinstance(objective, str) else float(objective(net, setup.data))
    if value is None:
        expected = "an objective that the net's loss or metrics give, such as 'validation_loss'"
        raise ConfigurationError.expected("Sweep", expected, repr(objective))
    figures["value"] = value
    for name, figure in figures.items():
        if figure is not None and not math.isfinite(figure):
            raise DivergedError.expected("after the last step", f"a finite {name.replace('_', ' ')}", figure)
    return figures


def _measure_validation(trainer: Trainer, data: Splits) -> Mapping[str, float]:
    if data.validation is None:
        return {}
    epochs = trainer.history.epochs
    # The end of an epoch has just measured it; only a user's own code may have changed the net since.
    if epochs["step"][-1:] == [trainer.step] and type(trainer) is Trainer and not trainer.callbacks:
        columns = {name: epochs.get(f"validation_{name}", [])[-1:] for name in _MEASURED}
        return {name: column[0] for name, column in columns.items() if column}
    return measure(trainer.net, data.validation)


def _reason(error: Exception) -> str:
    """The error in words that are the same in every process."""
    text = without_addresses(str(error))
    if isinstance(error, MinidlError):
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}, line {place.lineno})"
