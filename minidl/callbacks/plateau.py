"""A learning rate that falls where training stands still."""

from __future__ import annotations

from typing import ClassVar

from minidl.callbacks.callback import Callback, Training
from minidl.callbacks.monitor import Monitor
from minidl.checks import check_choice, check_float, check_int

_THRESHOLDS = ("rel", "abs")


class ReduceOnPlateau(Callback):
    """Multiplies ``optimizer.lr`` by `factor` once an epoch's number has not improved for long.

    The rates are those of ``torch.optim.lr_scheduler.ReduceLROnPlateau``. A scheduler's factors
    multiply what this leaves.

    Parameters
    ----------
    factor : float in (0, 1)
    patience : int >= 0
        So many epochs in a row without a new best are borne; at the next the rate falls.
    monitor : str
        What is watched, a column of ``history.epochs``. NaN never is a best.
    mode : "min", "max" or None
        Whether `monitor` is to fall or to rise; by default what ends in ``loss`` or ``error`` is to
        fall, anything else to rise.
    threshold : float >= 0
        How much better a best has to be than the one before.
    threshold_mode : "rel" or "abs"
        Whether `threshold` is a share of the best or a number to take from it or add.
    cooldown : int >= 0
        Epochs after a reduction in which none counts as without a best.
    min_lr : float >= 0
        The rate falls no lower.
    eps : float >= 0
        A reduction by no more than this is left out.

    Attributes
    ----------
    best : float
        The best number so far; at first infinity, or minus infinity for what is to rise.
    """

    state_forms: ClassVar = {"best": float, "_waited": int, "_cooling": int}
    state_names = tuple(state_forms)

    def __init__(
        self,
        factor: float = 0.1,
        patience: int = 10,
        monitor: str = "validation_loss",
        *,
        mode: str | None = None,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float = 0.0,
        eps: float = 1e-8,
    ) -> None:
        where = "ReduceOnPlateau"
        self.factor = check_float(where, "factor", factor, above=0, below=1)
        self.patience = check_int(where, "patience", patience, at_least=0)
        self._monitor = Monitor(where, monitor, mode)
        self.monitor, self.mode = monitor, self._monitor.mode
        self.threshold = check_float(where, "threshold", threshold, at_least=0)
        self.threshold_mode = check_choice(where, "threshold_mode", threshold_mode, _THRESHOLDS)
        self.cooldown = check_int(where, "cooldown", cooldown, at_least=0)
        self.min_lr = check_float(where, "min_lr", min_lr, at_least=0)
        self.eps = check_float(where, "eps", eps, at_least=0)
        self._begin()

    def _begin(self) -> None:
        self.best = self._monitor.worst
        self._waited = self._cooling = 0

    def on_fit_start(self, trainer: Training) -> None:
        """Refuse a fit that will not have what is watched."""
        if not trainer.step:  # of another Trainer than the last fit
            self._begin()
        self._monitor.require(trainer)

    def on_epoch_end(self, trainer: Training) -> None:
        """Count the epoch, and lower the rate where it is due."""
        value = self._monitor.latest(trainer)
        if self._is_better(value):
            self.best, self._waited = value, 0
        else:
            self._waited += 1
        if self._cooling:
            self._cooling, self._waited = self._cooling - 1, 0
        if self._waited > self.patience:
            self._cooling, self._waited = self.cooldown, 0
            lr = max(trainer.optimizer.lr * self.factor, self.min_lr)
            if trainer.optimizer.lr - lr > self.eps:
                trainer.optimizer.lr = lr

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            limit = self.best * (1 + sign * self.threshold)
        else:
            limit = self.best + sign * self.threshold
        return sign * value > sign * limit
