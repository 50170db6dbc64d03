"""Checkpoints while a fit runs."""

from __future__ import annotations

import os
import time
import warnings
from contextlib import suppress
from typing import Any

from minidl.advice import shown
from minidl.callbacks.callback import Callback, Training
from minidl.checks import check_bool, check_int
from minidl.errors import ConfigurationError, StateError
from minidl.files import as_path
from minidl.storage.checkpoints import previous, run_of

_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_UNITS = ("step", "epoch", *_SECONDS)


class Checkpoint(Callback):
    """Saves the training as it goes, so that `Trainer.resume` goes on from there whatever happened.

    A checkpoint is written at the beginning of a fit, so that what stands in the way of it shows before
    any work is spent; then after every so many steps, epochs or minutes; and at the end of the fit, also
    where that came by an error, Ctrl-C or SIGTERM. Give it as the last callback.

    Where it cannot be written in the midst of a fit, as on a disk that is full, the training goes on with a
    warning, and the next one is tried when it is due; at the beginning and the end that is an error.

    Parameters
    ----------
    path : path-like
        Usually ``something.npz``; see `Trainer.save`.
    every : int or str
        So many steps, or such as ``"5 epochs"``, ``"10 minutes"``, ``"2 hours"``, ``"1 epoch"``.
    overwrite : bool
        Replace a checkpoint of another run instead of refusing the fit.
    note : dict, list, str, number or array, optional
        As `Trainer.save` takes it.
    """

    state_names = ()
    _clock = staticmethod(time.monotonic)

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: int | str = "10 minutes",
        *,
        overwrite: bool = False,
        note: Any = None,
    ) -> None:
        self.path = as_path("Checkpoint", path).absolute()  # also where the program changes its directory
        self.every = every
        self._count, self._unit = read_every("Checkpoint", every)
        self.overwrite = check_bool("Checkpoint", "overwrite", overwrite)
        self.note = note
        self._run = ""  # that of the fit under way, if it was not refused

    def on_fit_start(self, trainer: Training) -> None:
        """Save, or refuse to overwrite what another run has saved."""
        before, self._run = self._run, ""
        run = trainer.run_id
        if run != before and not self.overwrite and self.path.is_file():
            there = run_of(self.path)
            if there is None and run_of(previous(self.path)) == run:  # ours, and damaged
                there = run
            if there != run:
                what = "something else" if there is None else "one of another run"
                got = f"{str(self.path)!r}, which holds {what}"
                begun = "" if there is None else "go on with it by Trainer.resume, "
                remedy = f"{begun}give another path, or overwrite=True"
                raise ConfigurationError.expected("Checkpoint", "a path without a file", got, remedy)
        self._save(trainer)
        self._run = run

    def on_step_end(self, trainer: Training) -> None:
        """Save where steps or time are counted, and it is due."""
        if self._unit == "step":
            due = trainer.step % self._count == 0
        else:
            due = self._clock() - self._at >= self._count * _SECONDS.get(self._unit, float("inf"))
        if due:
            self._try_to_save(trainer)

    def on_epoch_end(self, trainer: Training) -> None:
        """Save where epochs are counted, and it is due."""
        if self._unit == "epoch" and trainer.epoch % self._count == 0:
            self._try_to_save(trainer)

    def on_fit_end(self, trainer: Training) -> None:
        """Save, unless the last step was broken off halfway: then what was saved before it stays."""
        if self._run:
            with suppress(StateError):
                self._save(trainer)

    def _try_to_save(self, trainer: Training) -> None:
        if trainer.stop_reason is not None:  # the fit ends here, and is saved then
            return
        try:
            self._save(trainer)
        except OSError as error:
            self._at = self._clock()
            told = f"Checkpoint: not written at step {trainer.step} ({error}); the training goes on"
            warnings.warn(told, stacklevel=2)

    def _save(self, trainer: Training) -> None:
        trainer.save(self.path, note=self.note)
        self._at = self._clock()


def read_every(where: str, every: int | str) -> tuple[int, str]:
    """A number and its unit, of the singular; `ConfigurationError` for anything else."""
    if not isinstance(every, str):
        return check_int(where, "every", every, at_least=1), "step"
    count, _, unit = every.strip().partition(" ")
    unit = unit.strip().removesuffix("s")
    if not (count.isascii() and count.isdecimal() and int(count) > 0 and unit in _UNITS):
        expected = "every to be a number of steps, or such as '5 epochs', '10 minutes' or '500 steps'"
        raise ConfigurationError.expected(where, expected, shown(every))
    return int(count), unit
