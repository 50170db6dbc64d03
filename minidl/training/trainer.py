"""The Trainer: the loop that brings net, optimizer, schedule and data together."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, Never

import numpy as np

from minidl.callbacks import Callback
from minidl.checks import as_generator, check_float, check_int, check_kind, check_list
from minidl.data import Batches, Dataset
from minidl.errors import ConfigurationError, DivergedError, StateError
from minidl.kernels.rows import take_rows
from minidl.losses.tally import Tally
from minidl.metrics import Metric
from minidl.net import Net
from minidl.optimizers import Optimizer
from minidl.regularizers import Regularizer
from minidl.schedulers import Constant, Scheduler
from minidl.training.evaluation import measure, require_dataset, require_head
from minidl.training.history import History
from minidl.training.interrupts import Interrupts
from minidl.training.step import compute_gradients, update
from minidl.types import Array, Rng

_TORN = "one that a second Ctrl-C or an error broke off within an update or a callback"


class Trainer:
    """Trains a net; everything it has done so far is in it, and a further fit goes on from there.

    The same seed gives the same bits on the same machine, with the same BLAS and number of threads.

    Parameters
    ----------
    net : Net
        With a loss at its end.
    optimizer : Optimizer
    scheduler : Scheduler, optional
        Multiplies the optimizer's ``lr``; constant by default.
    regularizer : Regularizer, optional
    metrics : list of Metric, optional
        What the history records beside the loss; by default what suits the net's loss.
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
        net: Net,
        optimizer: Optimizer,
        *,
        scheduler: Scheduler | None = None,
        regularizer: Regularizer | None = None,
        metrics: Sequence[Metric] | None = None,
        callbacks: Sequence[Callback] = (),
        rng: Rng = None,
    ) -> None:
        head = require_head("Trainer", net)
        self.net = net
        self.optimizer = check_kind("Trainer", "optimizer", optimizer, Optimizer)
        scheduler = Constant() if scheduler is None else scheduler
        self.scheduler = check_kind("Trainer", "scheduler", scheduler, Scheduler)
        if regularizer is not None:
            check_kind("Trainer", "regularizer", regularizer, Regularizer)
        self.regularizer = regularizer
        self.callbacks = check_list("Trainer", "callbacks", callbacks, Callback, "objects of class Callback")
        self._tally = Tally(head, metrics)
        self.history = History(self._tally.names[1:])
        self.epoch = self.step = self.last_step = 0
        self.stop_reason: str | None = None
        self._seconds = 0.0  # that the epoch under way has taken in fits before this one
        self._rng = as_generator(rng, legacy=False).spawn(1)[0]
        self._batches: Any = None
        self._computed: Any = None
        self._validation: Dataset | None = None
        self._due: list[tuple[Any, str]] = []
        self._torn = ""  # what broke off an update, so that parts of it are done

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

        That holds also where the first was broken off. A first Ctrl-C is taken at the next step's
        boundary; a hook of a callback that raised is called again by the next fit.

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
        StateError
            An earlier fit was broken off within an update, by a second Ctrl-C or an error.
        """
        if (epochs is None) == (steps is None):
            got = f"epochs={epochs}, steps={steps}"
            raise ConfigurationError.expected("fit", "one of epochs and steps", got)
        unit, count = ("steps", steps) if epochs is None else ("epochs", epochs)
        left = check_int("fit", unit, count, at_least=1)
        self._check_dataset("train", train, more)
        if validation is not None:
            self._check_dataset("validation", validation)
        if self._torn:
            remedy = "build net and Trainer anew, or load what was saved"
            raise StateError.expected("fit", "a Trainer whose last step is whole", self._torn, remedy)
        with Interrupts() as interrupts:
            self._take_up(train, batch_size, sampling)
            if epochs is not None:
                left = left * self._batches.steps_per_epoch - self._done_of_epoch()
            self.last_step = self.step + left
            self._validation, self.stop_reason, self._clock = validation, None, time.perf_counter()
            try:
                for callback, name in self._hooks("on_fit_start"):
                    getattr(callback, name)(self)
                self._run(interrupts)
            finally:
                self._seconds += time.perf_counter() - self._clock
                for callback, name in self._hooks("on_fit_end"):
                    getattr(callback, name)(self)
        return self.history

    def stop(self, reason: str) -> None:
        """End the running fit after the current step; callbacks and signal handlers call it."""
        self.stop_reason = reason

    # A step is a row of actions: its own, and the callbacks' hooks. What remains of them is in `_due`,
    # from which an action goes once it is done: so a fit goes on where the one before was broken off.

    def _run(self, interrupts: Interrupts) -> None:
        callers = np.geterr()
        starts = self._hooks("on_epoch_start")
        # What overflows shows in the loss, which is checked at every step.
        with np.errstate(over="ignore", invalid="ignore"):
            while True:
                if interrupts.pending:
                    raise KeyboardInterrupt
                if self._due:
                    self._do(*self._due[0], callers, interrupts)
                elif self.step >= self.last_step or self.stop_reason is not None:
                    return
                elif starts and not self._batches.position:
                    self._due = [*starts, (self, "_compute")]
                else:
                    self._compute()

    def _do(self, owner: Any, name: str, callers: Any, interrupts: Interrupts) -> None:
        """The action that is due: one of the Trainer's, which says itself what is due then, or a hook."""
        if owner is self:
            getattr(self, name)()
            return
        if owner in self.callbacks:
            self._torn = _TORN
            try:
                with np.errstate(**callers):  # a callback is its user's code
                    getattr(owner, name)(self)
            except BaseException as error:
                if isinstance(error, Exception) or not interrupts.pending:
                    self._torn = ""  # it raised on its own account, and is called once more
                raise
        self._due, self._torn = self._due[1:], ""

    def _compute(self) -> None:
        """Draw a batch and compute its gradients."""
        batches = self._batches
        factor = self.scheduler.factor(self.epoch, self.step)
        if factor.__class__ is not float or not 0 <= factor < math.inf:  # asked so, without a call
            name = f"the factor of {self.scheduler!r}"
            factor = check_float(f"step {self.step}", name, factor, at_least=0)
        self._torn = _TORN
        try:
            features, targets, weights = next(batches)
            try:
                losses = compute_gradients(self.net, features, targets, weights, self.regularizer)
            except Exception:
                batches.redo()
                raise
        except Exception:
            self._torn = ""
            raise
        if self.callbacks and (hooks := self._hooks("on_gradients")):
            self._computed = losses, targets, weights, factor
            self._due, self._torn = [*hooks, (self, "_update_computed")], ""
        else:
            self._update(losses, targets, weights, factor)

    def _update_computed(self) -> None:
        """The update, once the callbacks have had the gradients."""
        self._torn = _TORN
        self._update(*self._computed)

    def _update(self, losses: Any, targets: Array, weights: Array | None, factor: float) -> None:
        """Let the optimizer step, and record what came of it."""
        loss, data_loss, scores = losses
        try:
            lr = update(self.net, self.optimizer, loss, self.step, factor)
        except DivergedError:  # before anything was changed
            self._batches.redo()
            self._due, self._torn = [(self, "_compute")], ""
            raise
        self.step += 1
        steps = self.history.steps  # `record_step` without its checks, for these are floats
        steps["loss"].append(loss)
        steps["lr"].append(lr)
        self._tally.add(data_loss, scores, targets, weights)
        if self.callbacks or self._due or not self._batches.position:
            self._due = self._after_step()
        self._torn = ""

    def _after_step(self) -> list[tuple[Any, str]]:
        if self._batches.position:
            return self._hooks("on_step_end")
        return [*self._hooks("on_step_end"), (self, "_end_epoch"), *self._hooks("on_epoch_end")]

    def _end_epoch(self) -> None:
        """Measure and record."""
        measured: Mapping[str, float] = {}
        if self._validation is not None:
            measured = measure(self.net, self._validation, self._tally.metrics)
        columns: dict[str, float | None] = {"step": self.step}
        for name, value in self._tally.result().items():
            columns |= {f"train_{name}": value, f"validation_{name}": measured.get(name)}
        self._torn = _TORN
        now = time.perf_counter()
        seconds = self._seconds + now - self._clock
        self.history.record_epoch(**columns, lr=self.history.steps["lr"][-1], seconds=seconds)
        self.epoch += 1
        self._tally.reset()
        self._seconds, self._clock = 0.0, now
        self._due, self._torn = self._due[1:], ""

    def _hooks(self, name: str) -> list[tuple[Any, str]]:
        """The hook of each callback that has it."""
        default = getattr(Callback, name)
        return [(one, name) for one in self.callbacks if getattr(type(one), name) is not default]

    def _done_of_epoch(self) -> int:
        """How many steps of the epoch under way are done."""
        batches: Batches = self._batches
        position, whole = batches.position, batches.steps_per_epoch
        if (self, "_end_epoch") in self._due:  # all steps, but not yet what comes at an epoch's end
            return whole
        return (position or whole) - 1 if (self, "_update_computed") in self._due else position

    def _check_dataset(self, name: str, dataset: Dataset, more: tuple[object, ...] = ()) -> None:
        require_dataset("fit", name, dataset, more)
        first = take_rows(dataset.features, slice(0, 1))
        with np.errstate(over="ignore", invalid="ignore"):
            self._tally.head.check_targets(dataset.targets, self.net(first).shape[1:])
            self.net.loss(first, dataset.targets[:1])  # a loss of a user's own may check no more than that

    def _take_up(self, train: Dataset, batch_size: int, sampling: str) -> None:
        """Go on with the batches of the last fit, where it trained on the same; else begin anew."""
        last = self._batches
        if (
            last
            and (last.batch_size, last.sampling) == (batch_size, sampling)
            and last.dataset.holds_the_same(train)  # a copied trainer has a copy of it
        ):
            last.dataset = train
            return
        self._batches = Batches(train, batch_size, rng=self._rng, sampling=sampling)
        if (self, "_end_epoch") not in self._due:  # a step or an epoch on other data stays unfinished
            self._due = []
            self._tally.reset()
