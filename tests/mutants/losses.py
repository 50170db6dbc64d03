"""Mutants of losses."""

import numpy as np

from minidl import SoftmaxCrossEntropy
from tests.mutants.bases import CrossEntropy, Hinge
from tests.mutants.registry import loss
from tests.testing.correct import SquaredError as Squared  # no exception

VECTORS = {"make_targets": lambda rng, batch, classes: rng.standard_normal((batch, classes))}


@loss("the loss is a sum, its gradient that of a mean", "gradient", "mean_over_batch")
class SumOfLosses(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, targets, training=training) * len(scores)


@loss("the gradient is divided by the batch and by the classes", "gradient")
class DividedTwice(CrossEntropy):
    def backward(self):
        dscores = super().backward()
        return dscores / dscores.shape[1]


@loss("the gradient has the wrong sign", "gradient")
class OneHotMinusSoftmax(CrossEntropy):
    def backward(self):
        return -super().backward()


@loss("the gradient is the softmax alone", "gradient")
class ForgottenOneHot(CrossEntropy):
    def backward(self):
        p, labels, _ = self.recall()
        return p / len(labels)


@loss("the softmax runs over the batch", "mean_over_batch", "gradient")
class SoftmaxDownTheBatch(CrossEntropy):
    def forward(self, scores, targets, *, training):
        super().forward(scores, targets, training=training)
        shifted = scores - scores.max(axis=0)
        logs = shifted - np.log(np.exp(shifted).sum(axis=0))
        return float(-logs[np.arange(len(scores)), np.asarray(targets)].mean(dtype=np.float64))


@loss("no maximum subtracted: overflow", "extreme_scores", "gradient_far_out")
class NoMaximum(CrossEntropy):
    def forward(self, scores, targets, *, training):
        labels = self._check_labels(targets, *scores.shape)
        exps = np.exp(scores)
        p = exps / exps.sum(axis=1, keepdims=True)
        if training:
            self.remember(p, labels, self.shares(labels, None, scores.shape[1]))
        return float(-np.log(p[np.arange(len(labels)), labels]).mean(dtype=np.float64))


@loss(
    "the whole batch's maximum subtracted: a row far below it underflows",
    "gradient_far_out",
    "extreme_scores",
)
class MaximumOfBatch(CrossEntropy):
    def forward(self, scores, targets, *, training):
        labels = self._check_labels(targets, *scores.shape)
        shifted = scores - scores.max()
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        if training:
            self.remember(np.exp(logs), labels, self.shares(labels, None, scores.shape[1]))
        return float(-logs[np.arange(len(labels)), labels].mean(dtype=np.float64))


@loss("writes the shifted scores back", "arguments_kept")
class WritesScores(CrossEntropy):
    def forward(self, scores, targets, *, training):
        scores -= scores.max(axis=1, keepdims=True)
        return super().forward(scores, targets, training=training)


@loss("probabilities are exponentials, not normalized", "probabilities")
class NotNormalized(CrossEntropy):
    def probabilities(self, scores):
        return np.exp(scores - scores.max(axis=1, keepdims=True))


@loss("predicts the least likely", "probabilities")
class PredictsLeast(CrossEntropy):
    def predict(self, scores):
        return scores.argmin(axis=1)


@loss("adds the losses up in float32", "precision")
class NarrowTotal(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return float(np.float32(super().forward(scores, targets, training=training)))


@loss("works on float32 scores throughout", "precision")
class NarrowScores(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores.astype(np.float32).astype(scores.dtype), targets, training=training)


@loss("passes NaN over in the mean", "nan_comes_through")
class NanMean(CrossEntropy):
    def forward(self, scores, targets, *, training):
        found = super().forward(scores, targets, training=training)
        rows = ~np.isnan(scores).any(axis=1)
        return (
            found
            if rows.all()
            else super().forward(scores[rows], np.asarray(targets)[rows], training=training)
        )


@loss("smooths the labels in training alone", "training_and_inference")
class SmoothsInTraining(CrossEntropy):
    def forward(self, scores, targets, *, training):
        found = super().forward(scores, targets, training=training)
        return 0.9 * found if training else found

    def backward(self):
        return super().backward() * 0.9


@loss("inference replaces what training remembered", "inference_pure", "one_backward")
class InferenceRemembers(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return super().forward(scores, targets, training=True)


@loss("what it remembers is on the class", "copies", "inference_pure", "used_equals_fresh")
class ClassCache(CrossEntropy):
    def remember(self, *values):
        ClassCache.held = values
        super().remember(*values)

    def recall(self):
        super().recall()
        return ClassCache.held


@loss("hands out its workspace as probabilities", "inference_pure")
class LendsProbabilities(CrossEntropy):
    def probabilities(self, scores):
        found = super().probabilities(scores)
        return np.add(found, 0, out=self.buffer("p", found.shape, found.dtype))


@loss("weighed by the first batch's size", "used_equals_fresh")
class WeighsByFirstBatch(CrossEntropy):
    def forward(self, scores, targets, *, training):
        if training and not hasattr(self, "count"):
            self.count = len(scores)
        self.ratio = len(scores) / getattr(self, "count", len(scores)) if training else 1.0
        return super().forward(scores, targets, training=training) * (self.ratio if training else 1.0)

    def backward(self):
        return super().backward() * self.ratio


@loss("the margin's gradient counts the label once, not once a margin missed", "gradient")
class CountsOnce(Hinge):
    def backward(self):
        missed, labels, _ = self.recall()
        rows = np.arange(len(labels))
        missed[rows, labels] = 0
        missed[rows, labels] = -(missed.sum(axis=1) > 0).astype(missed.dtype)
        return missed / len(labels)


@loss("the margin's gradient is not divided by the batch", "gradient")
class HingeUndivided(Hinge):
    def backward(self):
        dscores = super().backward()
        return dscores * len(dscores)


@loss("forgets the factor 2", "gradient", **VECTORS)
class ForgottenTwo(Squared):
    def backward(self):
        return super().backward() / 2


@loss("target minus score", "gradient", **VECTORS)
class TargetMinusScore(Squared):
    def backward(self):
        return -super().backward()


@loss("the mean runs over the outputs too, in backward alone", "gradient", **VECTORS)
class MeanOfOutputs(Squared):
    def backward(self):
        dscores = super().backward()
        return dscores / dscores.shape[1]


@loss("targets of shape (N, 1) are spread by broadcasting", "wrong_targets_refused", **VECTORS)
class BroadcastsTargets(Squared):
    def forward(self, scores, targets, *, training):
        targets = np.broadcast_to(np.asarray(targets), scores.shape)
        return super().forward(scores, targets, training=training)


@loss("the workspace of a batch is kept for a smaller one", "used_equals_fresh")
class StaleWorkspace(SoftmaxCrossEntropy):
    def forward(self, scores, targets, *, training):
        self.rows = max(len(scores), getattr(self, "rows", 0)) if training else getattr(self, "rows", 0)
        return super().forward(scores, targets, training=training)

    def backward(self):
        dscores = super().backward()
        return dscores * (len(dscores) / self.rows)
