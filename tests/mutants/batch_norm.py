"""Mutants of the norms over the batch and over groups of channels."""

import numpy as np

from minidl.layers import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek

OVER_BATCH = {"args": (2,), "shape": (2, 3), "batch_independent": False}
GROUPS = {"args": (2, 4), "shape": (4, 2)}
ROWS = {"args": (3,), "shape": (3,)}


class _Pieces:
    """What backward needs, as (N, C, L)."""

    def pieces(self, dy):
        _, normal, inverse = peek(self)
        type(self).__mro__[1].backward(self, dy)
        return dy.reshape(normal.shape), normal, (self.weight.value * inverse)[:, None]

    @staticmethod
    def mean(x, axis=(0, 2)):
        return x.mean(axis=axis, keepdims=True)


@layer("ignores the mean's gradient", "input_gradient", **OVER_BATCH)
class BatchMeanIsConstant(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, normal, factor = self.pieces(dy)
        return (factor * (d - normal * self.mean(d * normal))).reshape(dy.shape)


@layer("ignores the variance's gradient", "input_gradient", **OVER_BATCH)
class BatchVarianceIsConstant(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, _, factor = self.pieces(dy)
        return (factor * (d - self.mean(d))).reshape(dy.shape)


@layer(
    "takes the running statistics' gradient: mean and variance as constants", "input_gradient", **OVER_BATCH
)
class BackwardOfInference(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, _, factor = self.pieces(dy)
        return (factor * d).reshape(dy.shape)


@layer("dx forgets the weight", "input_gradient", **OVER_BATCH)
class ForgetsItsWeight(BatchNorm1d):
    def backward(self, dy):
        return super().backward(dy) / self.weight.value[:, None]


@layer("backward's means are over the batch, not over the places", "input_gradient", **OVER_BATCH)
class MeansOverBatchAlone(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, normal, factor = self.pieces(dy)
        return (factor * (d - self.mean(d, 0) - normal * self.mean(d * normal, 0))).reshape(dy.shape)


@layer("backward's means are of each sample, as in a layer norm", "input_gradient", **OVER_BATCH)
class MeansOfASample(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, normal, factor = self.pieces(dy)
        return (factor * (d - self.mean(d, 2) - normal * self.mean(d * normal, 2))).reshape(dy.shape)


@layer("backward divides the sums by the samples alone", "input_gradient", **OVER_BATCH)
class DividesBySamples(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, normal, factor = self.pieces(dy)
        means, projections = self.mean(d), self.mean(d * normal)
        return (factor * (d - d.shape[2] * (means + normal * projections))).reshape(dy.shape)


@layer("backward takes the variance as divided by one less", "input_gradient", **OVER_BATCH)
class UnbiasedProjection(BatchNorm1d, _Pieces):
    def backward(self, dy):
        d, normal, factor = self.pieces(dy)
        count = d.size // d.shape[1]
        projections = self.mean(d * normal) * count / (count - 1)
        return (factor * (d - self.mean(d) - normal * projections)).reshape(dy.shape)


@layer("the weight's gradient forgets the normalized input", "parameter_gradients", **OVER_BATCH)
class WeightAsBias(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.bias.grad
        return dx


@layer(
    "the weight's gradient is of the input, not of the normalized one", "parameter_gradients", **OVER_BATCH
)
class WeightOfRawInput(BatchNorm1d):
    def forward(self, x, *, training):
        if training:
            self._x = x
        return super().forward(x, training=training)

    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = (dy * self._x).sum(axis=(0, 2))
        return dx


@layer("the bias's gradient is a mean", "parameter_gradients", **OVER_BATCH)
class BiasGradientIsAMean(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] /= len(dy)
        return dx


@layer("the bias's gradient is of the first place alone", "parameter_gradients", **OVER_BATCH)
class BiasOfOnePlace(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy[:, :, 0].sum(axis=0)
        return dx


@layer("rows and columns are swapped in the gradients of an image", "input_gradient",
       args=(1,), shape=(1, 2, 3), batch_independent=False)  # fmt: skip
class SwapsTheImage(BatchNorm2d):
    def backward(self, dy):
        return super().backward(np.ascontiguousarray(dy.swapaxes(2, 3)).reshape(dy.shape))


@layer("the parameters' gradients alone leave out the bias", "backward_parameters", **OVER_BATCH)
class ForgetsBiasAlone(BatchNorm1d):
    def backward_parameters(self, dy):
        kept = self.bias.grad.copy()
        super().backward_parameters(dy)
        self.bias.grad[...] = kept


@layer("adds to the gradients", "gradients_assigned", **OVER_BATCH)
class AddsGradients(BatchNorm1d):
    def _assign_gradients(self, dy, shape, normal):
        kept = [part.grad.copy() for part in (self.weight, self.bias)]
        dy = super()._assign_gradients(dy, shape, normal)
        for part, before in zip((self.weight, self.bias), kept, strict=True):
            part.grad[...] += before
        return dy


@layer("a frozen weight counts as 1 in dx", "frozen_parameters", **OVER_BATCH)
class FrozenWeightIsOne(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx / self.weight.value[:, None] if self.weight.frozen else dx


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
            self.running_var._value = self.running_var.value + 0.1
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


@layer("the running variance is not made unbiased", "inference_is_training", **OVER_BATCH)
class BiasedRunningVariance(BatchNorm1d):
    def forward(self, x, *, training):
        before = self.running_var.value.copy()
        y = super().forward(x, training=training)
        if training:
            self.running_var.value[...] = 0.9 * before + 0.1 * x.var(axis=(0, 2))
        return y


@layer("keeps a share `momentum` of what was, not of what comes", "inference_is_training", **OVER_BATCH)
class MomentumTheOtherWay(BatchNorm1d):
    def __init__(self, num_features, *, momentum=0.9, dtype=np.float32):
        super().__init__(num_features, momentum=momentum, dtype=dtype)


# ------------------------------------------------------------------- over groups of a sample's channels


@layer("backward normalizes over all channels as one group", "input_gradient", **GROUPS)
class OneGroupInBackward(GroupNorm):
    def backward(self, dy):
        normal, inverse, _, _ = peek(self)
        super().backward(dy)
        d, scale = dy * self.weight.value[:, None], np.repeat(inverse.reshape(-1, 2), 2, axis=1)[:, :, None]
        means, projections = (x.mean(axis=(1, 2), keepdims=True) for x in (d, d * normal))
        return scale * (d - means - normal * projections)


@layer("channels take turns in the groups, in backward alone", "input_gradient", **GROUPS)
class InterleavedGroups(GroupNorm):
    order = np.array([0, 2, 1, 3])

    def backward(self, dy):
        return super().backward(np.ascontiguousarray(dy[:, self.order]))[:, self.order]


@layer("dx forgets the weight, which stands before the means", "input_gradient", **GROUPS)
class GroupForgetsWeight(GroupNorm):
    def backward(self, dy):
        return super().backward(dy / self.weight.value[:, None])


@layer("the weight's gradient is of the group, for each of its channels", "parameter_gradients", **GROUPS)
class GradientOfTheGroup(GroupNorm):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = np.repeat(self.weight.grad.reshape(2, 2).sum(axis=1), 2)
        return dx


@layer("the inverse deviation is that of the first sample", "rows_alone", "input_gradient", **ROWS)
class DeviationOfTheFirst(LayerNorm):
    def backward(self, dy):
        normal, inverse, rows, channels = self.recall()
        self.remember(normal, np.full_like(inverse, inverse[0]), rows, channels)
        return super().backward(dy)


@layer(
    "training normalizes with the sample's own scale, inference not at all", "inference_is_training", **ROWS
)
class NormalizesInTrainingAlone(LayerNorm):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return x * self.weight.value + self.bias.value


@layer("forward uses the statistics of the whole batch", "rows_alone", "input_gradient", **ROWS)
class OfTheWholeBatch(LayerNorm):
    def _normalized(self, x, places, *, training):
        y = super()._normalized(x, places, training=training)
        return (x - x.mean()) / np.sqrt(x.var() + self.eps) if len(x) > 1 else y
