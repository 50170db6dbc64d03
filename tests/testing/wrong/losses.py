"""Losses with one slip each, and the clause that names it."""

import numpy as np

from minidl import SoftmaxCrossEntropy
from minidl.metrics import Accuracy


class SumsLoss(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, targets, training=training) * len(scores)

    def backward(self):
        dscores = super().backward()
        return dscores * len(dscores)


class ForgottenMean(SoftmaxCrossEntropy):
    def backward(self):
        dscores = super().backward()
        return dscores * len(dscores)


class ClippedLog(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        super().forward(scores, targets, training=training)
        picked = self.probabilities(scores)[np.arange(len(scores)), np.asarray(targets)]
        return float(np.mean(-np.log(picked + 1e-12)))


class WrapsLabels(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, np.asarray(targets) % scores.shape[1], training=training)


class Overflows(SoftmaxCrossEntropy):
    def probabilities(self, scores):
        exps = np.exp(scores)
        return exps / exps.sum(axis=1, keepdims=True)


class NormalizesColumns(SoftmaxCrossEntropy):
    def probabilities(self, scores):
        exps = np.exp(scores - scores.max())
        return exps / exps.sum(axis=0)


class ScalesScores(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        scores -= scores.max(axis=1, keepdims=True)
        return super().forward(scores, targets, training=training)


class IgnoresNan(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(np.nan_to_num(scores), targets, training=training)


class RemembersInference(SoftmaxCrossEntropy):
    def probabilities(self, scores):
        self.last = super().probabilities(scores)
        return self.last


class FavoursTheFirst(SoftmaxCrossEntropy):
    """Weights samples by their place in the batch."""

    def forward(self, scores, targets, *, training):
        rows = [super(FavoursTheFirst, self).forward(scores[i : i + 1], targets[i : i + 1], training=False)
                for i in range(len(scores))]  # fmt: skip
        super().forward(scores, targets, training=training)
        return sum(row / 2**i for i, row in enumerate(rows, 1))


class NumpyNumber(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        return np.float32(super().forward(scores, targets, training=training))


class WideProbabilities(SoftmaxCrossEntropy):
    def probabilities(self, scores):
        return super().probabilities(scores.astype(np.float64))


class NarrowLoss(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        if training:
            self.kind = scores.dtype
        return super().forward(scores, targets, training=training)

    def backward(self):
        return super().backward().astype(np.float32).astype(self.kind)


class RavelsScores(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        laid = scores.ravel(order="K").reshape(scores.shape)
        return super().forward(laid, targets, training=training)


class Int64Only(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        if targets.dtype != np.int64:
            raise TypeError("int64 only")
        return super().forward(scores, targets, training=training)


class BackwardAgain(SoftmaxCrossEntropy):
    def recall(self):
        values = super().recall()
        self.remember(values[0].copy(), *values[1:])
        return values


class FirstCount(SoftmaxCrossEntropy):
    """Divides by the size of the first batch it saw."""

    def forward(self, scores, targets, *, training):
        if training and not hasattr(self, "count"):
            self.count = len(scores)
        return super().forward(scores, targets, training=training)

    def backward(self):
        dscores = super().backward()
        return dscores * (len(dscores) / self.count)


class Unreturned(SoftmaxCrossEntropy):
    def backward(self):
        super().backward()


class PredictsInWorkspace(SoftmaxCrossEntropy):
    """A prediction works where the gradient was lent."""

    def backward(self):
        self.lent = super().backward()
        return self.lent

    def predict(self, scores):
        if getattr(self, "lent", scores).shape == scores.shape and hasattr(self, "lent"):
            self.lent[...] = scores
        return super().predict(scores)


class HoldsLambda(SoftmaxCrossEntropy):
    def __init__(self):
        self.reduce = lambda losses: losses.mean()


class ChecksNoTargets(SoftmaxCrossEntropy):
    def check_targets(self, targets, output_shape):
        pass


class Unweighted(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, targets, training=training)


class AbsoluteWeights(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, weights=None, training):
        weights = None if weights is None else np.abs(weights)
        return super().forward(scores, targets, weights=weights, training=training)


class WeighsTwice(SoftmaxCrossEntropy):
    factors = 1.0

    def forward(self, scores, targets, *, weights=None, training):
        loss = super().forward(scores, targets, weights=weights, training=training)
        if training:
            self.factors = 1.0 if weights is None else np.divide(weights, np.mean(weights) or 1.0)[:, None]
        return loss

    def backward(self):
        dscores = super().backward()
        dscores *= self.factors
        return dscores


class MeanWeight(SoftmaxCrossEntropy):
    def total_weight(self, targets, weights):
        return super().total_weight(targets, weights) / len(targets)


class OneMetricForAll(SoftmaxCrossEntropy):
    watched = (Accuracy(),)

    def metrics(self):
        return list(self.watched)


WRONG_LOSSES = [
    ("targets_checked", ChecksNoTargets),
    ("weights", Unweighted),
    ("wrong_weights_refused", AbsoluteWeights),
    ("weighted_gradient", WeighsTwice),
    ("total_weight", MeanWeight),
    ("metrics", OneMetricForAll),
    ("shapes", Unreturned),
    ("lent_until_next_forward", PredictsInWorkspace),
    ("mean_over_batch", SumsLoss),
    ("gradient", ForgottenMean),
    ("gradient_far_out", ClippedLog),
    ("wrong_labels_refused", WrapsLabels),
    ("extreme_scores", Overflows),
    ("probabilities", NormalizesColumns),
    ("arguments_kept", ScalesScores),
    ("nan_comes_through", IgnoresNan),
    ("inference_pure", RemembersInference),
    ("order_of_samples", FavoursTheFirst),
    ("training_and_inference", NumpyNumber),
    ("dtype", WideProbabilities),
    ("precision", NarrowLoss),
    ("memory_layout", RavelsScores),
    ("kinds_of_labels", Int64Only),
    ("one_backward", BackwardAgain),
    ("used_equals_fresh", FirstCount),
    ("copies", HoldsLambda),
]
