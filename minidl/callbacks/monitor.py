"""A column of the history that a callback watches."""

from __future__ import annotations

import math

from minidl.callbacks.callback import Training
from minidl.checks import check_choice, check_kind
from minidl.errors import ConfigurationError
from minidl.tables import listed

MODES = ("min", "max")


class Monitor:
    """One of the history's columns an epoch, and whether it is to fall or to rise.

    Parameters
    ----------
    where : str
        The callback's name, for its errors.
    name : str
        A column of ``history.epochs``.
    mode : "min", "max" or None
        Whether it is to fall or to rise; by default what ends in ``loss`` or ``error`` is to fall.
    """

    def __init__(self, where: str, name: str, mode: str | None) -> None:
        self.where, self.name = where, check_kind(where, "monitor", name, str)
        is_falling = name.endswith(("loss", "error"))
        self.mode = MODES[not is_falling] if mode is None else check_choice(where, "mode", mode, MODES)
        self.worst = math.inf if self.mode == "min" else -math.inf

    def require(self, trainer: Training) -> None:
        """`ConfigurationError` where the fit that begins will not have such a column."""
        known = trainer.history.epochs
        if self.name not in known:
            expected = f"monitor to be one of the history's columns, {listed(list(known))}"
            remedy = "a metric has its columns if Trainer(metrics=...) has it"
            raise ConfigurationError.expected(self.where, expected, repr(self.name), remedy)
        if self.name.startswith("validation_") and trainer.validation is None:
            expected, got = f"a validation set to measure {self.name} on", "none"
            remedy = "give fit one: validation=data.validation"
            raise ConfigurationError.expected(self.where, expected, got, remedy)

    def latest(self, trainer: Training) -> float:
        """The number of the last epoch; NaN where it has none."""
        number = trainer.history.epochs[self.name][-1]
        return math.nan if number is None else number
