"""Clauses of a scheduler. Each takes a `SchedulerCase` and raises, or returns what it saw."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np

from minidl.schedulers import Constant
from minidl.testing.demands import require
from minidl.testing.optimizer_cases import SchedulerCase
from minidl.testing.reports import ClauseError
from minidl.testing.state import changes, snapshot


def closed_form(case: SchedulerCase) -> None:
    """The factor depends on epoch and step alone: not on the calls before, nor on the instance."""
    times, scheduler = case.times(), case.scheduler()
    forth = {time: scheduler.factor(*time) for time in times}
    for epoch, step in reversed(times):
        for who, other in (("asked in another order", scheduler), ("asked alone", case.scheduler())):
            again = other.factor(epoch, step)
            text = f"factor({epoch}, {step}) is {forth[epoch, step]:g}, and {again:g} {who}"
            require(again == forth[epoch, step], text)


def finite_and_not_negative(case: SchedulerCase) -> None:
    """Every factor is a finite Python float, 0 or more."""
    scheduler = case.scheduler()
    for epoch, step in case.times():
        factor = scheduler.factor(epoch, step)
        right = isinstance(factor, float) and not isinstance(factor, np.generic)
        require(right, f"factor({epoch}, {step}) is a {type(factor).__name__}, not a float")
        require(math.isfinite(factor) and factor >= 0, f"factor({epoch}, {step}) is {factor}")


def takes_integers(case: SchedulerCase) -> None:
    """NumPy's integers do as Python's."""
    scheduler = case.scheduler()
    for epoch, step in case.times()[:60:7]:
        got = scheduler.factor(np.int64(epoch), np.int64(step))  # type: ignore[arg-type]
        same = math.isclose(got, scheduler.factor(epoch, step))
        require(same, f"factor({epoch}, {step}) differs for NumPy's integers")


def keeps_no_state(case: SchedulerCase) -> None:
    """Asking for a factor changes nothing of the scheduler."""
    scheduler = case.scheduler()
    before = snapshot(scheduler)
    for epoch, step in case.times()[:-1]:
        # Later ones than other clauses ask for: a table on the class holds those by now.
        scheduler.factor(epoch + case.epochs, step + case.epochs * case.steps_per_epoch)
    changed = changes(before, snapshot(scheduler))
    require(not changed, f"factor changes its {', '.join(changed[:4])}")


def composes(case: SchedulerCase) -> None:
    """``a * b`` gives the product of the factors, either way round."""
    scheduler, half = case.scheduler(), Constant(0.5)
    for epoch, step in case.times():
        expected = 0.5 * scheduler.factor(epoch, step)
        for product in (scheduler * half, half * scheduler):
            got = product.factor(epoch, step)
            require(
                math.isclose(got, expected),
                f"times 0.5, factor({epoch}, {step}) is {got:g}, not {expected:g}",
            )


def copies(case: SchedulerCase) -> None:
    """Deep and pickled copies give the same factors."""
    scheduler = case.scheduler()
    try:
        twins = [copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))]
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ClauseError(f"it cannot be copied: {error}") from error
    for twin in twins:
        for epoch, step in case.times():
            same = twin.factor(epoch, step) == scheduler.factor(epoch, step)
            require(same, f"a copy's factor({epoch}, {step}) differs")
