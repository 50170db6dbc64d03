"""The curves while they grow."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from minidl.callbacks.callback import Callback, Training
from minidl.callbacks.notebook import Output, in_notebook, picture
from minidl.checks import check_int
from minidl.errors import ConfigurationError
from minidl.files import as_path
from minidl.plots.figures import make_figure


class LivePlot(Callback):
    """Draws the history anew after epochs and at the fit's end: `History.plot` (extra ``plot``).

    A picture takes some tenths of a second. After one, nothing is drawn for nine times as long as it
    took, so that pictures take a tenth of the time at most; but the fit's end is always drawn.

    Parameters
    ----------
    path : path-like, optional
        The image to write, whole each time; its suffix gives the format (png, svg, pdf). Without it,
        the picture is shown below the cell of a notebook, and anywhere else a fit is refused.
    every : int >= 1
        Draw after every so many epochs at most.
    """

    _clock = staticmethod(time.perf_counter)
    _FIRST = 0.3  # seconds that a picture is taken to need before one was drawn

    state_names = ()

    def __init__(self, path: str | os.PathLike[str] | None = None, *, every: int = 1) -> None:
        self.path = None if path is None else as_path("LivePlot", path)
        self.every = check_int("LivePlot", "every", every, at_least=1)
        self._output: Output | None = None
        self._drawn = 0  # the step of the last picture

    def on_fit_start(self, trainer: Training) -> None:
        """Refuse a fit whose picture would be seen nowhere."""
        make_figure((1, 1))  # an error without matplotlib
        self._drawn, self._ended, self._cost = trainer.step, self._clock(), self._FIRST
        if self.path is None and not in_notebook():
            remedy = "give a file to draw into: LivePlot('curves.png')"
            raise ConfigurationError.expected("LivePlot", "a notebook to draw in", "none", remedy)
        self._output = None

    def on_epoch_end(self, trainer: Training) -> None:
        """Draw, where it is time to."""
        if trainer.epoch % self.every == 0 and self._clock() - self._ended >= 9 * self._cost:
            self._draw(trainer)

    def on_fit_end(self, trainer: Training) -> None:
        """Draw what has come since."""
        if trainer.step > self._drawn and (self.path is not None or in_notebook()):
            self._draw(trainer)
        self._output = None  # it holds the notebook, which nothing can copy

    def _draw(self, trainer: Training) -> None:
        began = self._clock()
        if self.path is not None:
            trainer.history.plot(self.path)
        else:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "history.png")
                trainer.history.plot(file)
                shown = picture(file.read_bytes())
            if self._output is None:
                self._output = Output(shown)
            else:
                self._output.update(shown)
        self._drawn, self._ended = trainer.step, self._clock()
        self._cost = self._ended - began
