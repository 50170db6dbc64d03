"""A progress bar."""

from __future__ import annotations

import functools
import sys
import threading
import warnings
from typing import Any

from minidl.callbacks.callback import Callback, Training
from minidl.callbacks.notebook import in_notebook
from minidl.tables import last_measured


class ProgressBar(Callback):
    """A tqdm bar over the steps, with the loss and, of the last epoch, the first metric.

    Drawn on standard error, and only where that is a terminal; without one, or once it is gone, silent.
    In a notebook it is a widget, or without the package ``ipywidgets`` text, and stays when the fit is
    over.
    """

    _EVERY = 20  # steps between two looks at the loss: reading it must not cost the training

    def __init__(self) -> None:
        self._bar: Any = None
        self._measured = ""

    def on_fit_start(self, trainer: Training) -> None:
        """Open the bar."""
        from minidl.console import ConsoleStream

        self._measured = ""
        total, is_notebook = trainer.last_step - trainer.step, in_notebook()
        options: dict[str, Any] = {"unit": "step", "dynamic_ncols": True, "leave": is_notebook}
        options["disable"] = False if is_notebook else None  # None: where there is no terminal
        stream = sys.stdout if is_notebook else sys.stderr  # what a notebook shows of the other is red
        self._bar = _bar_class(is_notebook)(total=total, file=ConsoleStream(stream), **options)

    def on_step_end(self, trainer: Training) -> None:
        """Move on by a step."""
        if trainer.step % self._EVERY == 0:
            self._show(trainer)
        self._bar.update()

    def _show(self, trainer: Training) -> None:
        loss = trainer.history.steps["loss"][-1]
        self._bar.set_postfix_str(f"loss {loss:.3f}{self._measured}", refresh=False)

    def on_epoch_end(self, trainer: Training) -> None:
        """Take up what the epoch's end measured."""
        self._measured = "".join(f", {text}" for text in last_measured(trainer.history.epochs))

    def on_fit_end(self, trainer: Training) -> None:
        """Close the bar."""
        if self._bar is None:
            return
        if self._bar.leave and trainer.step:
            self._show(trainer)
            if trainer.stop_reason is not None:
                self._bar.total = self._bar.n  # an end that was meant, not one to be shown in red
        self._bar.close()
        self._bar = None  # it holds the terminal, which nothing can copy


@functools.cache
def _bar_class(is_notebook: bool) -> Any:
    """Tqdm with a lock of its own: the one that it makes settles how the process starts others, for good."""
    if is_notebook:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that ipywidgets is missing, which leaves the bar of text
            from tqdm.auto import tqdm
    else:
        from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        _lock = threading.RLock()

    return Bar
