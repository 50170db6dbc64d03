"""Mutants of dropout."""

import numpy as np

from minidl.checks import as_generator
from minidl.layers import Dropout
from tests.mutants.registry import layer


@layer("backward draws another mask", "input_gradient", args=(0.5,))
class OtherMask(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * (self.generator.random(mask.shape) >= self.p) / (1 - self.p)


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
        return x * (self.generator.random(x.shape) >= self.p)


@layer("draws from its generator in inference and throws the draws away", "inference_pure", args=(0.5,))
class DrawsForNothing(Dropout):
    def forward(self, x, *, training):
        if not training:
            self.generator.random(x.shape)
        return super().forward(x, training=training)


@layer("draws from NumPy's global stream", "reproducible", args=(0.5,))
class GlobalStream(Dropout):
    def __init__(self, p, *, rng=None):
        self.p = p

    def forward(self, x, *, training):
        if not training:
            return x
        self.remember((np.random.random(x.shape) >= self.p).astype(x.dtype) * 2)  # noqa: NPY002
        return x * self._remembered[0]


@layer("draws one mask for good, at the first batch's shape", "rows_alone", "batch_sizes", args=(0.5,))
class OneMaskForGood(Dropout):
    def forward(self, x, *, training):
        if not training:
            return x
        mask = as_generator(0).random((64, *x.shape[1:]))[: len(x)] >= self.p
        self.remember(mask.astype(x.dtype) * 2)
        return x * self._remembered[0]


@layer("a generator shared by all instances of the class", "reproducible", "inference_pure", args=(0.5,))
class SharedGenerator(Dropout):
    stream = np.random.default_rng(0)

    def __init__(self, p, *, rng=None):
        self.p, self.generator = p, self.stream


@layer("neither forward nor backward rescales what is kept", "inference_is_training", args=(0.5,))
class NeverRescales(Dropout):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            y *= 1 - self.p
            self._remembered[0][...] *= 1 - self.p
        return y


@layer("backward divides by p, not by 1 - p", "input_gradient", args=(0.2,))
class FactorOfTheDropped(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * (mask > 0) / self.p


@layer("the mask is drawn in float64", "dtype", args=(0.5,))
class MaskInFloat64(Dropout):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y * np.ones(x.shape) if training else y


@layer("inference multiplies by what is kept, as dropout that is not inverted does", "inference_repeats",
       "inference_is_training", "inference_pure", args=(0.0,))  # fmt: skip
class RescalesInference(Dropout):
    def forward(self, x, *, training):
        if training:
            self.remember(np.ones_like(x))
            return x.copy()
        return x * 0.5


@layer("one mask for the whole batch in backward", "input_gradient", "batch_sizes", args=(0.5,))
class FirstRowsMask(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        return dy * mask[:1]


@layer("the mask is dropped after the forward, and drawn again", "input_gradient", args=(0.5,))
class DrawsAgain(Dropout):
    def backward(self, dy):
        (mask,) = self.recall()
        self.remember(mask)
        self.forward(dy, training=True)
        return dy * self.recall()[0]


@layer("what is dropped is put to 0, and NaN with it, in inference too", "nan_comes_through", args=(0.5,))
class DropsNan(Dropout):
    def forward(self, x, *, training):
        return super().forward(np.nan_to_num(x), training=training)


@layer("p is kept as what is kept", "config", args=(0.3,))
class KeepsTheComplement(Dropout):
    def __init__(self, p, *, rng=None):
        super().__init__(1 - p, rng=rng)


@layer("every training forward seeds its stream anew", "input_gradient", "rows_alone", "repeatable",
       "reproducible", "batch_sizes", args=(0.5,))  # fmt: skip
class SeedsAnew(Dropout):
    def forward(self, x, *, training):
        if training:
            self.generator.bit_generator.state = np.random.default_rng().bit_generator.state
        return super().forward(x, training=training)


@layer("works in x in training", "arguments_kept", args=(0.5,))
class DropsInPlace(Dropout):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            x[...] = y
        return y
