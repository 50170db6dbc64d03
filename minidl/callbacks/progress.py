"""A progress bar."""

from __future__ import annotations

import functools
import sys
import threading
from typing import TYPE_CHECKING, Any

from minidl.callbacks.callback import Callback

if TYPE_CHECKING:
    from minidl.training.trainer import Trainer


class ProgressBar(Callback):
    """A tqdm bar over the steps, with the loss and the accuracies of the last epoch.

    Drawn on standard error, and only where that is a terminal; without one, or once it is gone, silent.
    """

    _EVERY = 20  # steps between two looks at the loss: reading it must not cost the training

    def __init__(self) -> None:
        self._bar: Any = None
        self._accuracies = ""

    def on_fit_start(self, trainer: Trainer) -> None:
        """Open the bar."""
        from minidl.console import ConsoleStream

        self._accuracies = ""
        total = trainer.last_step - trainer.step
        options = {"unit": "step", "disable": None, "dynamic_ncols": True, "leave": False}
        self._bar = _bar_class()(total=total, file=ConsoleStream(sys.stderr), **options)

    def on_step_end(self, trainer: Trainer) -> None:
        """Move on by a step."""
        if trainer.step % self._EVERY == 0:
            loss = trainer.history.steps["loss"][-1]
            self._bar.set_postfix_str(f"loss {loss:.3f}{self._accuracies}", refresh=False)
        self._bar.update()

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Take up the epoch's accuracies."""
        shown = ""
        for part in ("train", "validation"):
            accuracy = trainer.history.epochs[f"{part}_accuracy"][-1]
            shown += "" if accuracy is None else f", {part} {accuracy:.1%}"
        self._accuracies = shown

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None  # it holds the terminal, which nothing can copy


@functools.cache
def _bar_class() -> Any:
    """Tqdm with a lock of its own: the one that it makes settles how the process starts others, for good."""
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        _lock = threading.RLock()

    return Bar
