"""Mutants of the losses of single scores."""

import numpy as np
from scipy.special import softmax

from minidl.kernels.losses import huber
from minidl.losses import L1, BinaryCrossEntropy, Huber
from tests.mutants.registry import loss
from tests.testing.wrong.numbers import peek

NUMBERS = {"make_targets": lambda rng, batch, width: rng.standard_normal((batch, width)), "classes": 2}
SHARES = {
    "make_targets": lambda rng, batch, width: rng.random((batch, width)),
    "classes": 2,
}
LABEL = {**SHARES, "make_targets": lambda rng, batch, width: rng.integers(2, size=batch), "classes": 1}


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


@loss("the labels share one probability among them", "probabilities", **SHARES)
class SharesAmongLabels(BinaryCrossEntropy):
    def probabilities(self, scores):
        return softmax(scores, axis=1)


@loss("predicts 1 from a probability of a quarter on", "probabilities", **SHARES)
class PredictsTooSoon(BinaryCrossEntropy):
    def predict(self, scores):
        return (self.probabilities(scores) > 0.25).astype(np.int64)


@loss("each probability is lessened by what the others have", "probabilities", **SHARES)
class LessLikelyBeside(BinaryCrossEntropy):
    def probabilities(self, scores):
        p = super().probabilities(scores)
        return np.where(p > 0.5, 0.5 + (p - 0.5) / (1 + p.sum(axis=1, keepdims=True)), p)
