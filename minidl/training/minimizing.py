"""The loop of a fit in which a minimizer of SciPy's chooses the steps, each on all samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minidl.data import Dataset
from minidl.errors import ConfigurationError, DivergedError
from minidl.kernels.vectors import sum_of_squares
from minidl.optimizers import LBFGS
from minidl.schedulers import Constant
from minidl.training.divergence import origin
from minidl.training.finite import watching
from minidl.training.interrupts import Interrupts
from minidl.training.loop import TORN, Loop
from minidl.transforms import Transform

_AFTER = ("on_step_end", "_end_epoch", "on_epoch_end")
"""What comes after a step; what came before one that was broken off begins anew."""


class MinimizingLoop(Loop):
    """`Loop`, and what takes its place where the optimizer is `LBFGS`."""

    def _check_minimizing(self, sampling: str, transform: Transform | None) -> None:
        """Refuse what would have no effect, or lead a minimizer astray."""
        where = "fit with LBFGS"
        if sampling != "shuffle":
            raise ConfigurationError.expected(where, "no sampling, for it takes all samples", repr(sampling))
        if transform is not None:
            expected = "no transform, for it minimizes one fixed loss"
            raise ConfigurationError.expected(where, expected, repr(transform), "train with SGD or Adam")
        if not (isinstance(self.scheduler, Constant) and self.scheduler.value == 1):
            remedy = "it finds the length of each step itself"
            raise ConfigurationError.expected(where, "no scheduler", repr(self.scheduler), remedy)
        if hooks := self._hooks("on_gradients"):
            expected, got = "callbacks that leave the gradients alone", type(hooks[0][0]).__name__
            raise ConfigurationError.expected(where, expected, got, "leave it out")

    def _run_minimizing(self, optimizer: LBFGS, train: Dataset, rows: int, interrupts: Interrupts) -> None:
        """Iterate up to the fit's last step, on so many `rows` of the samples at a time."""
        callers = np.geterr()
        parts = [train[start : start + rows] for start in range(0, len(train), rows)]

        def do_all(due: list[tuple[Any, str]]) -> None:
            self._due = due
            while self._due:
                if interrupts.pending:
                    interrupts.leave()
                self._do(*self._due[0], callers, interrupts)

        def begin() -> bool:
            if self.step >= self.last_step or self.stop_reason is not None:
                return False
            do_all(self._hooks("on_epoch_start"))
            return True

        def arrived(loss: float) -> bool:
            self._torn = TORN
            self.step += 1
            self.history.record_step(loss=loss, lr=optimizer.lr)
            self._due, self._torn = self._after_step(), ""
            do_all(self._due)
            return begin()

        with np.errstate(over="ignore", invalid="ignore"):
            do_all([action for action in self._due if action[1] in _AFTER])  # what the last fit left
            if not begin():
                return
            left = self.last_step - self.step
            try:
                ended = optimizer.minimize(
                    self.net.parameters, lambda: self._evaluate(parts, interrupts), arrived, left
                )
            finally:
                if (self, "_end_epoch") not in self._due:
                    self._tally.reset()  # it holds what was computed on the way to the next step
        if ended and self.step < self.last_step and self.stop_reason is None:
            self.stop_reason = f"{optimizer.method}: {ended}"

    def _evaluate(self, parts: Sequence[Dataset], interrupts: Interrupts) -> float:
        """Loss and penalty over all `parts`, and their gradients."""
        net, tally = self.net, self._tally
        parameters = net.parameters
        gradients = np.zeros(parameters.gradients.shape)
        tally.reset()
        for part in parts:
            if interrupts.pending:
                interrupts.leave()
            with watching(self):
                loss, scores = net.forward_backward(part.features, part.targets, part.weights)
            before = tally.weight
            tally.add(loss, scores, part.targets, part.weights)
            gradients += (tally.weight - before) * parameters.gradients
        parameters.gradients[...] = gradients / (tally.weight or 1)
        loss = tally.loss / (tally.weight or 1)
        if self.regularizer is None:
            squares = sum_of_squares(parameters.gradients)
        else:
            penalty, squares = self.regularizer.penalize(parameters)
            loss += penalty
        norm = math.sqrt(squares)
        if not (math.isfinite(loss + norm) and np.isfinite(parameters.values).all()):
            what, number = ("gradient", norm) if math.isfinite(loss) else ("loss", loss)
            if math.isfinite(loss + norm):  # a saturated layer hides it from both
                what, number = "parameter", math.inf
            remedy = "standardize the features, or begin with smaller weights"
            for part in parts if self.step == 0 else ():
                if found := origin(net, part.features, part.targets, part.weights):
                    remedy = f"{remedy}; {found}"
                    break
            raise DivergedError.expected(f"step {self.step} of LBFGS", f"a finite {what}", number, remedy)
        return loss
