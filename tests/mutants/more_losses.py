"""Mutants of the losses of single scores, of margins and of smoothed labels."""

import numpy as np

from minidl.kernels.losses import huber
from minidl.losses import L1, BinaryCrossEntropy, Huber, MulticlassHinge, SoftmaxCrossEntropy
from tests.mutants.registry import loss
from tests.testing.wrong.numbers import peek

NUMBERS = {"make_targets": lambda rng, batch, width: rng.standard_normal((batch, width)), "classes": 2}
SHARES = {
    "make_targets": lambda rng, batch, width: rng.random((batch, width)),
    "classes": 2,
    "skip": ("probabilities",),
}
LABEL = {**SHARES, "make_targets": lambda rng, batch, width: rng.integers(2, size=batch), "classes": 1}


class Smoothed(SoftmaxCrossEntropy):
    """With a tenth of each target spread."""

    def __init__(self):
        super().__init__(label_smoothing=0.1)


class SmoothedAndWeighted(SoftmaxCrossEntropy):
    """And a weight for each class."""

    def __init__(self):
        super().__init__(class_weights=(1.0, 2.0, 0.5), label_smoothing=0.2)


@loss("the loss is smoothed, its gradient is not", "gradient")
class SmoothsForwardAlone(Smoothed):
    def forward(self, scores, targets, *, weights=None, training):
        value = super().forward(scores, targets, weights=weights, training=training)
        if training:
            plain = SoftmaxCrossEntropy()
            plain.forward(scores, targets, weights=weights, training=True)
            self.remember(plain.backward())
        return value


@loss("the gradient spreads the share over the other classes alone", "gradient")
class SpreadsOverOthers(Smoothed):
    def backward(self):
        dscores = super().backward()
        return dscores + (0.1 / 3 / len(dscores) * np.eye(3)[0]).astype(dscores.dtype)


@loss("inference does not smooth", "training_and_inference")
class SmoothsInTrainingAlone(Smoothed):
    def forward(self, scores, targets, *, weights=None, training):
        if training:
            return super().forward(scores, targets, weights=weights, training=True)
        return SoftmaxCrossEntropy().forward(scores, targets, weights=weights, training=False)


@loss("smoothing forgets the samples' weights", "weights", "weighted_gradient")
class SmoothingWithoutWeights(Smoothed):
    def forward(self, scores, targets, *, weights=None, training):
        super().forward(scores, targets, weights=weights, training=False)
        return super().forward(scores, targets, training=training)


@loss(
    "the mean divides by the number of samples, in spite of class weights", "mean_over_batch", "total_weight"
)
class SmoothedOverCount(SmoothedAndWeighted):
    def forward(self, scores, targets, *, weights=None, training):
        value = super().forward(scores, targets, weights=weights, training=training)
        ratio = self.total_weight(targets, weights) / len(scores)
        if training:
            self._ratio = ratio
        return value * ratio

    def backward(self):
        return super().backward() * self._ratio


@loss("the logarithm of a probability: minus infinity far out", "extreme_scores", "gradient_far_out")
class SmoothedLogOfProbability(Smoothed):
    def forward(self, scores, targets, *, weights=None, training):
        value = super().forward(scores, targets, weights=weights, training=training)
        with np.errstate(divide="ignore"):
            logs = np.log(self.probabilities(scores))
        return value + 0.0 * float(logs.sum())


@loss("a class that misses its margin counts for the label once", "gradient")
class LabelCountsOnce(MulticlassHinge):
    def backward(self):
        dscores = super().backward()
        return np.maximum(dscores, -1 / len(dscores)) if len(dscores) else dscores


@loss("the label's gradient is forgotten", "gradient")
class LabelHasNoGradient(MulticlassHinge):
    def backward(self):
        return np.maximum(super().backward(), 0)


@loss("the gradient is a sum over the batch", "gradient")
class HingeSumsTheBatch(MulticlassHinge):
    def backward(self):
        dscores = super().backward()
        return dscores * len(dscores)


@loss("the largest margin alone has a gradient, all of them a loss", "gradient")
class LargestMarginAlone(MulticlassHinge):
    def backward(self):
        dscores = super().backward()
        return np.where(np.cumsum(dscores > 0, axis=1) > 1, 0, dscores)


@loss("the margin missed is squared in the loss alone", "gradient")
class SquaresForwardAlone(MulticlassHinge):
    def forward(self, scores, targets, *, weights=None, training):
        return super().forward(scores, targets, weights=weights, training=training) ** 2 + 1


@loss("the label's own margin is counted in training", "training_and_inference")
class CountsItsOwnMargin(MulticlassHinge):
    def forward(self, scores, targets, *, weights=None, training):
        value = super().forward(scores, targets, weights=weights, training=training)
        return value + self.margin if training else value


@loss("labels are taken modulo the number of classes", "wrong_labels_refused")
class LabelsModulo(MulticlassHinge):
    def _check_labels(self, targets, samples, classes):
        labels = np.asarray(targets)
        if labels.shape != (samples,) or labels.dtype.kind not in "iu":
            return super()._check_labels(targets, samples, classes)
        return labels.astype(np.int64) % classes


@loss("a score of NaN misses no margin", "nan_comes_through")
class NanMissesNoMargin(MulticlassHinge):
    def forward(self, scores, targets, *, weights=None, training):
        return super().forward(np.nan_to_num(scores, nan=-9.0), targets, weights=weights, training=training)


@loss("weights count in the gradient alone", "weights", "weighted_gradient")
class HingeWeightsHalf(MulticlassHinge):
    def forward(self, scores, targets, *, weights=None, training):
        super().forward(scores, targets, weights=weights, training=training)
        return super().forward(scores, targets, training=False)


@loss("beyond delta the gradient goes on growing", "gradient", **NUMBERS)
class HuberNeverStraight(Huber):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        slopes[...] = scores - targets


@loss("the derivative of the square is twice the error, its half forgotten", "gradient", **NUMBERS)
class HuberForgetsHalf(Huber):
    def backward(self):
        return 2 * super().backward()


@loss("delta is a share of the batch's largest error", "mean_over_batch", "order_of_samples", "gradient",
      "nan_comes_through", **NUMBERS)  # fmt: skip
class DeltaOfTheBatch(Huber):
    def _compute(self, scores, targets, losses, slopes):
        huber(scores, targets, losses, slopes, float(np.abs(scores - targets).max() / 2))


@loss("the sign is that of the score, not of the error", "gradient", **NUMBERS)
class SignOfTheScore(L1):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        np.sign(scores, slopes)


@loss("the sum over a sample's numbers, in the gradient alone", "gradient", **NUMBERS)
class AbsoluteSums(L1):
    def backward(self):
        dscores = super().backward()
        return dscores * dscores.shape[1]


@loss("targets of another shape are spread by broadcasting", "wrong_targets_refused", **NUMBERS)
class SpreadsItsTargets(L1):
    def _aligned(self, targets, scores):
        return np.broadcast_to(targets, scores.shape)


@loss("the target's sign is turned", "gradient", **SHARES)
class TargetTurned(BinaryCrossEntropy):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        super()._compute(scores, 1 - targets, np.empty_like(losses), slopes)


@loss("the sigmoid's slope comes in twice", "gradient", **SHARES)
class SlopeTwice(BinaryCrossEntropy):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        p = self.probabilities(scores)
        slopes *= p * (1 - p)


@loss("log of a sigmoid that has become 0", "extreme_scores", "gradient_far_out", **SHARES)
class LogOfSigmoid(BinaryCrossEntropy):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        p = 1 / (1 + np.exp(-scores))
        losses[...] = -targets * np.log(p) - (1 - targets) * np.log(1 - p)


@loss("probabilities are clipped before the logarithm", "gradient_far_out", **SHARES)
class ClipsProbabilities(BinaryCrossEntropy):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, targets, losses, slopes)
        p = np.clip(self.probabilities(scores), 1e-7, 1 - 1e-7)
        losses[...] = -targets * np.log(p) - (1 - targets) * np.log(1 - p)


@loss("targets are rounded to 0 and 1, in backward alone", "gradient", **SHARES)
class RoundsItsTargets(BinaryCrossEntropy):
    def _compute(self, scores, targets, losses, slopes):
        super()._compute(scores, np.round(targets), losses, slopes)
        super()._compute(scores, targets, losses, np.empty_like(slopes))


@loss("predicts (N, 1) where labels are (N,)", "shapes", **LABEL)
class PredictsColumns(BinaryCrossEntropy):
    def predict(self, scores):
        return (scores > 0).astype(int)


@loss("labels (N, 1) are taken, too, and may be spread elsewhere", "wrong_targets_refused", **LABEL)
class TakesColumns(BinaryCrossEntropy):
    def _aligned(self, targets, scores):
        return super()._aligned(np.asarray(targets).reshape(-1), scores)


@loss("its metric is one and the same for all trainings", "metrics", **LABEL)
class OneMetricForAll(BinaryCrossEntropy):
    def metrics(self):
        if not hasattr(self, "_metrics"):
            self._metrics = super().metrics()
        return self._metrics


@loss("what backward gives is the workspace of the losses, which inference writes to", "inference_pure",
      "lent_until_next_forward", **NUMBERS)  # fmt: skip
class InfersIntoTheGradient(L1):
    def forward(self, scores, targets, *, weights=None, training):
        if not training and self._remembered:
            (slopes, _) = peek(self)
            slopes[...] = 0
        return super().forward(scores, targets, weights=weights, training=training)
