"""One trial: a pure function of configuration and seed, which gives a row of the journal."""

from __future__ import annotations

import copy
import dataclasses
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from minidl.checks import check_int
from minidl.code import without_addresses
from minidl.data import Splits
from minidl.errors import ConfigurationError, DivergedError, MinidlError
from minidl.net import Net
from minidl.recipes import build_trainer
from minidl.recipes.augment import augmentation
from minidl.storage.checkpoints import state_from_bytes, state_to_bytes
from minidl.sweep.fields import whole_text
from minidl.sweep.figures import figures_of, finite
from minidl.sweep.objective import PART, Objective, measured_with, metrics_of, watched
from minidl.sweep.process import one_thread
from minidl.sweep.row import CURVE, Row
from minidl.sweep.space import Configuration
from minidl.training import History, Trainer

Build: TypeAlias = Callable[[Configuration, Splits, np.random.Generator], "Net | Trainer"]


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
        trainer = make_trainer(setup, task.configuration)
        if task.state:
            trainer.load_state_dict(state_from_bytes(task.state))
        metrics = measured_with(metrics_of(trainer), setup.objective)  # before any work is spent
        options: dict[str, Any] = {setup.unit: task.stop - start}
        if "batch_size" in task.configuration:
            options["batch_size"] = task.configuration["batch_size"]
        if "augment" in task.configuration:
            options["transform"] = augmentation(task.configuration["augment"])
        if not (task.state and trainer.stop_reason):  # what ended itself would have done so in one fit, too
            trainer.fit(train, **options, validation=setup.data.validation)
        figures = figures_of(trainer, setup.data, setup.objective, metrics)
        state = None if task.last else state_to_bytes(trainer.state_dict())
        ended = trainer.stop_reason
        row = dataclasses.replace(row, reason=None if ended is None else whole_text(str(ended)), **figures)
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
    columns = [name for name in (*CURVE, f"train_{best}", PART + best) if name in epochs]
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
    text = whole_text(without_addresses(str(error)))
    if isinstance(error, MinidlError):
        return text
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}, line {place.lineno})"
