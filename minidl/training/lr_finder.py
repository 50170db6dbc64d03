"""A search for the learning rate, by one short run in which it rises."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from minidl.callbacks import Callback
from minidl.callbacks.callback import Training
from minidl.checks import check_float, check_int, check_kind
from minidl.data import Dataset
from minidl.data.dataset import check_dataset
from minidl.errors import ConfigurationError, DivergedError
from minidl.optimizers import LBFGS
from minidl.plots import smooth
from minidl.plots.figures import make_figure, save_figure
from minidl.schedulers import Constant
from minidl.training.trainer import Trainer
from minidl.types import Array

_DIVERGED = 4
"""Times the best smoothed loss: a loss above ends the search."""

_BETA = 0.9
"""The share of the steps before in the running mean that is compared with its best."""

_LEAST_STEPS = 10


@dataclass(frozen=True)
class RateCurve:
    """What `find_lr` found: the loss at each rate.

    Attributes
    ----------
    rates, losses : list of float
        The rate of each step, and the loss of its batch before the update, penalty included.
    suggestion : float or None
        Where the smoothed loss falls fastest; None where it never falls.
    diverged : bool
        Whether the loss grew out of bounds, so that higher rates were not tried.
    """

    rates: list[float]
    losses: list[float]
    suggestion: float | None
    diverged: bool

    def plot(self, path: str | os.PathLike[str]) -> None:
        """Draw the losses, raw and smoothed, over the rates into an image file (extra ``plot``)."""
        figure = make_figure((7.5, 3.6))
        axis = figure.subplots()
        axis.plot(self.rates, self.losses, color="#1f77b4", alpha=0.3, linewidth=0.8, label="each step")
        axis.plot(
            self.rates, _smoothed(self.losses, _DIVERGED), color="#1f77b4", linewidth=1.8, label="smoothed"
        )
        if self.suggestion is not None:
            label = f"suggestion, {self.suggestion:.2g}"
            axis.axvline(self.suggestion, color="#d95f02", linestyle="--", label=label)
        if self.diverged:
            label = f"diverged, {self.rates[-1]:.2g}"
            axis.axvline(self.rates[-1], color="#555555", linestyle=":", label=label)
        low, high = min(self.losses), float(np.max(_smoothed(self.losses)))
        room = 0.1 * (high - low) or 0.1
        axis.set(xlabel="learning rate", ylabel="loss (and any penalty)", xscale="log")
        axis.set_ylim(low - room, high + 3 * room)  # losses that diverged would flatten the rest
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
        save_figure(figure, path)

    def __repr__(self) -> str:
        found = "no rate lowered the loss" if self.suggestion is None else f"suggestion {self.suggestion:.2g}"
        end = "where the loss diverged" if self.diverged else "and the loss did not diverge"
        tried = f"{len(self.rates)} rates tried, {self.rates[0]:.2g} to {self.rates[-1]:.2g}"
        return f"RateCurve({found}; {tried}, {end})"


def find_lr(
    trainer: Trainer,
    data: Dataset,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 100,
    batch_size: int = 200,
) -> RateCurve:
    """Train a copy of `trainer` at rates that rise from step to step, and suggest one.

    The rates rise by the same factor at each step, up to `highest` or to where the loss is 4 times its
    best, both smoothed. Suggested is where the loss falls fastest as the rate's logarithm rises. The
    trainer stays as it was. Its scheduler is left out, and of its callbacks all that do not change
    gradients.

    Source: Smith (2017), "Cyclical learning rates for training neural networks", arXiv:1506.01186.

    Parameters
    ----------
    trainer : Trainer
        Best before its first fit.
    data : Dataset
        What it is to be trained on.
    lowest, highest : float > 0
    steps : int >= 10
    batch_size : int >= 1
        That of the training to come.

    Examples
    --------
    >>> import minidl
    >>> from minidl import SGD, Standardize
    >>> data = minidl.data.load("digits")
    >>> net = minidl.mlp(64, 32, 10, standardize=Standardize(8, 6), rng=0)
    >>> curve = find_lr(Trainer(net, SGD(0.1), rng=0), data.train)
    >>> 0.01 < curve.suggestion < 2
    True
    """
    check_kind("find_lr", "trainer", trainer, Trainer)
    check_dataset("find_lr", "data", data)
    lowest = check_float("find_lr", "lowest", lowest, above=0)
    highest = check_float("find_lr", "highest", highest, above=lowest)
    steps = check_int("find_lr", "steps", steps, at_least=_LEAST_STEPS)
    batch_size = check_int("find_lr", "batch_size", batch_size, at_least=1)
    check_dataset("find_lr", "data", data)  # or the copy's `fit` would speak
    if isinstance(trainer.optimizer, LBFGS):
        expected, remedy = "an optimizer with a learning rate", "LBFGS finds the length of each step itself"
        raise ConfigurationError.expected("find_lr", expected, "LBFGS", remedy)
    rising = _Rising(lowest, highest, steps)
    changing = [callback for callback in trainer.callbacks if _changes_gradients(callback)]
    memo: dict[int, Any] = {id(trainer.callbacks): [*copy.deepcopy(changing), rising]}
    copied = copy.deepcopy(trainer, memo)
    copied.scheduler, copied._resumed = Constant(), None
    try:
        copied.fit(data, steps=steps, batch_size=batch_size)
    except DivergedError:
        if not rising.losses:
            raise
    rates, losses = rising.rates, rising.losses
    return RateCurve(rates, losses, _steepest(rates, losses), diverged=len(losses) < steps)


class _Rising(Callback):
    """Sets the rate of each step; stops where the loss has diverged."""

    def __init__(self, lowest: float, highest: float, steps: int) -> None:
        self._lowest, self._highest, self._last = lowest, highest, steps - 1
        self.rates: list[float] = []
        self.losses: list[float] = []
        self._mean, self._best = 0.0, math.inf

    def _rate(self) -> float:
        done = len(self.rates) / self._last
        rate: float = self._lowest ** (1 - done) * self._highest**done
        return rate

    def on_fit_start(self, trainer: Training) -> None:
        trainer.optimizer.lr = self._rate()

    def on_step_end(self, trainer: Training) -> None:
        loss = trainer.history.steps["loss"][-1]
        self.rates.append(trainer.optimizer.lr)
        self.losses.append(loss)
        count = len(self.losses)
        self._mean = _BETA * self._mean + (1 - _BETA) * loss
        smoothed = self._mean / (1 - _BETA**count)
        self._best = min(self._best, smoothed)
        if smoothed > _DIVERGED * self._best:
            trainer.stop("the loss has diverged")
        elif count <= self._last:
            trainer.optimizer.lr = self._rate()


def _changes_gradients(callback: Callback) -> bool:
    return type(callback).on_gradients is not Callback.on_gradients


def _half_window(count: int) -> int:
    return max(count // 10, 2)


def _smoothed(losses: list[float], times: float = 0) -> Array:
    """The running mean, in which no loss counts for more than the first ones or so many `times` the best."""
    half = _half_window(len(losses))
    ceiling = max(losses[: half + 1])  # what diverged would lift the mean over losses that did not
    smoothed = smooth(np.minimum(losses, ceiling), 2 * half + 1)
    if times * smoothed.min() > ceiling:
        smoothed = smooth(np.minimum(losses, times * smoothed.min()), 2 * half + 1)
    return smoothed


def _steepest(rates: list[float], losses: list[float]) -> float | None:
    """The rate about which a line through the losses falls fastest, on the way to their lowest."""
    half = _half_window(len(losses))
    end = int(np.argmin(_smoothed(losses)))
    if end + half >= len(losses):  # whole windows only: a narrow one follows the noise
        end = len(losses) - half - 1
    if end < half:
        return None
    windows = np.lib.stride_tricks.sliding_window_view(losses[: end + half + 1], 2 * half + 1)
    slopes = windows @ np.arange(-half, half + 1)  # by least squares, but for a factor
    steepest = int(np.argmin(slopes))
    return rates[steepest + half] if slopes[steepest] < 0 else None
