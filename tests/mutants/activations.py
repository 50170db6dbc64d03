"""Mutants of activations and softmaxes."""

import numpy as np

from minidl import ReLU
from tests.mutants.bases import Gelu, LeakyReLU, LogSoftmax, Sigmoid
from tests.mutants.registry import layer
from tests.testing.correct import MaxPool, Softmax, Tanh


@layer("the derivative is taken of the input, not of the output", "input_gradient")
class DerivativeOfInput(Sigmoid):
    def backward(self, dy):
        x, _ = self.recall()
        return dy * x * (1 - x)


@layer("1 - y, not 1 - y squared", "input_gradient")
class ForgottenSquare(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        return dy * (1 - np.sqrt(1 - slope))


@layer("forgets the upstream gradient", "input_gradient", "linear_in_dy")
class ForgottenUpstream(Sigmoid):
    def backward(self, dy):
        _, y = self.recall()
        return y * (1 - y)


@layer("the slope is that of the other side", "input_gradient")
class SlopesSwapped(LeakyReLU):
    def backward(self, dy):
        (positive,) = self.recall()
        return np.where(positive, dy * self.slope, dy)


@layer("the negative side's slope is 0 in backward", "input_gradient")
class ForgottenSlope(LeakyReLU):
    def backward(self, dy):
        (positive,) = self.recall()
        return np.where(positive, dy, 0)


@layer("a constant rounded to five digits in backward", "input_gradient")
class RoundedConstant(Gelu):
    def backward(self, dy):
        x, t = self.recall()
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.79788 * (1 + 0.134145 * x * x))


@layer("forgets the factor 3 of the cube's derivative", "input_gradient")
class ForgottenThree(Gelu):
    def backward(self, dy):
        x, t = self.recall()
        return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * self.factor * (1 + 0.044715 * x * x))


@layer("the gradient is cut off at 2 per number", "linear_in_dy")
class ClipsItsGradient(Tanh):
    def backward(self, dy):
        return np.clip(super().backward(dy), -2, 2)


@layer("fmax takes NaN for 0", "nan_comes_through")
class NanToZero(ReLU):
    def forward(self, x, *, training):
        return super().forward(np.fmax(x, 0), training=training)


@layer("nan_to_num in training alone", "nan_comes_through")
class NanHiddenInTraining(Sigmoid):
    def forward(self, x, *, training):
        return super().forward(np.nan_to_num(x) if training else x, training=training)


@layer("nanmax takes the next largest for NaN", "nan_comes_through", shape=(2, 3))
class NanPassedOver(MaxPool):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return np.where(np.isnan(y), np.nanmax(x, axis=-1), y)


@layer("y * dy: no Jacobian at all", "input_gradient")
class ElementwiseSoftmax(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return y * dy


@layer("backward's sum runs over the batch", "input_gradient", "rows_alone")
class SoftmaxSumsOverBatch(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return y * (dy - np.sum(dy * y, axis=0, keepdims=True))


@layer("softmax over the batch, forward and backward alike", "rows_alone")
class SoftmaxOverBatch(Softmax):
    def forward(self, x, *, training):
        return super().forward(x.T, training=training).T

    def backward(self, dy):
        return super().backward(dy.T).T


@layer(
    "exponentials without the maximum subtracted overflow",
    "finite",
    make_input=lambda rng, shape, dtype: 2000 * rng.standard_normal(shape).astype(dtype),
)  # fmt: skip
class SoftmaxOverflows(Softmax):
    def forward(self, x, *, training):
        y = np.exp(x)
        y /= y.sum(axis=-1, keepdims=True)
        if training:
            self.remember(y)
        return y


@layer("the sum over dy is left out", "input_gradient")
class LogSoftmaxWithoutSum(LogSoftmax):
    def backward(self, dy):
        (p,) = self.recall()
        return dy - p * dy


@layer("the derivative at exactly 0 is 1, not 0", "input_gradient")
class FiresAtZero(ReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(x >= 0)
        return y


@layer("the mask is that of the negative side", "input_gradient")
class WrongSide(ReLU):
    def backward(self, dy):
        (fires,) = self.recall()
        return dy * ~fires


@layer("the mask is >= of the output, true everywhere", "input_gradient")
class AlwaysFires(ReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(y >= 0)
        return y


@layer("the mask is taken of dy", "input_gradient", "linear_in_dy")
class MaskOfUpstream(ReLU):
    def backward(self, dy):
        self.recall()
        return dy * (dy > 0)
