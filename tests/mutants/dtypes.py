"""Mutants that leave their dtype."""

import numpy as np

from minidl.layers import Dropout, Sigmoid
from tests.mutants.registry import layer
from tests.testing.correct import LayerNorm
from tests.testing.wrong.numbers import Dense


@layer("the bias's sum is added up in float32", "precision")
class NarrowSum(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.bias.grad[...] = dy.sum(axis=0, dtype=np.float32)
        return dx


@layer("multiplies by the weight in float32", "precision")
class NarrowWeight(Dense):
    def forward(self, x, *, training):
        narrow = self.weight.value.astype(np.float32).astype(x.dtype)
        return super().forward(x, training=training) + x @ (narrow - self.weight.value)


@layer("infers in float32", "inference_is_training", "precision")
class NarrowInference(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else y.astype(np.float32).astype(x.dtype)


@layer("a float32 layer rounds to float16", "dtype")
class HalfPrecision(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if y.dtype == np.float64 else y.astype(np.float16).astype(np.float32)


@layer("dx is float64 whatever comes", "dtype")
class WideBackward(Sigmoid):
    def backward(self, dy):
        return super().backward(dy).astype(np.float64)


@layer("inference gives float64", "dtype")
class WideInference(Sigmoid):
    def forward(self, x, *, training):
        return super().forward(x if training else x.astype(np.float64), training=training)


@layer("its parameters are float32 whatever is asked for", "dtype", args=())
class IgnoresItsDtype(Dense):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=np.float32)


@layer("a float64 epsilon array widens float32", "dtype", args=(3,), shape=(2, 3))
class WideEpsilon(LayerNorm):
    epsilon = np.array([1e-5])


@layer("the deviation is computed in float32", "precision", args=(3,), shape=(2, 3))
class NarrowDeviation(LayerNorm):
    def forward(self, x, *, training):
        if not training:
            return super().forward(x, training=False)
        deviation = np.sqrt(x.astype(np.float32).var(axis=-1, keepdims=True) + self.epsilon).astype(x.dtype)
        normal = (x - x.mean(axis=-1, keepdims=True)) / deviation
        self.remember(normal, deviation)
        return normal * self.gain.value + self.shift.value


@layer("the mask becomes float64", "dtype", args=(0.5,))
class WideMask(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * mask.astype(np.float64)
