"""Mutants of batch norms whose statistics or arrays are not kept as they should be."""

import numpy as np

from minidl.layers import BatchNorm1d
from tests.mutants.registry import layer
from tests.testing.references import batch_norm, batch_norm_training

OVER_BATCH = {"args": (2,), "shape": (2, 3), "batch_independent": False}
REFERENCED = {**OVER_BATCH, "reference": batch_norm, "training_reference": batch_norm_training}
FEATURES = {**REFERENCED, "shape": (2,), "min_batch": 2}


@layer("inference takes the batch's statistics", "rows_alone", **OVER_BATCH)
class InfersByTheBatch(BatchNorm1d):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
        scale = self.weight.value / np.sqrt(variance + self.eps)
        return (x - mean[:, None]) * scale[:, None] + self.bias.value[:, None]


@layer("training takes the running statistics", "input_gradient", **OVER_BATCH)
class TrainsByRunning(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=False)
        if training:
            super().forward(x, training=True)
        return y


@layer("inference moves the running mean", "inference_repeats", "inference_pure", **OVER_BATCH)
class MovesInInference(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if not training:
            self.running_mean.value[...] += self.momentum * x.mean(axis=(0, 2))
        return y


@layer("inference leaves a number that backward takes", "inference_pure", **OVER_BATCH)
class InfersForBackward(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        self.__dict__["_last"] = x.std()
        return y

    def backward(self, dy):
        return super().backward(dy) * self._last


@layer("the running mean is a plain array", "saved_and_loaded", **OVER_BATCH)
class RunsInAPlainArray(BatchNorm1d):
    def __init__(self, num_features, *, dtype=np.float32):
        super().__init__(num_features, dtype=dtype)
        self.mean_so_far = np.zeros((num_features, 1), dtype)

    def forward(self, x, *, training):
        if training:
            self.mean_so_far[...] += 0.1 * (x.mean(axis=(0, 2))[:, None] - self.mean_so_far)
            return super().forward(x, training=True)
        return super().forward(x - self.mean_so_far, training=False)


@layer("the running variance is replaced, not written to", "parameter_views", **OVER_BATCH)
class ReplacesItsVariance(BatchNorm1d):
    def forward(self, x, *, training):
        if training:
            object.__setattr__(self.running_var, "value", self.running_var.value + 0.1)
        return super().forward(x, training=training)


@layer(
    "the running statistics start anew with each fit's copy", "deep_copies", "pickled_copies", **OVER_BATCH
)
class CopiesWithoutStatistics(BatchNorm1d):
    def __setstate__(self, state):
        super().__setstate__(state)
        self.running_mean.value[...] = 0


@layer("its mean is of the numbers that are not NaN", "nan_comes_through", **OVER_BATCH)
class PassesNanOver(BatchNorm1d):
    def forward(self, x, *, training):
        return super().forward(np.where(np.isnan(x), np.nanmean(x), x), training=training)


@layer("the statistics are float32 in every layer", "precision", **OVER_BATCH)
class NarrowStatistics(BatchNorm1d):
    def forward(self, x, *, training):
        return super().forward(x.astype(np.float32).astype(x.dtype), training=training)


@layer("normalizes in the caller's array", "arguments_kept", **OVER_BATCH)
class NormalizesInPlace(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        x -= x.mean(axis=(0, 2))[:, None]
        return y


@layer("backward takes the mean off the caller's array", "arguments_kept", **OVER_BATCH)
class CentersTheGradient(BatchNorm1d):
    def backward(self, dy):
        dy -= dy.mean(axis=(0, 2))[:, None]
        return super().backward(dy)


@layer("backward writes dx into the output that is lent", "lent_until_next_forward", **OVER_BATCH)
class GradientInOutput(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        y = self.buffer("y", (len(dy), 2, 3), dy.dtype).reshape(dy.shape)
        y[...] = dx
        return y


@layer("inference gives its workspace", "inference_pure", "inference_gives", **OVER_BATCH)
class InfersInItsWorkspace(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else np.add(y, 0, out=self.buffer("inferred", y.shape, y.dtype))


@layer("reads the numbers in the order of the memory", "memory_layout", **OVER_BATCH)
class ReadsMemory(BatchNorm1d):
    def forward(self, x, *, training):
        return super().forward(x.ravel(order="K").reshape(x.shape), training=training)


@layer("a new array for each step's output", "allocation", allocation=True, **OVER_BATCH)
class AllocatesOutputs(BatchNorm1d):
    def forward(self, x, *, training):
        return super().forward(x, training=training).copy()


@layer("describes the momentum as it once was", "config", **OVER_BATCH)
class DescribesTheFirstMomentum(BatchNorm1d):
    def __init__(self, num_features, *, momentum=0.1, dtype=np.float32):
        super().__init__(num_features, momentum=momentum, dtype=dtype)
        self._given = momentum

    def config(self):
        return {**super().config(), "momentum": self._given}


@layer("the running variance stays when all is drawn anew", "initialize", **OVER_BATCH)
class KeepsItsVariance(BatchNorm1d):
    def initialize(self, rng):
        before = self.running_var.value.copy()
        super().initialize(rng)
        self.running_var.value[...] = before


@layer("the running variance is not made unbiased", "training_reference", **REFERENCED)
class BiasedRunningVariance(BatchNorm1d):
    def forward(self, x, *, training):
        before = self.running_var.value.copy()
        y = super().forward(x, training=training)
        if training:
            self.running_var.value[...] = 0.9 * before + 0.1 * x.var(axis=(0, 2))
        return y


@layer("keeps a share `momentum` of what was, not of what comes", "training_reference", **REFERENCED)
class MomentumTheOtherWay(BatchNorm1d):
    def __init__(self, num_features, *, momentum=0.9, dtype=np.float32):
        super().__init__(num_features, momentum=momentum, dtype=dtype)


@layer("statistics of features are taken over each sample's own", "training_reference", **FEATURES)
class StatisticsOfSamples(BatchNorm1d):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.running_mean.value[...] += 0.1 * (x.mean() - x.mean(axis=0))
        return y


@layer("inference adds eps to the deviation, not to the variance", "reference", **FEATURES)
class AddsEpsToTheDeviation(BatchNorm1d):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        deviation = np.sqrt(self.running_var.value) + self.eps
        return (x - self.running_mean.value) / deviation * self.weight.value + self.bias.value


@layer("two samples are refused as one is", "shapes", **FEATURES)
class RefusesTwo(BatchNorm1d):
    def forward(self, x, *, training):
        return super().forward(x[:1] if training and len(x) == 2 else x, training=training)


@layer("the samples of the first batch are counted in all", "batch_sizes", **FEATURES)
class CountsTheFirstBatch(BatchNorm1d):
    def backward(self, dy):
        first = vars(self).setdefault("_first", len(dy))
        return super().backward(dy) * (first / len(dy))
