"""Mutants of metrics."""

import numpy as np

from minidl.metrics import Accuracy
from minidl.metrics import MeanAbsoluteError as OwnAbsolute  # no exception
from tests.mutants.registry import metric

NUMBERS = {"make_targets": lambda rng, batch, width: rng.standard_normal((batch, width))}


@metric("weights are ignored", "weights")
class CountsAllAlike(Accuracy):
    def update(self, scores, targets, weights=None):
        super().update(scores, targets)


@metric("the weighted sum is divided by the number of samples", "weights")
class CountsSamples(Accuracy):
    def update(self, scores, targets, weights=None):
        before = self.total
        super().update(scores, targets, weights)
        self.total = before + len(scores)


@metric("reset does nothing", "reset")
class ResetsNothing(Accuracy):
    def __init__(self):
        self.right = self.total = 0.0

    def reset(self):
        pass


@metric("reset forgets the sum, and not the count", "reset")
class ResetsHalf(Accuracy):
    total = 0.0

    def reset(self):
        self.right = 0.0


@metric("the mean of the batches' means", "batches_add_up", "weights")
class MeanOfMeans(Accuracy):
    def update(self, scores, targets, weights=None):
        one = Accuracy()
        one.update(scores, targets, weights)
        self.right += one.compute()
        self.total += 1


@metric("all but the last batch is forgotten", "batches_add_up")
class LastBatchOnly(Accuracy):
    def update(self, scores, targets, weights=None):
        self.reset()
        super().update(scores, targets, weights)


@metric("the scores are sorted in place", "arguments_kept")
class SortsScores(Accuracy):
    def update(self, scores, targets, weights=None):
        super().update(scores, targets, weights)
        scores.sort(axis=1)


@metric("the weights are normalized in place", "arguments_kept")
class ScalesWeights(Accuracy):
    def update(self, scores, targets, weights=None):
        if weights is not None:
            weights /= 2
        super().update(scores, targets, weights)


@metric("called as the loss is", "name")
class CalledLoss(Accuracy):
    name = "loss"


@metric("its name is no identifier", "name")
class CalledInWords(Accuracy):
    name = "right ones"


@metric("its name is none", "name")
class CalledNothing(Accuracy):
    name = None


@metric("no sample counts as an accuracy of 0", "nothing_is_nan")
class ZeroAtFirst(Accuracy):
    def compute(self):
        return super().compute() if self.total else 0.0


@metric("NaN is left out", "nan_comes_through", **NUMBERS)
class LeavesNanOut(OwnAbsolute):
    def update(self, scores, targets, weights=None):
        super().update(np.where(np.isnan(scores), targets, scores), targets, weights)


@metric("a score of NaN is no highest one", "nan_comes_through")
class NanIsLow(Accuracy):
    def update(self, scores, targets, weights=None):
        super().update(np.where(np.isnan(scores), -np.inf, scores), targets, weights)


@metric("computes an array", "value")
class ComputesAnArray(Accuracy):
    def compute(self):
        return np.array(super().compute())


@metric("what it computes, it forgets", "value")
class ForgetsWhenAsked(Accuracy):
    def compute(self):
        found = super().compute()
        self.reset()
        return found


@metric("holds what cannot be pickled", "copies")
class HoldsAScale(Accuracy):
    def __init__(self):
        super().__init__()
        self.scale = lambda share: share


@metric("copies share what was added up", "copies")
class SharesItsSums(Accuracy):
    def __deepcopy__(self, memo):
        return self
