"""Mutants of softmax and its logarithm."""

import numpy as np

from minidl.layers import LogSoftmax, Softmax
from tests.mutants.registry import layer


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
        (probabilities,) = self.recall()
        return dy - probabilities * dy


@layer("the Jacobian's diagonal alone", "input_gradient")
class DiagonalAlone(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return dy * y * (1 - y)


@layer("backward leaves out the factor y", "input_gradient")
class ForgottenFactor(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return dy - np.sum(dy * y, axis=-1, keepdims=True)


@layer("the sum is subtracted after the multiplication", "input_gradient")
class SumNotWeighted(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return dy * y - np.sum(dy * y, axis=-1, keepdims=True)


@layer("the mean over the row stands for the sum", "input_gradient")
class MeanForSum(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return y * (dy - np.mean(dy * y, axis=-1, keepdims=True))


@layer("remembers x where backward wants y", "input_gradient")
class RemembersScores(Softmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(x)
        return y


@layer("works in the output that it has lent", "lent_until_next_forward")
class ReturnsItsOutput(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        y *= dy - np.sum(dy * y, axis=-1, keepdims=True)
        return y


@layer("subtracts each row's maximum in x itself", "arguments_kept")
class ShiftsInPlace(Softmax):
    def forward(self, x, *, training):
        x -= x.max(axis=-1, keepdims=True)
        return super().forward(x, training=training)


@layer("subtracts the maximum of the batch, and rows far below it vanish", "finite",
       make_input=lambda rng, shape, dtype: (2000 * rng.standard_normal(shape)).astype(dtype))  # fmt: skip
class MaximumOfAllRows(Softmax):
    def forward(self, x, *, training):
        y = np.exp(x - x.max())
        y /= y.sum(axis=-1, keepdims=True)
        if training:
            self.remember(y)
        return y


@layer("over all of a sample's axes in inference, over the last in training", "inference_is_training",
       shape=(2, 3))  # fmt: skip
class FlatInInference(Softmax):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return super().forward(x.reshape(len(x), -1), training=False).reshape(x.shape)


@layer("backward has the first row's sum for all rows", "input_gradient", "rows_alone")
class SumOfFirstRow(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        sums = np.sum(dy * y, axis=-1, keepdims=True)
        return y * (dy - sums[:1])


@layer("nan_to_num hides a row that has become NaN", "nan_comes_through")
class UniformForNan(Softmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return np.where(np.isnan(y), 1 / x.shape[-1], y)


@layer("the logarithm of a softmax that has become 0", "finite",
       make_input=lambda rng, shape, dtype: (2000 * rng.standard_normal(shape)).astype(dtype))  # fmt: skip
class LogOfSoftmax(LogSoftmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return np.log(np.exp(y))


@layer("a small number keeps the logarithm finite, in training alone", "inference_is_training",
       "input_gradient")  # fmt: skip
class LogOfSoftmaxPlusEpsilon(LogSoftmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return np.log(np.exp(y) + 1e-3) if training else y


@layer("the logarithms stand for the probabilities in backward", "input_gradient")
class LogarithmsForProbabilities(LogSoftmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.remember(y.copy())
        return y


@layer("the sum is that of the probabilities times dy", "input_gradient")
class SoftmaxsSum(LogSoftmax):
    def backward(self, dy):
        (probabilities,) = self.recall()
        return dy - probabilities * np.sum(dy * probabilities, axis=-1, keepdims=True)


@layer("the sum of dy runs over the batch", "input_gradient", "rows_alone")
class LogSoftmaxSumsOverBatch(LogSoftmax):
    def backward(self, dy):
        (probabilities,) = self.recall()
        return dy - probabilities * np.sum(dy, axis=0, keepdims=True)


@layer("float32 in the exponentials, whatever x is", "precision")
class LogSoftmaxInFloat32(LogSoftmax):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return x - (x - y).astype(np.float32)
