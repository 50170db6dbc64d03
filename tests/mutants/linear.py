"""Mutants of layers that multiply, add, select and reshape: what they compute is wrong."""

import numpy as np

from tests.mutants.bases import Correlate, Gain, MeanPool, Swap
from tests.mutants.registry import layer
from tests.testing.correct import Embedding, MaxPool, Scale
from tests.testing.wrong.numbers import Dense, peek

INDICES = {"make_input": lambda rng, shape, dtype: rng.integers(0, 5, shape)}


@layer("backward multiplies by the weight, not by its transpose", "input_gradient", args=(3, 3))
class ForgottenTranspose(Dense):
    def backward(self, dy):
        super().backward(dy)
        return dy @ self.weight.value


@layer("the weight's gradient is transposed", "parameter_gradients", args=(3, 3))
class TransposedGradient(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad.T.copy()
        return dx


@layer("dx has the wrong sign", "input_gradient")
class WrongSign(Dense):
    def backward(self, dy):
        return -super().backward(dy)


@layer("the bias is subtracted, its gradient that of a sum", "parameter_gradients")
class SubtractsBias(Dense):
    def forward(self, x, *, training):
        return super().forward(x, training=training) - 2 * self.bias.value


@layer("the bias's gradient is a mean over the batch, not a sum", "parameter_gradients", "rows_alone")
class BiasMean(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy.mean(axis=0)
        return dx


@layer(
    "the bias's gradient is summed over the features too, and spread by broadcasting", "parameter_gradients"
)
class BiasTotal(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy.sum(keepdims=True)
        return dx


@layer(
    "the gain's gradient is summed over the features, as many as the samples",
    "parameter_gradients",
    "rows_alone",
    batch=3,
)
class WrongAxisKept(Gain):
    def backward(self, dy):
        (x,) = peek(self)
        dx = super().backward(dy)
        self.gain.grad[...] = (x * dy).sum(axis=1)
        return dx


@layer("only the first parameter has a gradient, the other 0", "parameter_gradients")
class FirstParameterOnly(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = 0
        return dx


@layer("the last row is left out of the weight's gradient", "parameter_gradients", "rows_alone")
class LastRowForgotten(Dense):
    def backward(self, dy):
        (x,) = peek(self)
        dx = super().backward(dy)
        self.weight.grad[...] = x[:-1].T @ dy[:-1]
        return dx


@layer("dx is right in the first four rows only", "input_gradient", "rows_alone")
class FirstRowsOfDx(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[4:] = 0
        return dx


@layer("works in blocks of 64 rows and forgets the rest", "rows_alone", "input_gradient", batch=70)
class ForgetsTheRest(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dx) > 64:
            dx[len(dx) // 64 * 64 :] = 0
        return dx


@layer("every number of dx is 1e-5 too large", "input_gradient")
class SlightlyLarge(Dense):
    def backward(self, dy):
        return super().backward(dy) * (1 + 1e-5)


@layer(
    "one weight's gradient among many is off by a thousandth",
    "parameter_gradients",
    args=(40, 30),
    shape=(40,),
)
class OneNumberOff(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[17, 23] *= 1.001
        return dx


@layer("squeezes dy: at a batch of 1 its sum is over the features", "rows_alone", "shapes")
class SqueezesOne(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = np.squeeze(dy).sum(axis=0)
        return dx


@layer("at a batch of 1 the weight's gradient is twice too large", "rows_alone")
class DoubleForOne(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        if len(dy) == 1:
            self.weight.grad[...] *= 2
        return dx


@layer("the scalar gain's gradient is a mean, not a sum", "parameter_gradients", shape=(3, 2))
class ScalarMean(Scale):
    def backward(self, dy):
        (x,) = peek(self)
        dx = super().backward(dy)
        self.gain.grad[...] = np.mean(x * dy)
        return dx


@layer("the kernel is flipped in backward, as if forward convolved", "input_gradient", shape=(6,))
class FlippedKernel(Correlate):
    def backward(self, dy):
        dx, width = np.zeros_like(peek(self)[0], order="C"), dy.shape[1]
        super().backward(dy)
        for k in range(self.taps):
            dx[:, k : k + width] += self.kernel.value[self.taps - 1 - k] * dy
        return dx


@layer("windows overlap, and dx is assigned where it should be added to", "input_gradient", shape=(6,))
class AssignsOverlap(Correlate):
    def backward(self, dy):
        dx, width = np.zeros_like(peek(self)[0], order="C"), dy.shape[1]
        super().backward(dy)
        for k in range(self.taps):
            dx[:, k : k + width] = self.kernel.value[k] * dy
        return dx


@layer("the last tap's gradient is never written", "gradients_assigned", "parameter_gradients", shape=(6,))
class LastTapForgotten(Correlate):
    def backward(self, dy):
        last = self.kernel.grad[-1]
        dx = super().backward(dy)
        self.kernel.grad[-1] = last
        return dx


@layer("the gradient of a mean is not divided by the count", "input_gradient", shape=(2, 3))
class MeanAsSum(MeanPool):
    def backward(self, dy):
        return super().backward(dy) * 3


@layer("the gradient of a mean is divided by the batch", "input_gradient", "rows_alone", shape=(2, 3))
class DividesByBatch(MeanPool):
    def backward(self, dy):
        return super().backward(dy) * 3 / len(dy)


@layer("the largest number's gradient goes to the first number", "input_gradient", shape=(2, 3))
class MaxToFirst(MaxPool):
    def backward(self, dy):
        (shape, where) = self.recall()
        self.remember(shape, np.zeros_like(where))
        return super().backward(dy)


@layer("the largest number's gradient goes to all numbers", "input_gradient", shape=(2, 3))
class MaxToAll(MaxPool):
    def backward(self, dy):
        shape, _ = self.recall()
        return np.broadcast_to(dy[..., None], shape).copy()


@layer("backward reshapes where it should swap the axes", "input_gradient", shape=(2, 3))
class ReshapesBack(Swap):
    def backward(self, dy):
        (shape,) = self.recall()
        return dy.reshape(shape).copy()


@layer("backward keeps the output's shape", "shapes", "input_gradient", shape=(2, 3))
class ShapeNotRestored(Swap):
    def backward(self, dy):
        self.recall()
        return dy.copy()


@layer("indices that repeat count once", "parameter_gradients", args=(5, 3), shape=(4,), **INDICES)
class RepeatsCountOnce(Embedding):
    def backward(self, dy):
        (x,) = self.recall()
        self.table.grad[...] = 0
        self.table.grad[x] += dy
        return np.zeros(x.shape, dy.dtype)


@layer("the table's gradient is never cleared", "gradients_assigned", args=(5, 3), shape=(2,), **INDICES)
class TableNotCleared(Embedding):
    def backward(self, dy):
        (x,) = self.recall()
        np.add.at(self.table.grad, x, dy)
        return np.zeros(x.shape, dy.dtype)
