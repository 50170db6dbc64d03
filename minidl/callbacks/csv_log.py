"""The history as a file that grows."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from typing import ClassVar

from minidl.callbacks.callback import Callback, Training
from minidl.checks import check_bool
from minidl.errors import DataError
from minidl.files import as_path, atomic_write


class CSVLog(Callback):
    """Writes the history's epochs into a CSV file, a row each as it ends, under a row of names.

    The file holds whole rows at any time, all of those of the run: a further fit goes on in it. A cell
    is empty where the history has None. A file that holds anything else than the beginning of this
    run's log is refused before the first step.

    Parameters
    ----------
    path : path-like
    overwrite : bool
        Replace what another run left there instead of refusing it.
    """

    state_forms: ClassVar = {"_written": [(list, int), None]}
    state_names = tuple(state_forms)

    def __init__(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        self.path = as_path("CSVLog", path)
        self.overwrite = check_bool("CSVLog", "overwrite", overwrite)
        self._written: tuple[list[str], int] | None = None  # the names, and how long the file is then

    def on_fit_start(self, trainer: Training) -> None:
        """Begin the file, or go on in it."""
        if not trainer.step:  # of another Trainer than the last fit
            self._written = None
        content = _content(trainer)
        if self._written is None and not self.overwrite and self.path.exists():
            found = self.path.read_bytes()
            if not content.startswith(found):
                expected = f"no file {str(self.path)!r}, or one that this run has begun"
                got, remedy = "one that holds something else", "move it away, or give overwrite=True"
                raise DataError.expected("CSVLog", expected, got, remedy)
        self._write(trainer, content)

    def on_epoch_end(self, trainer: Training) -> None:
        """Add the epoch's row."""
        columns = trainer.history.epochs
        row = _lines([[column[-1] for column in columns.values()]])
        if self._written is None or self._written != (list(columns), self._size()):
            return self._write(trainer, _content(trainer))  # a new column has come, or the file has gone
        with self.path.open("ab", buffering=0) as file:  # one write, so that a row is there or not
            file.write(row)
        self._written = list(columns), self._written[1] + len(row)
        return None

    def _write(self, trainer: Training, content: bytes) -> None:
        with atomic_write(self.path) as file:
            file.write(content)
        self._written = list(trainer.history.epochs), len(content)

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else -1


def _content(trainer: Training) -> bytes:
    columns = trainer.history.epochs
    return _lines([columns, *zip(*columns.values(), strict=True)])


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
