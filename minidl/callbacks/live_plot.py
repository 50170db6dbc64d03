"""The curves while they grow."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from minidl.callbacks.callback import Callback, Training
from minidl.callbacks.notebook import Picture, in_notebook
from minidl.checks import check_int
from minidl.errors import ConfigurationError
from minidl.files import as_path
from minidl.plots import plot_history
from minidl.plots.figures import make_figure


class LivePlot(Callback):
    """Draws the history anew at the end of each epoch and of the fit: `History.plot` (extra ``plot``).

    Parameters
    ----------
    path : path-like, optional
        The image to write, whole each time; its suffix gives the format (png, svg, pdf). Without it,
        the picture is shown below the cell of a notebook, and anywhere else a fit is refused.
    every : int >= 1
        Draw at the end of every so many epochs only: a picture takes some tenths of a second.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, every: int = 1) -> None:
        self.path = None if path is None else as_path("LivePlot", path)
        self.every = check_int("LivePlot", "every", every, at_least=1)
        self._picture: Picture | None = None
        self._drawn = 0  # the step of the last picture

    def on_fit_start(self, trainer: Training) -> None:
        """Refuse a fit whose picture would be seen nowhere."""
        make_figure((1, 1))  # an error without matplotlib
        self._drawn = trainer.step
        if self.path is None and not in_notebook():
            remedy = "give a file to draw into: LivePlot('curves.png')"
            raise ConfigurationError.expected("LivePlot", "a notebook to draw in", "none", remedy)
        self._picture = Picture() if self.path is None else None

    def on_epoch_end(self, trainer: Training) -> None:
        """Draw."""
        if trainer.epoch % self.every == 0:
            self._draw(trainer)

    def on_fit_end(self, trainer: Training) -> None:
        """Draw what has come since."""
        if trainer.step > self._drawn:
            self._draw(trainer)
        self._picture = None  # it holds the notebook, which nothing can copy

    def _draw(self, trainer: Training) -> None:
        history = trainer.history
        if self.path is not None:
            plot_history(history.steps, history.epochs, self.path)
        elif self._picture is not None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "history.png")
                plot_history(history.steps, history.epochs, file)
                self._picture.show(file.read_bytes())
        self._drawn = trainer.step
