"""Mutants that mishandle their parameters."""

import numpy as np

from minidl import Affine, Layer, Parameter
from minidl.initializers import he_normal, ones
from tests.mutants.registry import layer
from tests.testing.correct import LayerNorm
from tests.testing.wrong.numbers import Dense

SIZES = {"args": (3, 2)}


@layer("inference gives a view of the parameters", "inference_gives")
class GivesItsParameters(Layer):
    def __init__(self, *, rng=None, dtype=np.float32):
        self.dtype = dtype
        self.constant = Parameter((8, 3), he_normal, rng=rng, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(len(x))
            return x + self.constant.value[0]
        return self.constant.value[: len(x)] if len(x) <= 8 else np.resize(self.constant.value, x.shape)

    def backward(self, dy):
        self.recall()
        self.constant.grad[...] = 0
        self.constant.grad[0] = dy.sum(axis=0)
        return dy.copy()


@layer("a value is replaced at every forward", "parameter_views", "deep_copies", **SIZES)
class ReplacesValue(Affine):
    def forward(self, x, *, training):
        if training:
            object.__setattr__(self.weight, "value", self.weight.value.copy())
        return super().forward(x, training=training)


@layer("the gradient's array is replaced", "parameter_views", "gradients_assigned", **SIZES)
class ReplacesGradient(Affine):
    def backward_parameters(self, dy):
        super().backward_parameters(dy)
        object.__setattr__(self.bias, "grad", self.bias.grad.copy())


@layer("weights kept in a list are never registered", "saved_and_loaded", "parameter_views", args=())
class ListedWeights(Layer):
    def __init__(self, *, rng=None, dtype=np.float32):
        self.dtype = dtype
        self.weights = [Parameter((3, 3), he_normal, rng=rng, dtype=dtype)]

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x @ self.weights[0].value

    def backward(self, dy):
        (x,) = self.recall()
        self.weights[0].grad[...] = x.T @ dy
        return dy @ self.weights[0].value.T


@layer("keeps the array of its weight from construction", "parameter_views", "deep_copies", **SIZES)
class KeepsTheArray(Affine):
    def __init__(self, in_features, out_features, *, rng=None, dtype=np.float32):
        super().__init__(in_features, out_features, rng=rng, dtype=dtype)
        self.w = self.weight.value

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y + x @ (self.w - self.weight.value)


@layer("backward decays the weight", "repeatable", "gradients_assigned")
class DecaysInBackward(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.value[...] *= 0.999
        return dx


@layer(
    "the gradient by a parameter goes to a copy made before packing", "parameter_views", "gradients_assigned"
)
class KeepsTheGradient(Dense):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=dtype)
        self.into = self.bias.grad

    def backward(self, dy):
        held = self.bias.grad.copy()
        dx = super().backward(dy)
        self.bias.grad[...] = held
        self.into[...] = dy.sum(axis=0)
        return dx


@layer("clears the gradient by multiplying it by 0, which keeps NaN", "gradients_assigned")
class ZeroTimesNan(Dense):
    def backward(self, dy):
        held = self.bias.grad * 0
        dx = super().backward(dy)
        self.bias.grad[...] += held
        return dx


@layer("gains kept in a list are never registered", "parameter_views", "saved_and_loaded", args=(3,))
class ListedGains(LayerNorm):
    def __init__(self, features, *, dtype=np.float32):
        super().__init__(features, dtype=dtype)
        self.extra = [Parameter((features,), ones, dtype=dtype)]

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y * self.extra[0].value

    def backward(self, dy):
        return super().backward(dy * self.extra[0].value)


@layer("a frozen weight takes its bias along", "frozen_parameters")
class FreezesBoth(Dense):
    def backward(self, dy):
        before = self.bias.grad.copy()
        dx = super().backward(dy)
        if self.weight.frozen:
            self.bias.grad[...] = before
        return dx


@layer("a frozen gain is taken for 1", "frozen_parameters", args=(3,))
class FrozenGainIsOne(LayerNorm):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return (y - self.shift.value) / self.gain.value + self.shift.value if self.gain.frozen else y


@layer("as the first layer, it assigns nothing once anything is frozen", "frozen_parameters")
class FreezesTheFirst(Dense):
    def backward_parameters(self, dy):
        if self.weight.frozen or self.bias.frozen:
            self.forget()
        else:
            super().backward_parameters(dy)
