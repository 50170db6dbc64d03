"""One trial: a pure function of configuration and seed, and the row that it leaves in the journal."""

from __future__ import annotations

import copy
import dataclasses
import json
import sys
import traceback
from collections.abc import Callable
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
from minidl.sweep.figures import figures_of, finite
from minidl.sweep.objective import PART, Objective, measured_with, metrics_of, watched
from minidl.sweep.portable import load_trainer, save_trainer, without_addresses
from minidl.sweep.process import one_thread
from minidl.sweep.space import Configuration
from minidl.training import History, Trainer

Build: TypeAlias = Callable[[Configuration, Splits, np.random.Generator], "Net | Trainer"]

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
        "step", "train_accuracy" and "validation_accuracy", and of another objective its two columns, at
        the end of each epoch, as the `History` has them.
    metrics : dict of str to float
        The other metrics, such as "validation_r2", of the same net.
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
    metrics: dict[str, float | None] = dataclasses.field(default_factory=dict)

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
    objective : "validation_loss", "validation_METRIC" or callable ``(net, data) -> float``
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
        metrics = measured_with(metrics_of(trainer), setup.objective)  # before any work is spent
        options: dict[str, Any] = {setup.unit: task.stop - start}
        if "batch_size" in task.configuration:
            options["batch_size"] = task.configuration["batch_size"]
        if "augment" in task.configuration:
            options["transform"] = augmentation(task.configuration["augment"])
        if not (task.state and trainer.stop_reason):  # what ended itself would have done so in one fit, too
            trainer.fit(train, **options, validation=setup.data.validation)
        figures = figures_of(trainer, setup.data, setup.objective, metrics)
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
    epochs = trainer.history.epochs
    best = watched(setup.objective, list(epochs)).removeprefix(PART)
    columns = [name for name in (*_CURVE, f"train_{best}", PART + best) if name in epochs]
    curve = {name: list(map(finite, epochs[name])) for name in columns}
    row = dataclasses.replace(row, steps=trainer.step, curve=curve)
    if row.status == "running":
        return Outcome(row, state=state)
    return Outcome(row, trainer.net, trainer.history) if row.status == "done" else Outcome(row)


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
    metrics = measured_with(metrics_of(made), setup.objective)  # the curves are to show them, too
    given = {**configuration, **length}
    return build_trainer(made, given, len(setup.data.train), metrics=metrics, rng=rng)


def _reason(error: Exception) -> str:
    """The error in words that are the same in every process."""
    text = without_addresses(str(error))
    if isinstance(error, MinidlError):
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}, line {place.lineno})"
