"""A progress bar."""

from __future__ import annotations

import functools
import math
import os
import sys
import threading
import warnings
from typing import Any

from minidl.callbacks.callback import Callback, Training
from minidl.callbacks.notebook import Output, in_notebook
from minidl.checks import check_bool
from minidl.tables import measured

_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
_LEAST = len("100%|=| / [00:00<00:00, ]")
"""Columns of the least bar that says how far it is, without its numbers of steps."""


class ProgressBar(Callback):
    """A tqdm bar over the steps, with the loss and, of the last epoch, the metrics that there is room for.

    Drawn on standard error, and only where that is a terminal; without one, or once it is gone, silent.
    In a notebook it is a widget, or without the package ``ipywidgets`` text, and stays when the fit is
    over.

    Parameters
    ----------
    each_epoch : bool
        Write a line after each epoch, too, with the loss and all metrics, which stays.
    """

    _EVERY = 20  # steps between two looks at the loss: reading it must not cost the training

    state_names = ()

    def __init__(self, *, each_epoch: bool = False) -> None:
        self.each_epoch = check_bool("ProgressBar", "each_epoch", each_epoch)
        self._bar: Any = None
        self._output: Output | None = None
        self._measured: list[str] = []

    def on_fit_start(self, trainer: Training) -> None:
        """Open the bar."""
        from minidl.console import ConsoleStream

        self._measured, self._first = [], trainer.step
        total, is_notebook = trainer.last_step - trainer.step, in_notebook()
        options: dict[str, Any] = {"bar_format": _FORMAT, "dynamic_ncols": True, "leave": is_notebook}
        options["disable"] = False if is_notebook else None  # None: where there is no terminal
        stream = sys.stdout if is_notebook else sys.stderr  # what a notebook shows of the other is red
        kind = _bar_class(is_notebook)
        if kind.is_widget:
            options["display"] = False
        self._bar = kind(total=total, file=ConsoleStream(stream), **options)
        if kind.is_widget:
            self._output = Output(self._bar.container)
        rows = getattr(self._bar, "nrows", None)
        if rows is not None and rows < 1:  # a terminal that does not know its size
            self._bar.ncols, self._bar.nrows, self._bar.dynamic_ncols = 79, 23, False

    def on_step_end(self, trainer: Training) -> None:
        """Move on to the step."""
        if trainer.step % self._EVERY == 0:
            self._show(trainer)
        # Not by one: after a break, the first such call is for the last step of the fit before.
        self._bar.update(trainer.step - self._first - self._bar.n)

    def _show(self, trainer: Training) -> None:
        text, columns = f"loss {trainer.history.steps['loss'][-1]:.3f}", getattr(self._bar, "ncols", None)
        room = columns - _LEAST - 2 * len(str(self._bar.total)) if isinstance(columns, int) else math.inf
        for place, metric in enumerate(self._measured):
            if len(text) + len(metric) + 2 > room - 10 * bool(place):  # the first matters more than the bar
                break
            text = f"{text}, {metric}"
        self._bar.set_postfix_str(text, refresh=False)

    def on_epoch_end(self, trainer: Training) -> None:
        """Take up what the epoch's end measured."""
        rows = measured(trainer.history.epochs)
        both = "train/val " if any(validation for _, _, validation in rows) else "train "
        texts = [f"{name} {'/'.join(filter(None, numbers))}" for name, *numbers in rows if any(numbers)]
        self._measured = [both * (not place) + text for place, text in enumerate(texts[1:])]
        if self.each_epoch and not self._bar.disable:
            line = f"epoch {trainer.epoch}: {both}{', '.join(texts)}"
            self._bar.write(line, file=self._bar.fp)

    def on_fit_end(self, trainer: Training) -> None:
        """Close the bar."""
        if self._bar is None:
            return
        if self._bar.leave and trainer.step:
            self._show(trainer)
            if trainer.stop_reason is not None:
                self._bar.total = self._bar.n  # an end that was meant, not one to be shown in red
        self._bar.close()
        if self._output is not None:
            self._output.update(self._bar.container)  # for the text beside the widget, which is of the start
        self._bar = self._output = None  # they hold the terminal, which nothing can copy


@functools.cache
def _bar_class(is_notebook: bool) -> Any:
    """Tqdm with a lock of its own: the one that it makes settles how the process starts others, for good."""
    if is_notebook:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that ipywidgets is missing, which leaves the bar of text
            from tqdm.auto import tqdm
    else:
        from tqdm import tqdm

    box = getattr(sys.modules.get("tqdm.notebook"), "TqdmHBox", None)

    class Bar(tqdm):  # type: ignore[misc]
        _lock = threading.RLock()
        is_widget = is_notebook and hasattr(box, "_repr_mimebundle_")  # ipywidgets before 8 show it anew

    def renew_lock() -> None:
        Bar._lock = threading.RLock()

    if hasattr(os, "register_at_fork"):  # another thread, which a child has not, may hold it
        os.register_at_fork(after_in_child=renew_lock)
    return Bar
