"""The contract of a callback: what else happens during a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minidl.training.trainer import Trainer


class Callback:
    """Four hooks, each a no-op to override; the Trainer calls its callbacks in list order.

    ``trainer.stop(reason)`` ends the fit after the current step.
    """

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first step; ``trainer.last_step`` says where the fit will end."""

    def on_step_end(self, trainer: Trainer) -> None:
        """After each update, its numbers recorded in ``trainer.history.steps``."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """After each epoch, its numbers recorded in ``trainer.history.epochs``."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """At the end, however it came about."""
