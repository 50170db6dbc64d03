"""A progress bar."""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any

from minidl.callbacks.callback import Callback, Training
from minidl.tables import last_measured


class ProgressBar(Callback):
    """A tqdm bar over the steps, with the loss and, of the last epoch, the first metric.

    Drawn on standard error, and only where that is a terminal; without one, or once it is gone, silent.
    """

    _EVERY = 20  # steps between two looks at the loss: reading it must not cost the training

    def __init__(self) -> None:
        self._bar: Any = None
        self._measured = ""

    def on_fit_start(self, trainer: Training) -> None:
        """Open the bar."""
        from minidl.console import ConsoleStream

        self._measured = ""
        total = trainer.last_step - trainer.step
        options = {"unit": "step", "disable": None, "dynamic_ncols": True, "leave": False}
        self._bar = _bar_class()(total=total, file=ConsoleStream(sys.stderr), **options)

    def on_step_end(self, trainer: Training) -> None:
        """Move on by a step."""
        if trainer.step % self._EVERY == 0:
            loss = trainer.history.steps["loss"][-1]
            self._bar.set_postfix_str(f"loss {loss:.3f}{self._measured}", refresh=False)
        self._bar.update()

    def on_epoch_end(self, trainer: Training) -> None:
        """Take up what the epoch's end measured."""
        self._measured = "".join(f", {text}" for text in last_measured(trainer.history.epochs))

    def on_fit_end(self, trainer: Training) -> None:
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
