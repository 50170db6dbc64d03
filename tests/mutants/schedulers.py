"""Mutants of schedulers."""

from minidl import Scheduler, StepDecay
from tests.mutants.registry import scheduler
from tests.testing.correct import WarmCosine


@scheduler("remembers the last epoch: depends on the order of calls", "closed_form", "keeps_no_state")
class RemembersEpoch(StepDecay):
    last = 0

    def factor(self, epoch, step):
        self.last = max(self.last, epoch)
        return super().factor(self.last, step)


@scheduler("never goes up again, whatever is asked", "closed_form", "keeps_no_state", args=(5, 100))
class OnlyDown(WarmCosine):
    lowest = 1.0

    def factor(self, epoch, step):
        self.lowest = min(self.lowest, super().factor(epoch, step) if step else 1.0)
        return self.lowest


@scheduler("the integer 1 where no decay has come", "finite_and_not_negative")
class GivesIntegers(StepDecay):
    def factor(self, epoch, step):
        return super().factor(epoch, step) if epoch else 1


@scheduler("below 0 past its end", "finite_and_not_negative")
class BelowZero(Scheduler):
    def factor(self, epoch, step):
        return 1 - epoch / 100


@scheduler("0 / 0 at step 0", "finite_and_not_negative")
class NanAtStart(Scheduler):
    def factor(self, epoch, step):
        return 1.0 if step else float("nan")


@scheduler("infinite far out", "finite_and_not_negative")
class Explodes(Scheduler):
    def factor(self, epoch, step):
        return 10.0**epoch if epoch < 300 else float("inf")


@scheduler("a NumPy number comes out for NumPy's integers", "takes_integers", "finite_and_not_negative")
class SmallIntegers(StepDecay):
    def factor(self, epoch, step):
        return super().factor(epoch, step) * (1.0 if type(step) is int else 0.5)


@scheduler("keeps every factor it gave", "keeps_no_state")
class KeepsARecord(StepDecay):
    def __init__(self):
        super().__init__()
        self.record = []

    def factor(self, epoch, step):
        self.record.append(super().factor(epoch, step))
        return self.record[-1]


@scheduler("a table on the class, filled as it goes", "keeps_no_state", "closed_form")
class SharedTable(StepDecay):
    table = {}  # noqa: RUF012

    def factor(self, epoch, step):
        return self.table.setdefault(epoch, super().factor(len(self.table), step))


@scheduler("times another it gives their sum", "composes")
class AddsFactors(StepDecay):
    def __mul__(self, other):
        return _Sum(self, other)


class _Sum(Scheduler):
    def __init__(self, first, second):
        self.first, self.second = first, second

    def factor(self, epoch, step):
        return self.first.factor(epoch, step) + self.second.factor(epoch, step)


@scheduler("every decay comes one epoch early", "scheduler_reference",
           args=(0.5, 3), reference=lambda epoch, step: 0.5 ** (epoch // 3))  # fmt: skip
class OneEpochEarly(StepDecay):
    def factor(self, epoch, step):
        return super().factor(epoch + 1, step)
