"""Mutants of dropout."""

import numpy as np

from minidl.checks import as_generator
from tests.mutants.registry import layer
from tests.testing.correct import Dropout


@layer("backward draws another mask", "input_gradient", args=(0.5,))
class OtherMask(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * (self.generator.random(mask.shape) >= self.rate) / (1 - self.rate)


@layer("backward forgets to rescale", "input_gradient", args=(0.5,))
class ForgetsToRescale(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * (mask > 0)


@layer("at a batch of 1 backward lets everything through", "input_gradient", args=(0.5,), shape=(6,))
class LetsOneThrough(Dropout):
    def backward(self, dy):
        dx = super().backward(dy)
        return dy.copy() if len(dy) == 1 else dx


@layer("backward lets everything through", "input_gradient", args=(0.5,))
class DropsForwardOnly(Dropout):
    def backward(self, dy):
        self.recall()
        return dy.copy()


@layer("drops in inference too", "inference_repeats", "inference_pure", args=(0.5,))
class DropsInInference(Dropout):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return x * (self.generator.random(x.shape) >= self.rate)


@layer("draws from its generator in inference and throws the draws away", "inference_pure", args=(0.5,))
class DrawsForNothing(Dropout):
    def forward(self, x, *, training):
        if not training:
            self.generator.random(x.shape)
        return super().forward(x, training=training)


@layer("draws from NumPy's global stream", "reproducible", args=(0.5,))
class GlobalStream(Dropout):
    def __init__(self, rate, *, rng=None):
        self.rate = rate

    def forward(self, x, *, training):
        if not training:
            return x
        self.remember((np.random.random(x.shape) >= self.rate).astype(x.dtype) * 2)  # noqa: NPY002
        return x * self._remembered[0]


@layer("draws one mask for good, at the first batch's shape", "rows_alone", "batch_sizes", args=(0.5,))
class OneMaskForGood(Dropout):
    def forward(self, x, *, training):
        if not training:
            return x
        mask = as_generator(0).random((64, *x.shape[1:]))[: len(x)] >= self.rate
        self.remember(mask.astype(x.dtype) * 2)
        return x * self._remembered[0]


@layer("a generator shared by all instances of the class", "reproducible", "inference_pure", args=(0.5,))
class SharedGenerator(Dropout):
    stream = np.random.default_rng(0)

    def __init__(self, rate, *, rng=None):
        self.rate, self.generator = rate, self.stream


@layer("neither forward nor backward rescales what is kept", "inference_is_training", args=(0.5,))
class NeverRescales(Dropout):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            y *= 1 - self.rate
            self._remembered[0][...] *= 1 - self.rate
        return y
