"""Mutants of the losses of margins and of smoothed labels."""

import numpy as np

from minidl.losses import MulticlassHinge, SoftmaxCrossEntropy
from tests.mutants.registry import loss


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
