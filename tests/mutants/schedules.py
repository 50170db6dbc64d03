"""Mutants of the schedulers that count epochs or steps."""

import math
import time

import numpy as np

from minidl.schedulers import (
    CosineDecay,
    ExponentialDecay,
    Join,
    LinearWarmup,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    Scheduler,
    StepDecay,
)
from tests.mutants.registry import scheduler


class _Cosine(CosineDecay):
    def __init__(self, epochs=10):
        super().__init__(epochs=epochs)


class _Line(PolynomialDecay):
    def __init__(self, power=1.0):
        super().__init__(power, epochs=10)


class _Warmup(LinearWarmup):
    def __init__(self, steps=20):
        super().__init__(steps=steps)


class _Cycle(OneCycle):
    def __init__(self, steps=40):
        super().__init__(steps=steps)


class _Pieces(PiecewiseConstant):
    def __init__(self):
        super().__init__([1.0, 0.1, 0.01], epochs=[3, 9])


class _Joined(Join):
    def __init__(self):
        super().__init__([LinearWarmup(epochs=5), CosineDecay(epochs=9)], epochs=5)


@scheduler("goes on falling past its end", "finite_and_not_negative")
class FallsOn(_Line):
    def factor(self, epoch, step):
        return 1 - epoch / self.epochs


@scheduler("the root of a negative number past its end", "finite_and_not_negative", args=(0.5,))
class ComplexPastItsEnd(_Line):
    def factor(self, epoch, step):
        return (1 - epoch / self.epochs) ** self.power


@scheduler("grows where it should fall, until it overflows", "finite_and_not_negative", args=(0.1,))
class GrowsForever(ExponentialDecay):
    def factor(self, epoch, step):
        return super().factor(epoch, step) ** -1 if epoch < 300 else math.inf


@scheduler("a NumPy number", "finite_and_not_negative")
class NumpysCosine(_Cosine):
    def factor(self, epoch, step):
        return (1 + np.cos(np.pi * min(epoch / self.epochs, 1))) / 2


@scheduler("the integer 1 once it is warm", "finite_and_not_negative")
class IntegerWhenWarm(_Warmup):
    def factor(self, epoch, step):
        return super().factor(epoch, step) if step < self.steps else 1


@scheduler("counts from 1, and is below 0 before", "finite_and_not_negative")
class CountsFromOne(_Warmup):
    def factor(self, epoch, step):
        return min((step - 1) / self.steps, 1.0)


@scheduler("NaN where both ends meet", "finite_and_not_negative")
class NanAtTheTop(_Cycle):
    def factor(self, epoch, step):
        return math.nan if step == 11 else super().factor(epoch, step)


@scheduler("counts its calls and not the steps", "closed_form")
class CountsCalls(_Cosine):
    calls = 0

    def factor(self, epoch, step):
        self.calls += 1
        return super().factor(self.calls // 50, step)


@scheduler("its top is the highest so far", "closed_form", "keeps_no_state")
class HighestSoFar(_Cycle):
    highest = 0.0

    def factor(self, epoch, step):
        self.highest = max(self.highest, super().factor(epoch, step))
        return self.highest


@scheduler("throws away the boundaries that it has passed", "closed_form", "keeps_no_state")
class DropsBoundaries(_Pieces):
    def factor(self, epoch, step):
        while self.epochs and epoch >= self.epochs[0]:
            del self.epochs[0], self.factors[0]
        return self.factors[0]


@scheduler("begins to count when it first gets there", "closed_form", "keeps_no_state")
class BeginsWhenReached(_Joined):
    begun = None

    def factor(self, epoch, step):
        if epoch < 5:
            return self.schedulers[0].factor(epoch, step)
        self.begun = epoch if self.begun is None else self.begun
        return self.schedulers[1].factor(max(epoch - self.begun, 0), step)


@scheduler("never goes back to a part that is over", "closed_form", "keeps_no_state")
class OnlyForward(_Joined):
    at = 0

    def factor(self, epoch, step):
        self.at = max(self.at, self._part(epoch, step))
        return self.schedulers[self.at].factor(max(epoch - 5 * self.at, 0), step)


@scheduler("falls by the clock", "closed_form")
class ByTheClock(_Cosine):
    def factor(self, epoch, step):
        return super().factor(epoch, step) * (0.5 + time.perf_counter_ns() % 1000 / 2000)


@scheduler("jitters by NumPy's global stream", "closed_form")
class Jitters(StepDecay):
    def factor(self, epoch, step):
        return super().factor(epoch, step) * np.random.uniform(0.9, 1.0)  # noqa: NPY002


@scheduler("keeps what it gave in a table", "keeps_no_state")
class KeepsATable(_Cosine):
    def __init__(self):
        super().__init__()
        self.table = {}

    def factor(self, epoch, step):
        if epoch not in self.table:
            self.table[epoch] = super().factor(epoch, step)
        return self.table[epoch]


@scheduler("moves its own boundary", "keeps_no_state", "closed_form")
class MovesItsBoundary(_Pieces):
    def factor(self, epoch, step):
        result = super().factor(epoch, step)
        self.epochs[1] = max(self.epochs[1], 9 + epoch // 1000)
        return result


@scheduler("takes NumPy's integers for a time that is over", "takes_integers")
class PythonsIntegersOnly(_Warmup):
    def factor(self, epoch, step):
        return super().factor(epoch, step) if type(step) is int else 1.0


@scheduler("a product with it is it alone", "composes")
class ProductIsItself(_Cosine):
    def __mul__(self, other):
        return self


@scheduler("a product with it is the lower of the two", "composes")
class LowerOfTwo(_Warmup):
    def __mul__(self, other):
        return _Lower(self, other)


class _Lower(Scheduler):
    def __init__(self, first, second):
        self.first, self.second = first, second

    def factor(self, epoch, step):
        return min(self.first.factor(epoch, step), self.second.factor(epoch, step))


@scheduler("a copy ends elsewhere", "copies")
class CopiesEndElsewhere(_Cosine):
    def __setstate__(self, state):
        self.__dict__.update(state, final=0.5)


@scheduler("cannot be pickled", "copies")
class HoldsAFunction(_Cycle):
    def __init__(self, steps=40):
        super().__init__(steps)
        self.curve = lambda share: share
