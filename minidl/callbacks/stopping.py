"""Early stopping."""

from __future__ import annotations

from typing import ClassVar

from minidl.callbacks.callback import Training
from minidl.callbacks.monitor import Monitor
from minidl.callbacks.substitution import PAIR, Substitution
from minidl.checks import check_bool, check_float, check_int
from minidl.types import Array


class EarlyStopping(Substitution):
    """Ends a fit that no longer gets better, and leaves the net as it was at its best.

    At a fit's end, however it came about, the net holds the parameters and states of its best epoch.
    The next fit goes on from the last ones, so that two fits equal one long one. After a fit that ran
    out of patience, it goes on from the best, with the patience counted anew; the optimizer goes on
    from where it was.

    Source: Prechelt (1998), "Early stopping - but when?".

    Parameters
    ----------
    patience : int >= 1
        So many epochs in a row without a new best end the fit.
    monitor : str
        What is watched, a column of ``history.epochs``. NaN never is a best.
    min_delta : float >= 0
        A best is better than the one before by more than this.
    restore : bool
        Whether the net holds its best values at the end, or its last.
    mode : "min", "max" or None
        Whether `monitor` is to fall or to rise; by default what ends in ``loss`` or ``error`` is to
        fall, anything else to rise.

    Attributes
    ----------
    best, best_epoch : float and int, or None
        The best number so far, and after how many epochs it came.
    waited : int
        Epochs since then, or since the last fit that it ended.
    """

    state_forms: ClassVar = {
        "best": [float, None], "best_epoch": [int, None], "waited": int, "_ended": bool, "_values": PAIR,
        **Substitution.state_forms,
    }  # fmt: skip
    state_names = tuple(state_forms)

    def __init__(
        self,
        patience: int,
        monitor: str = "validation_loss",
        *,
        min_delta: float = 0.0,
        restore: bool = True,
        mode: str | None = None,
    ) -> None:
        self.patience = check_int("EarlyStopping", "patience", patience, at_least=1)
        self._monitor = Monitor("EarlyStopping", monitor, mode)
        self.monitor, self.mode = monitor, self._monitor.mode
        self.min_delta = check_float("EarlyStopping", "min_delta", min_delta, at_least=0)
        self.restore = check_bool("EarlyStopping", "restore", restore)
        self._begin()

    def _begin(self) -> None:
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited, self._ended = 0, False
        self._values: tuple[Array, Array] | None = None

    def on_fit_start(self, trainer: Training) -> None:
        """Go on from the last values, or after a fit that this has ended, from the best."""
        super().on_fit_start(trainer)
        if not trainer.step:  # of another Trainer than the last fit
            self._begin()
        self._require("_values", [(trainer.net.parameters.values, trainer.net.state.values), None])
        if self._ended and trainer.stop_reason is None:
            self.waited, self._ended = 0, False
        self._monitor.require(trainer)

    def on_epoch_end(self, trainer: Training) -> None:
        """Keep a new best; without one for so long, end the fit."""
        value = self._monitor.latest(trainer)
        best = self._monitor.worst if self.best is None else self.best
        if value < best - self.min_delta if self.mode == "min" else value > best + self.min_delta:
            self.best, self.best_epoch, self.waited = value, trainer.epoch, 0
            if self.restore:
                self._keep(trainer)
            return
        self.waited += 1
        if self.waited >= self.patience:
            self._ended = True
            count = f"{self.waited} epochs" if self.waited > 1 else "an epoch"
            since = "" if self.best is None else f", since {self.best:.4g} after epoch {self.best_epoch}"
            trainer.stop(f"EarlyStopping: {self.monitor} has not improved for {count}{since}")

    def _keep(self, trainer: Training) -> None:
        net = trainer.net
        if self._values is None:
            self._values = net.parameters.values.copy(), net.state.values.copy()
        else:
            self._values[0][...], self._values[1][...] = net.parameters.values, net.state.values

    def on_fit_end(self, trainer: Training) -> None:
        """Give the net its best values."""
        if self._values is not None and self._own is None:
            self._substitute(trainer, *self._values, self.best_epoch)
            if self._ended:  # the next fit goes on from these
                self._own = None
