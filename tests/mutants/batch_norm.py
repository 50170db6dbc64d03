"""Mutants of batch norms whose gradients are wrong."""

import numpy as np

from minidl.layers import BatchNorm1d, BatchNorm2d
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import peek

OVER_BATCH = {"args": (2,), "shape": (2, 3), "batch_independent": False}


class _Pieces:
    """What backward needs, as (N, C, L)."""

    def pieces(self, dy):
        _, x, (mean, rest, _, inverse) = peek(self)
        type(self).__mro__[1].backward(self, dy)
        normal = (x - mean[:, None] - rest[:, None]) * inverse[:, None]
        return dy.reshape(x.shape), normal, (self.weight.value * inverse)[:, None]

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
    def _backward(self, *arguments):
        kept = [part.grad.copy() for part in (self.weight, self.bias)]
        super()._backward(*arguments)
        for part, before in zip((self.weight, self.bias), kept, strict=True):
            part.grad[...] += before


@layer("a frozen weight counts as 1 in dx", "frozen_parameters", **OVER_BATCH)
class FrozenWeightIsOne(BatchNorm1d):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx / self.weight.value[:, None] if self.weight.frozen else dx
