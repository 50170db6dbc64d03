"""The loop within a fit, which can be broken off at any moment and goes on from there."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from signal import SIGINT
from typing import Any

import numpy as np

from minidl.callbacks.callback import Callback, check_callbacks
from minidl.checks import as_generator, check_float, check_kind
from minidl.data import Batches, Dataset
from minidl.errors import DivergedError
from minidl.losses.tally import Tally
from minidl.metrics import Metric
from minidl.metrics.metric import check_metrics
from minidl.net import Net
from minidl.net_state import made
from minidl.optimizers import Optimizer
from minidl.regularizers import Regularizer
from minidl.schedulers import Constant, Scheduler
from minidl.training.evaluation import measure, require_head
from minidl.training.finite import explained_of, gradients_of
from minidl.training.guard import forget_reach, widen_reach
from minidl.training.history import History
from minidl.training.interrupts import Interrupts
from minidl.training.step import update
from minidl.types import Array, Rng

TORN = "one that a second Ctrl-C or an error broke off within an update or a callback"
"""What is said of a step that was broken off halfway."""


class Loop:
    """What a `Trainer` does between the beginning and the end of a fit; see there for the parameters.

    A step is a row of actions: its own, and the callbacks' hooks. What remains of them is in `_due`,
    from which an action goes once it is done: so a fit goes on where the one before was broken off.
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
        check_finite: str = "loss",
        rng: Rng = None,
    ) -> None:
        head = require_head("Trainer", net)
        self.net, self._made = net, made(net)  # as the program has built it
        self.optimizer = check_kind("Trainer", "optimizer", optimizer, Optimizer)
        scheduler = Constant() if scheduler is None else scheduler
        self.scheduler = check_kind("Trainer", "scheduler", scheduler, Scheduler)
        if regularizer is not None:
            check_kind("Trainer", "regularizer", regularizer, Regularizer)
        self.regularizer = regularizer
        self.callbacks = check_callbacks("Trainer", callbacks)
        self.check_finite, self._gradients = check_finite, gradients_of(self, check_finite)
        metrics = head.metrics() if metrics is None else check_metrics(metrics)
        self._tally = Tally(head, copy.deepcopy(metrics))
        self.history = History(self._tally.names[1:])
        self.epoch = self.step = self.last_step = 0
        self.stop_reason: str | None = None
        self._seconds = self._clock = 0.0  # the epoch's in fits before this one; when it, or this one, began
        self._rng = as_generator(rng, legacy=False).spawn(1)[0]
        self._batches: Any = None
        self._computed: Any = None  # what the update needs, while the callbacks have the gradients
        self.validation: Dataset | None = None
        self._due: list[tuple[Any, str]] = []
        self._torn = ""  # what broke off an update, so that parts of it are done
        self._calling = False  # whether the hook that is due is being called

    def _run(self, interrupts: Interrupts) -> None:
        callers = np.geterr()
        starts = self._hooks("on_epoch_start")
        forget_reach(self.optimizer)
        # What overflows shows in the loss, which is checked at every step.
        with np.errstate(over="ignore", invalid="ignore"):
            while True:
                if interrupts.pending:
                    if interrupts.pending == SIGINT:  # who sends the others does not wait for long
                        self._leave_epoch()
                    interrupts.leave()
                if self._due:
                    self._do(*self._due[0], callers, interrupts)
                elif self.step >= self.last_step or self.stop_reason is not None:
                    return self._leave_epoch()
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
            self._torn, self._calling = TORN, True
            try:
                with np.errstate(**callers):  # a callback is its user's code
                    getattr(owner, name)(self)
                widen_reach(self.optimizer, self.net.parameters)
            except BaseException as error:
                if isinstance(error, Exception) or not interrupts.pending:
                    self._torn = ""  # it raised on its own account, and is called once more
                raise
            finally:
                self._calling = False
        self._due, self._torn = self._due[1:], ""

    def _compute(self) -> None:
        """Draw a batch and compute its gradients."""
        batches = self._batches
        factor = self.scheduler.factor(self.epoch, self.step)
        if factor.__class__ is not float or not 0 <= factor < math.inf:  # asked so, without a call
            name = f"the factor of {self.scheduler!r}"
            factor = check_float(f"step {self.step}", name, factor, at_least=0)
        self._torn = TORN
        try:
            features, targets, weights = next(batches)
            try:
                losses = self._gradients(self.net, features, targets, weights, self.regularizer)
            except Exception:
                batches.redo()
                raise
        except Exception:
            self._torn = ""
            raise
        if self.callbacks and (hooks := self._hooks("on_gradients")):
            self._computed = losses[:3], targets, weights, factor
            self._due, self._torn = [*hooks, (self, "_update_computed")], ""
        else:
            self._update(losses, targets, weights, factor)

    def _update_computed(self) -> None:
        """The update, once the callbacks have had the gradients."""
        self._torn = TORN
        self._update((*self._computed[0], None), *self._computed[1:])  # they may have changed the gradients

    def _update(self, losses: Any, targets: Array, weights: Array | None, factor: float) -> None:
        """Let the optimizer step, and record what came of it."""
        loss, data_loss, scores, squares = losses
        try:
            lr = update(self.net, self.optimizer, loss, self.step, factor, squares)
        except DivergedError as error:  # before anything was changed
            self._batches.redo()
            self._due, self._torn = [(self, "_compute")], ""
            raise explained_of(self, error) from None
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

    def _measure(self) -> dict[str, float | None]:
        """The columns of the epoch under way."""
        metrics = copy.deepcopy(self._tally.metrics)  # for they hold what the epoch was trained on
        measured = {} if self.validation is None else measure(self.net, self.validation, metrics)
        columns: dict[str, float | None] = {"step": self.step, "lr": self.history.steps["lr"][-1]}
        for name, value in self._tally.result().items():
            columns |= {f"train_{name}": value, f"validation_{name}": measured.get(name)}
        return columns | {"seconds": self._seconds + time.perf_counter() - self._clock}

    def _leave_epoch(self) -> None:
        """At a fit's end: measure the epoch that it leaves unfinished, if it does."""
        if self._done_of_epoch():
            self.history.unfinished = self._measure()

    def _end_epoch(self) -> None:
        """Measure and record."""
        columns = self._measure()
        self._torn = TORN
        self.history.record_epoch(**columns)
        self.epoch += 1
        self._tally.reset()
        self._seconds, self._clock = 0.0, time.perf_counter()
        self._due, self._torn = self._due[1:], ""

    def _hooks(self, name: str) -> list[tuple[Any, str]]:
        """The hook of each callback that has it."""
        return [(one, name) for one in self.callbacks if getattr(type(one), name) != getattr(Callback, name)]

    def _done_of_epoch(self) -> int:
        """How many steps of the epoch under way are done."""
        batches: Batches = self._batches
        position, whole = batches.position, batches.steps_per_epoch
        if (self, "_end_epoch") in self._due:  # all steps, but not yet what comes at an epoch's end
            return whole
        return (position or whole) - 1 if (self, "_update_computed") in self._due else position
