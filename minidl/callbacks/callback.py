"""The contract of a callback: what else happens during a fit."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

from minidl.advice import closest
from minidl.checks import check_list
from minidl.data import Dataset
from minidl.errors import ConfigurationError
from minidl.net import Net
from minidl.optimizers import Optimizer
from minidl.stateful import Stateful


class Columns(Protocol):
    """What a run has recorded: a list with one number a step, and one an epoch, by the column's name."""

    steps: dict[str, list[float]]
    epochs: dict[str, list[Any]]
    kept_epoch: int | None

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw it into an image file."""


class Training(Protocol):
    """What a callback is given, the Trainer: the net, what trains it, and how far it has come."""

    net: Net
    optimizer: Optimizer
    callbacks: list[Callback]
    train: Dataset
    validation: Dataset | None
    batch_size: int
    epoch: int
    step: int
    last_step: int
    stop_reason: str | None

    @property
    def history(self) -> Columns:
        """What was recorded so far."""

    def stop(self, reason: str) -> None:
        """End the fit after the current step."""

    def save(self, path: str | os.PathLike[str], *, note: Any = None) -> None:
        """Write a checkpoint."""

    @property
    def run_id(self) -> str:
        """The run's name, by which its checkpoints are known."""


class Callback(Stateful):
    """Hooks, each a no-op to override; the Trainer calls its callbacks in list order.

    ``trainer.stop(reason)`` ends the fit after the current step. A hook that raised is called once
    more by the next fit, which goes on from there.

    A checkpoint keeps the attributes that `state_names` names, or without it all there are; they are to be
    arrays, numbers, strings, None, or lists, tuples and dicts of them.
    """

    def on_fit_start(self, trainer: Training) -> None:
        """Before the first step; ``trainer.last_step`` says where the fit will end."""

    def on_epoch_start(self, trainer: Training) -> None:
        """Before the first step of each epoch."""

    def on_gradients(self, trainer: Training) -> None:
        """Between backward and update: change ``trainer.net.parameters.gradients`` in place."""

    def on_step_end(self, trainer: Training) -> None:
        """After each update, its numbers recorded in ``trainer.history.steps``."""

    def on_epoch_end(self, trainer: Training) -> None:
        """After each epoch, its numbers recorded in ``trainer.history.epochs``."""

    def on_fit_end(self, trainer: Training) -> None:
        """At the end, however it came about."""


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


def check_callbacks(where: str, callbacks: Sequence[Callback]) -> list[Callback]:
    """`callbacks` as a list; `ConfigurationError` for a method ``on_...`` that no Trainer would ever call."""
    callbacks = check_list(where, "callbacks", callbacks, Callback, "objects of class Callback")
    for callback in callbacks:
        kind = type(callback)
        for name in dir(kind):
            if name.startswith("on_") and name not in HOOKS and callable(getattr(kind, name)):
                expected = f"{kind.__name__}'s methods on_... to be hooks: {', '.join(HOOKS)}"
                near = closest(name, HOOKS)
                remedy = f"did you mean {near}?" if near else "name a method of your own otherwise"
                raise ConfigurationError.expected(where, expected, name, remedy)
    return callbacks
