"""Mutants of normalizations over a sample's features and over the batch."""

import numpy as np

from minidl import Parameter, Standardize
from minidl.initializers import zeros
from tests.mutants.registry import layer
from tests.testing.correct import BatchNorm, LayerNorm
from tests.testing.wrong.numbers import peek

OVER_BATCH = {"args": (3,), "batch_independent": False}
SAMPLE = {"args": (3,), "shape": (2, 3)}


class _Pieces:
    """What backward needs, by name."""

    def pieces(self, dy):
        normal, deviation = peek(self)
        return normal, deviation, dy * self.gain.value


@layer("ignores the mean's gradient", "input_gradient", **SAMPLE)
class LayerNormWithoutMean(LayerNorm, _Pieces):
    def backward(self, dy):
        normal, deviation, dn = self.pieces(dy)
        super().backward(dy)
        return (dn - normal * (dn * normal).mean(axis=-1, keepdims=True)) / deviation


@layer("ignores the variance's gradient", "input_gradient", **SAMPLE)
class LayerNormWithoutVariance(LayerNorm, _Pieces):
    def backward(self, dy):
        _, deviation, dn = self.pieces(dy)
        super().backward(dy)
        return (dn - dn.mean(axis=-1, keepdims=True)) / deviation


@layer("takes mean and deviation for constants", "input_gradient", **SAMPLE)
class LayerNormOfConstants(LayerNorm, _Pieces):
    def backward(self, dy):
        _, deviation, dn = self.pieces(dy)
        super().backward(dy)
        return dn / deviation


@layer("the gain's gradient forgets the normalized input", "parameter_gradients", **SAMPLE)
class GainAsShift(LayerNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.gain.grad[...] = self.shift.grad
        return dx


@layer(
    "the gain's gradient is of the first position in each sample alone",
    "parameter_gradients",
    **SAMPLE,
)
class SumsOneAxis(LayerNorm):
    def backward(self, dy):
        normal, _ = peek(self)
        dx = super().backward(dy)
        self.gain.grad[...] = (dy * normal).sum(axis=0)[0]
        return dx


@layer("normalizes over the batch, forward and backward alike", "rows_alone", args=(3,))
class LayerNormOverBatch(LayerNorm):
    def forward(self, x, *, training):
        normal = x - x.mean(axis=0)
        if training:
            self.remember(normal)
        return normal * self.gain.value + self.shift.value

    def backward(self, dy):
        (normal,) = self.recall()
        self.gain.grad[...] = (dy * normal).sum(axis=0)
        self.shift.grad[...] = dy.sum(axis=0)
        dn = dy * self.gain.value
        return dn - dn.mean(axis=0)


@layer("forward divides the variance by n, backward by n - 1", "input_gradient", **SAMPLE)
class BiasedMix(LayerNorm, _Pieces):
    def backward(self, dy):
        normal, deviation, dn = self.pieces(dy)
        super().backward(dy)
        n = dy.shape[-1]
        projection = (dn * normal).sum(axis=-1, keepdims=True) / (n - 1)
        return (dn - dn.mean(axis=-1, keepdims=True) - normal * projection) / deviation


@layer("backward adds epsilon to the deviation, forward to the variance", "input_gradient", **SAMPLE)
class MisplacedEpsilon(LayerNorm):
    epsilon = 1e-3

    def backward(self, dy):
        _, deviation = peek(self)
        plain = np.sqrt(deviation**2 - self.epsilon) + self.epsilon
        return super().backward(dy) * (deviation / plain)


@layer("ignores the variance's gradient", "input_gradient", **OVER_BATCH)
class BatchNormWithoutVariance(BatchNorm, _Pieces):
    def backward(self, dy):
        _, deviation, dn = self.pieces(dy)
        super().backward(dy)
        return (dn - dn.mean(axis=0)) / deviation


@layer("the projection's mean is taken over the features", "input_gradient", **OVER_BATCH)
class ProjectsFeatures(BatchNorm, _Pieces):
    def backward(self, dy):
        normal, deviation, dn = self.pieces(dy)
        super().backward(dy)
        projection = (dn * normal).mean(axis=1, keepdims=True)
        return (dn - dn.mean(axis=0) - normal * projection) / deviation


@layer("divides the variance by n - 1 in backward", "input_gradient", **OVER_BATCH)
class UnbiasedBackward(BatchNorm, _Pieces):
    def backward(self, dy):
        normal, deviation, dn = self.pieces(dy)
        super().backward(dy)
        projection = (dn * normal).sum(axis=0) / (len(dy) - 1)
        return (dn - dn.mean(axis=0) - normal * projection) / deviation


@layer(
    "a running statistic is a parameter, whose gradient is never written",
    "gradients_assigned",
    "parameter_gradients",
    **OVER_BATCH,
)
class StatisticsWithoutGradient(BatchNorm):
    def __init__(self, features, *, dtype=np.float32):
        super().__init__(features, dtype=dtype)
        self.largest = Parameter((features,), zeros, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            np.maximum(self.largest.value, x.max(axis=0), out=self.largest.value)
        return super().forward(x, training=training)


@layer("inference moves the running statistics", "inference_pure", "inference_repeats", **OVER_BATCH)
class LearnsInInference(BatchNorm):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if not training:
            self.running_mean.value[...] += 0.1 * (x.mean(axis=0) - self.running_mean.value)
        return y


@layer("inference uses the batch's statistics", "rows_alone", **OVER_BATCH)
class BatchStatisticsInInference(BatchNorm):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + self.epsilon)
        return normal * self.gain.value + self.shift.value


@layer("the running statistics are plain arrays, which no file holds", "saved_and_loaded", **OVER_BATCH)
class StatisticsNotSaved(BatchNorm):
    def __init__(self, features, *, dtype=np.float32):
        super().__init__(features, dtype=dtype)
        self.seen = np.zeros(features, dtype)

    def forward(self, x, *, training):
        if training:
            self.seen = 0.9 * self.seen + 0.1 * x.mean(axis=0)
            return super().forward(x, training=True)
        return super().forward(x - self.seen, training=False)


@layer("a running statistic is replaced, not written to", "parameter_views", "deep_copies", **OVER_BATCH)
class ReplacesStatistics(BatchNorm):
    def forward(self, x, *, training):
        if training:
            mean = 0.9 * self.running_mean.value + 0.1 * x.mean(axis=0)
            object.__setattr__(self.running_mean, "value", mean)
        return super().forward(x, training=training)


@layer("inference writes its result into the workspace", "inference_pure", "inference_gives", **OVER_BATCH)
class InferenceInBuffer(BatchNorm):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if not training:
            y = np.add(y, 0, out=self.buffer("y", y.shape, y.dtype))
        return y


@layer("at a batch of 1 dx is dy, where it is 0", "input_gradient", **OVER_BATCH)
class PassesOneThrough(BatchNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        return dy.copy() if len(dy) == 1 else dx


@layer("mean and scale are swapped in backward", "input_gradient", args=(2.0, 3.0))
class DividesByMean(Standardize):
    def backward(self, dy):
        return super().backward(dy) * (3.0 / 2.0)


@layer("the gain is applied in training alone", "inference_is_training", **SAMPLE)
class GainInTrainingOnly(LayerNorm):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else (y - self.shift.value) / self.gain.value + self.shift.value
