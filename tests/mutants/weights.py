"""Mutants of losses: what they do with weights, and what they know of targets and metrics."""

import numpy as np

from minidl import Loss
from minidl.losses import MeanSquaredError as OwnSquared  # no exception
from minidl.metrics import Accuracy
from tests.mutants.bases import CrossEntropy
from tests.mutants.registry import loss
from tests.testing.correct import SquaredError as Squared  # no exception

VECTORS = {"make_targets": lambda rng, batch, classes: rng.standard_normal((batch, classes))}
OF_CLASSES = {"args": (None, (1.0, 2.0, 4.0))}


@loss("forward takes no weights", "weights")
class TakesNoWeights(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, targets, training=training)


@loss("takes weights and leaves them unused", "weights")
class IgnoresWeights(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        return super().forward(scores, targets, training=training)


@loss("with weights, too, the sum is divided by the number of samples", "weights")
class DividesByCount(CrossEntropy):
    def shares(self, labels, weights, classes):
        weights = np.ones(len(labels)) if weights is None else weights
        return self._weights(labels, weights, classes) / len(labels)


@loss("weights that are all 0 give NaN", "weights")
class ZeroByZero(CrossEntropy):
    def shares(self, labels, weights, classes):
        weights = np.ones(len(labels)) if weights is None else weights
        weights = self._weights(labels, weights, classes)
        return weights / weights.sum()


@loss("normalizes the weights in place", "weights")
class NormalizesWeights(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        if isinstance(weights, np.ndarray) and weights.shape == scores.shape[:1]:
            weights /= weights.sum() or 1
        return super().forward(scores, targets, weights=weights, training=training)


@loss("weighs in training alone", "weights")
class WeighsInTraining(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        super().forward(scores, targets, weights=weights, training=training)
        weights = weights if training else None
        return super().forward(scores, targets, weights=weights, training=training)


@loss("the weights go into the gradient twice", "weighted_gradient")
class WeighsGradientTwice(CrossEntropy):
    def backward(self):
        p, labels, shares = self.recall()
        self.remember(p, labels, len(labels) * shares**2)
        return super().backward()


@loss("the gradient knows no weights, but where they are all 0", "weighted_gradient")
class GradientUnweighted(CrossEntropy):
    def backward(self):
        p, labels, shares = self.recall()
        self.remember(p, labels, np.ones(len(labels)) / len(labels) * any(shares))
        return super().backward()


@loss("takes negative weights", "wrong_weights_refused")
class NegativeWeights(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        weights = None if weights is None else np.maximum(weights, 0)
        return super().forward(scores, targets, weights=weights, training=training)


@loss("takes infinite weights for large ones", "wrong_weights_refused")
class InfiniteWeights(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        weights = None if weights is None else np.minimum(weights, 1e30)
        return super().forward(scores, targets, weights=weights, training=training)


@loss("takes a column of weights", "wrong_weights_refused")
class ColumnOfWeights(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        weights = None if weights is None else np.ravel(weights)
        return super().forward(scores, targets, weights=weights, training=training)


@loss("one weight is spread over the batch", "wrong_weights_refused")
class SpreadsOneWeight(CrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        if weights is not None and np.shape(weights) == (1,):
            weights = np.resize(weights, len(scores))
        return super().forward(scores, targets, weights=weights, training=training)


@loss("total_weight is the number of samples, whatever their weights", "weights", "total_weight")
class TotalIsCount(CrossEntropy):
    def total_weight(self, targets, weights):
        return len(targets)


@loss("total_weight is the weights' mean", "total_weight")
class TotalIsMean(CrossEntropy):
    def total_weight(self, targets, weights):
        return super().total_weight(targets, weights) / len(targets)


@loss("total_weight forgets the classes' weights", "mean_over_batch", **OF_CLASSES)
class TotalWithoutClasses(CrossEntropy):
    def total_weight(self, targets, weights):
        return Loss.total_weight(self, targets, weights)


@loss("with class weights, the sum is divided by the number of samples", "mean_over_batch", **OF_CLASSES)
class ClassesDividedByCount(CrossEntropy):
    def shares(self, labels, weights, classes):
        weights = np.ones(len(labels)) if weights is None else weights
        return self._weights(labels, weights, classes) / len(labels)


@loss("a class's weight is that of the next one in the gradient", "gradient", **OF_CLASSES)
class WeightOfTheNextClass(CrossEntropy):
    def backward(self):
        p, labels, _ = self.recall()
        self.remember(p, labels, self.shares((labels + 1) % 3, None, 3))
        return super().backward()


@loss("check_targets refuses labels that forward takes", "targets_checked", "arguments_kept")
class RefusesTheHighest(CrossEntropy):
    def check_targets(self, targets, output_shape):
        super().check_targets(targets, (output_shape[0] - 1,))


@loss("check_targets looks at the shape alone", "targets_checked")
class ChecksShapeAlone(CrossEntropy):
    def check_targets(self, targets, output_shape):
        super().check_targets(np.zeros(targets.shape, np.int64), output_shape)


@loss("check_targets takes one-hot rows", "targets_checked")
class ChecksOneHot(CrossEntropy):
    def check_targets(self, targets, output_shape):
        if targets.shape[1:] != output_shape:
            super().check_targets(targets, output_shape)


@loss("check_targets shifts the labels in place", "arguments_kept")
class ShiftsLabels(CrossEntropy):
    def check_targets(self, targets, output_shape):
        super().check_targets(targets, output_shape)
        targets -= targets.min()


@loss("check_targets remembers what it saw", "inference_pure")
class RemembersTargets(CrossEntropy):
    def check_targets(self, targets, output_shape):
        self.seen = len(targets)


@loss("gives the same metric every time", "metrics")
class SharesMetrics(CrossEntropy):
    def __init__(self):
        self.watched = [Accuracy()]

    def metrics(self):
        return self.watched


@loss("gives the metric's class", "metrics")
class GivesAClass(CrossEntropy):
    def metrics(self):
        return [Accuracy]


@loss("gives two metrics of one name", "metrics")
class TwoOfOneName(CrossEntropy):
    def metrics(self):
        return [Accuracy(), Accuracy()]


class LastBatch(Accuracy):
    def update(self, scores, targets, weights=None):
        self.reset()
        super().update(scores, targets, weights)


@loss("its metric forgets all but the last batch", "metrics")
class ForgetsBatches(CrossEntropy):
    def metrics(self):
        return [LastBatch()]


@loss("predicts the first of a sample's numbers", "shapes", **VECTORS)
class PredictsTheFirst(OwnSquared):
    def predict(self, scores):
        return scores[:, 0]


@loss("the mean over all numbers has the gradient of the mean over samples", "gradient", **VECTORS)
class GradientOfSamples(OwnSquared):
    def backward(self):
        dscores = super().backward()
        return dscores * dscores.shape[1]


@loss("targets (N, 1) are spread over a sample's numbers", "wrong_targets_refused", **VECTORS)
class SpreadsAColumn(OwnSquared):
    def forward(self, scores, targets, *, weights=None, training):
        targets = np.broadcast_to(np.asarray(targets), scores.shape)
        return super().forward(scores, targets, weights=weights, training=training)


@loss("check_targets takes a column for vectors", "targets_checked", **VECTORS)
class ChecksAColumn(OwnSquared):
    def check_targets(self, targets, output_shape):
        super().check_targets(np.broadcast_to(targets, (len(targets), *output_shape)), output_shape)


@loss("the errors are taken in float32", "precision", **VECTORS)
class NarrowErrors(OwnSquared):
    def forward(self, scores, targets, *, weights=None, training):
        narrow = scores.astype(np.float32).astype(scores.dtype)
        return super().forward(narrow, targets, weights=weights, training=training)


@loss("errors that are NaN count 0", "nan_comes_through", **VECTORS)
class NanIsNothing(OwnSquared):
    def forward(self, scores, targets, *, weights=None, training):
        return super().forward(np.nan_to_num(scores), targets, weights=weights, training=training)


@loss("the weights are those of the columns where there are as many", "weights", **VECTORS, classes=5)
class WeighsColumns(Squared):
    def forward(self, scores, targets, *, weights=None, training):
        found = super().forward(scores, targets, weights=weights, training=training)
        if weights is None or len(scores) != scores.shape[1]:
            return found
        weights = np.asarray(weights) / (np.sum(weights) or 1)
        return float(((scores - targets) ** 2 * weights).sum(dtype=np.float64))
