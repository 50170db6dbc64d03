"""The Trainer: the loop that brings net, optimizer, schedule and data together."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Never

import numpy as np

from minidl.callbacks import Callback
from minidl.checks import as_generator, check_float, check_int, check_kind, check_list, check_number
from minidl.data import Batches, Dataset
from minidl.errors import ConfigurationError, DivergedError
from minidl.kernels.rows import take_rows
from minidl.layers import Sequential
from minidl.optimizers import Optimizer
from minidl.regularizers import Regularizer
from minidl.schedulers import Constant, Scheduler
from minidl.training.evaluation import count_right, measure, require_dataset, require_head
from minidl.training.history import History
from minidl.types import Array, Rng

# Asking `np.finfo` at every step would take as long as the gradients' norm.
_LARGEST = {np.dtype(kind): float(np.finfo(kind).max) for kind in (np.float32, np.float64)}


class Trainer:
    """Trains a net; everything it has done so far is in it, and a further fit goes on from there.

    The same seed gives the same bits on the same machine, with the same BLAS and number of threads.

    Parameters
    ----------
    net : Sequential
        With a loss at its end.
    optimizer : Optimizer
    scheduler : Scheduler, optional
        Multiplies the optimizer's ``base_lr``; constant by default.
    regularizer : Regularizer, optional
    callbacks : sequence of Callback
    rng : Generator, seed or None
        The order of the samples. The Trainer spawns a stream of its own from it, so that nothing
        drawn elsewhere changes the shuffles.

    Attributes
    ----------
    epoch, step : int
        Epochs finished and updates made, over all fits.
    last_step : int
        The number of updates at which the running fit will end.
    history : History
    stop_reason : str or None
        What `stop` was given in the last fit.

    Examples
    --------
    >>> import minidl
    >>> from minidl import SGD, Affine, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
    >>> data = minidl.data.load("digits")
    >>> net = Sequential(
    ...     Standardize(8, 6), minidl.Flatten(), Affine(64, 32, rng=0), ReLU(), Affine(32, 10, rng=1),
    ...     SoftmaxCrossEntropy(),
    ... )
    >>> trainer = Trainer(net, SGD(0.1, momentum=0.9), rng=0)
    >>> history = trainer.fit(data.train, epochs=5, validation=data.validation)
    >>> history.epochs["validation_accuracy"][-1] > 0.9
    True
    """

    def __init__(
        self,
        net: Sequential,
        optimizer: Optimizer,
        *,
        scheduler: Scheduler | None = None,
        regularizer: Regularizer | None = None,
        callbacks: Sequence[Callback] = (),
        rng: Rng = None,
    ) -> None:
        require_head("Trainer", net)
        self.net = net
        self.optimizer = check_kind("Trainer", "optimizer", optimizer, Optimizer)
        scheduler = Constant() if scheduler is None else scheduler
        self.scheduler = check_kind("Trainer", "scheduler", scheduler, Scheduler)
        if regularizer is not None:
            check_kind("Trainer", "regularizer", regularizer, Regularizer)
        self.regularizer = regularizer
        self.callbacks = check_list("Trainer", "callbacks", callbacks, Callback, "objects of class Callback")
        self.history = History()
        self.epoch = self.step = self.last_step = 0
        self.stop_reason: str | None = None
        self._rng = as_generator(rng, legacy=False).spawn(1)[0]
        self._batches: Batches | None = None
        self._tally = _Tally()

    def fit(
        self,
        train: Dataset,
        *more: Never,
        epochs: int | None = None,
        steps: int | None = None,
        batch_size: int = 200,
        validation: Dataset | None = None,
        sampling: str = "shuffle",
    ) -> History:
        """Train for so many *more* epochs or steps; nothing resets, so two fits equal one long one.

        Parameters
        ----------
        train, validation : Dataset
            The validation set is evaluated at the end of each epoch. Where its loss is not finite, the
            history gets NaN and the training goes on; `evaluate` names the samples.
        epochs, steps : int >= 1
            One of the two. Epochs end where the data does, so a fit of one epoch after one that
            ended within an epoch finishes that one.
        batch_size : int >= 1
        sampling : "shuffle" or "replacement"
            See `Batches`.

        Raises
        ------
        DivergedError
            Before an update that would leave the finite numbers.
        """
        if (epochs is None) == (steps is None):
            got = f"epochs={epochs}, steps={steps}"
            raise ConfigurationError.expected("fit", "one of epochs and steps", got)
        unit, count = ("steps", steps) if epochs is None else ("epochs", epochs)
        left = check_int("fit", unit, count, at_least=1)
        self._check_dataset("train", train, more)
        if validation is not None:
            self._check_dataset("validation", validation)
        batches = self._batches_of(train, batch_size, sampling)
        if unit == "epochs":
            left = left * batches.steps_per_epoch - batches.position
        self.last_step = self.step + left
        self.stop_reason = None
        clock = time.perf_counter()
        callers = np.geterr()
        try:
            self._notify("on_fit_start")
            # What overflows shows in the loss, which is checked at every step.
            with np.errstate(over="ignore", invalid="ignore"):
                while self.step < self.last_step and self.stop_reason is None:
                    self._train_batch(batches)
                    if self.callbacks:
                        with np.errstate(**callers):  # a callback is its user's code
                            self._notify("on_step_end")
                    if batches.position == 0:
                        self._end_epoch(validation, clock)
                        clock = time.perf_counter()
                        with np.errstate(**callers):
                            self._notify("on_epoch_end")
        finally:
            self._tally.seconds += time.perf_counter() - clock  # an epoch under way goes on in the next fit
            self._notify("on_fit_end")
        return self.history

    def stop(self, reason: str) -> None:
        """End the running fit after the current step; callbacks and signal handlers call it."""
        self.stop_reason = reason

    def _train_batch(self, batches: Batches) -> None:
        net, optimizer = self.net, self.optimizer
        factor = self.scheduler.factor(self.epoch, self.step)
        if factor.__class__ is not float or not 0 <= factor < math.inf:  # asked so, without a call
            factor = check_float(f"step {self.step}", f"the factor of {self.scheduler!r}", factor, at_least=0)
        optimizer.lr = optimizer.base_lr * factor
        features, targets, _ = next(batches)
        data_loss, scores = net.forward_backward(features, targets)
        loss, parameters = data_loss, net.parameters
        if self.regularizer:
            penalty = self.regularizer.add_gradients(parameters)
            loss += penalty if penalty.__class__ is float else _checked(self.regularizer, penalty)
        check_finite(loss, parameters.gradients, optimizer.lr, self.step)
        optimizer.step(parameters)
        self.step += 1
        self.history.record_step(loss=loss, lr=optimizer.lr)
        tally, count = self._tally, len(targets)
        tally.samples += count
        tally.loss += data_loss * count
        tally.correct += count_right(net.head, scores, targets)  # type: ignore[arg-type]

    def _end_epoch(self, validation: Dataset | None, clock: float) -> None:
        validation_loss, validation_accuracy = None, None
        if validation is not None:
            validation_loss, validation_accuracy = measure(self.net, validation)
        self.epoch += 1
        self.history.record_epoch(
            step=self.step,
            train_loss=self._tally.loss / self._tally.samples,
            train_accuracy=self._tally.correct / self._tally.samples,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            lr=self.optimizer.lr,
            seconds=self._tally.seconds + time.perf_counter() - clock,
        )
        self._tally = _Tally()

    def _check_dataset(self, name: str, dataset: Dataset, more: tuple[object, ...] = ()) -> None:
        require_dataset("fit", name, dataset, more)
        # The sample with the highest label shows whether data and net fit, before any training.
        highest = slice(first := int(dataset.targets.argmax()), first + 1)
        with np.errstate(over="ignore", invalid="ignore"):
            self.net.loss(take_rows(dataset.features, highest), dataset.targets[highest])

    def _batches_of(self, train: Dataset, batch_size: int, sampling: str) -> Batches:
        last = self._batches
        if (
            last
            and (last.batch_size, last.sampling) == (batch_size, sampling)
            and last.dataset.holds_the_same(train)  # a copied trainer has a copy of it
        ):
            last.dataset = train
            return last  # goes on where the last fit ended
        self._batches = Batches(train, batch_size, rng=self._rng, sampling=sampling)
        self._tally = _Tally()
        return self._batches

    def _notify(self, hook: str) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self)


class _Tally:
    """Sums over the epoch that is under way."""

    def __init__(self) -> None:
        self.samples = self.correct = 0
        self.loss = np.float64()  # stays one where a loss gives float32
        self.seconds = 0.0


def _checked(regularizer: Regularizer, penalty: object) -> float:
    return check_number(type(regularizer).__name__, "what add_gradients returns", penalty)


def check_finite(loss: float, gradients: Array, lr: float, step: int) -> None:
    """Raise `DivergedError` if the update at `lr` would leave the finite numbers.

    The gradients' norm covers what the loss does not show: a finite loss with a gradient that is
    not, or an update too large for the dtype.
    """
    update = lr * math.sqrt(np.dot(gradients, gradients))
    if not (math.isfinite(loss) and update < _LARGEST[gradients.dtype]):
        what, number = ("update's norm", update) if math.isfinite(loss) else ("loss", loss)
        where = f"step {step} at learning rate {lr:g}"
        remedy = "try a learning rate ten times smaller, and standardize the features"
        raise DivergedError.expected(where, f"a finite {what}", number, remedy)
