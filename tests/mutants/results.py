"""Mutants whose calls give nothing, or something of another kind or shape, or no finite numbers."""

import numpy as np

from minidl.layers import LeakyReLU
from tests.mutants.bases import CrossEntropy, Gain, MeanPool
from tests.mutants.registry import layer, loss
from tests.testing import textbook


@layer("forward has no return", "shapes")
class NoOutput(LeakyReLU):
    def forward(self, x, *, training):
        super().forward(x, training=training)


@layer("inference has no return", "shapes")
class NoInference(LeakyReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            return y


@layer("backward has no return", "shapes")
class NoGradient(Gain):
    def backward(self, dy):
        super().backward(dy)


@layer("forward gives a list", "shapes")
class GivesAList(LeakyReLU):
    def forward(self, x, *, training):
        return super().forward(x, training=training).tolist()


@layer("forward gives the output and what it remembers", "shapes")
class GivesAPair(LeakyReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return (y, x) if training else y


@layer("keeps an axis in inference that training drops", "shapes", shape=(2, 3))
class KeepsTheAxis(MeanPool):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else y[..., None]


@layer("the logarithm of an exponential that overflows in float32", "finite",
       make_input=lambda rng, shape, dtype: (200 * rng.standard_normal(shape)).astype(dtype))  # fmt: skip
class OverflowsInFloat32(textbook.Textbook):
    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return np.log(1 + np.exp(x))

    def backward(self, dy):
        (x,) = self.recall()
        return dy / (1 + np.exp(-x))


@layer("0 / 0 in backward, where a feature is far below 0", "finite",
       make_input=lambda rng, shape, dtype: (2000 * rng.standard_normal(shape)).astype(dtype))  # fmt: skip
class NanInBackward(textbook.Sigmoid):
    def backward(self, dy):
        (y,) = self.recall()
        return dy * y * y * (1 / y - 1)


@loss("backward has no return", "shapes")
class NoScoresGradient(CrossEntropy):
    def backward(self):
        super().backward()


@loss("backward gives one number a sample", "shapes")
class GradientPerSample(CrossEntropy):
    def backward(self):
        return super().backward().sum(axis=1)


@loss("the losses of the samples, not their mean", "training_and_inference")
class LossPerSample(CrossEntropy):
    def forward(self, scores, targets, *, training):
        return np.full(len(scores), super().forward(scores, targets, training=training))


@loss("forward has no return", "training_and_inference")
class NoLoss(CrossEntropy):
    def forward(self, scores, targets, *, training):
        super().forward(scores, targets, training=training)


@loss("predictions are a column", "shapes")
class PredictsAColumn(CrossEntropy):
    def predict(self, scores):
        return super().predict(scores)[:, None]
