"""Mutants of layers made of layers."""

import numpy as np

from minidl import Affine, Flatten, Layer, Sequential
from minidl.layers import Tanh
from tests.mutants.bases import Concat, Gate
from tests.mutants.registry import layer
from tests.testing.correct import Residual
from tests.testing.wrong.numbers import peek


def affine(rng, dtype):
    return (Affine(3, 3, rng=rng, dtype=dtype),)


def chain(rng, dtype):
    return (*affine(rng, dtype), Tanh(), *affine(rng, dtype), Tanh())


def pair(rng, dtype):
    return (Affine(3, 3, rng=rng, dtype=dtype), Sequential(Affine(3, 3, rng=rng, dtype=dtype), Tanh()))


def uneven(rng, dtype):
    return (Affine(3, 2, rng=rng, dtype=dtype), Affine(3, 4, rng=rng, dtype=dtype))


def flat(rng, dtype):
    return (Flatten(),)


@layer("backward_parameters skips a layer", "backward_parameters", args=chain)
class SkipsALayer(Sequential):
    def backward_parameters(self, dy):
        for part in reversed(self.layers[1:]):
            dy = part.backward(dy)
        self.layers[0].forget()


@layer("backward runs the layers in forward order", "input_gradient", args=chain)
class ForwardOrder(Sequential):
    def backward(self, dy):
        for part in self.layers:
            dy = part.backward(dy)
        return dy


@layer("hands every layer the same dy", "input_gradient", "parameter_gradients", args=chain)
class SameUpstream(Sequential):
    def backward(self, dy):
        return [part.backward(dy) for part in reversed(self.layers)][-1]


@layer("inference leaves the last layer out", "inference_is_training", args=chain)
class InfersWithoutLast(Sequential):
    def forward(self, x, *, training):
        for part in self.layers if training else self.layers[:-1]:
            x = part.forward(x, training=training)
        return x


@layer("inference of its layers is training", "inference_pure", "inference_between", args=chain)
class TrainsInInference(Sequential):
    def forward(self, x, *, training):
        return super().forward(x, training=True)


@layer("adds x into the child's output, which may be x", "arguments_kept", args=flat)
class AddsIntoChild(Residual):
    def forward(self, x, *, training):
        y = self.inner.forward(x, training=training)
        y += x
        return y


@layer("adds dy into the child's dx, which may be dy", "arguments_kept", args=flat)
class AddsIntoGradient(Residual):
    def backward(self, dy):
        dx = self.inner.backward(dy)
        dx += dy
        return dx


@layer("dx is dy alone: the child's is dropped", "input_gradient", args=affine)
class DropsTheChild(Residual):
    def backward(self, dy):
        self.inner.backward(dy)
        return dy.copy()


@layer("adds x in training alone", "inference_is_training", args=affine)
class NoShortcutInInference(Residual):
    def forward(self, x, *, training):
        y = self.inner.forward(x, training=training)
        return x + y if training else y


@layer("backward_parameters does nothing", "backward_parameters", args=affine)
class ChildNeverLearns(Residual):
    def backward_parameters(self, dy):
        self.inner.forget()


@layer("the child's dy is doubled, its dx too", "input_gradient", "parameter_gradients", args=affine)
class DoublesTheBranch(Residual):
    def backward(self, dy):
        return self.inner.backward(2 * dy) + dy


@layer(
    "splits dy in the middle, not where the outputs meet: the children refuse it",
    "shapes",
    args=uneven,
)
class SplitsInTheMiddle(Concat):
    def backward(self, dy):
        self.recall()
        self.remember(dy.shape[1] // 2)
        return super().backward(dy)


@layer("gives the children each other's part of dy", "input_gradient", "parameter_gradients", args=pair)
class SwapsTheParts(Concat):
    def backward(self, dy):
        (width,) = peek(self)
        return super().backward(np.concatenate([dy[:, width:], dy[:, :width]], axis=1))


@layer("dx is the second child's alone", "input_gradient", args=pair)
class LastChildOnly(Concat):
    def backward(self, dy):
        (width,) = self.recall()
        self.first.backward(dy[:, :width])
        return self.second.backward(dy[:, width:])


@layer("averages the children's dx", "input_gradient", args=pair)
class AveragesChildren(Concat):
    def backward(self, dy):
        return super().backward(dy) / 2


@layer("backward_parameters forgets the second child", "backward_parameters", args=pair)
class ForgetsSecondChild(Concat):
    def backward_parameters(self, dy):
        (width,) = self.recall()
        self.first.backward_parameters(dy[:, :width])


@layer(
    "adds the second child's dx into the first's, which may be dy",
    "arguments_kept",
    args=lambda r, d: (Flatten(), *affine(r, d)),
)
class AddsIntoFirst(Concat):
    def backward(self, dy):
        (width,) = self.recall()
        dx = self.first.backward(dy[:, :width])
        dx += self.second.backward(dy[:, width:])
        return dx


@layer("trains the second child in inference", "inference_pure", "inference_between", args=pair)
class SecondAlwaysTrains(Concat):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        parts = self.first.forward(x, training=False), self.second.forward(x, training=True)
        return np.concatenate(parts, axis=1)


@layer("the product rule without the other factor", "input_gradient", "parameter_gradients", args=pair)
class NoProductRule(Gate):
    def backward(self, dy):
        self.recall()
        return self.first.backward(dy) + self.second.backward(dy)


@layer(
    "the factors are multiplied back the wrong way round", "input_gradient", "parameter_gradients", args=pair
)
class FactorsSwapped(Gate):
    def backward(self, dy):
        left, right = self.recall()
        return self.first.backward(dy * left) + self.second.backward(dy * right)


@layer("runs its child twice, which remembers once", "input_gradient", "parameter_gradients", args=affine)
class RunsTwice(Layer):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x, *, training):
        return self.inner.forward(self.inner.forward(x, training=training).copy(), training=training)

    def backward(self, dy):
        return self.inner.backward(dy)


@layer("nothing goes back through a frozen child", "frozen_parameters", args=affine)
class CutsFrozenBranch(Residual):
    def backward(self, dy):
        if all(parameter.frozen for _, parameter in self.inner.named_parameters()):
            self.inner.forget()
            return dy.copy()
        return super().backward(dy)


@layer("children kept in a list are never registered", "saved_and_loaded", "parameter_views", args=())
class ListedChildren(Layer):
    def __init__(self, *, rng=None, dtype=np.float32):
        self.dtype = dtype
        self.parts = [Affine(3, 3, rng=rng, dtype=dtype), Tanh()]

    def forward(self, x, *, training):
        for part in self.parts:
            x = part.forward(x, training=training)
        return x

    def backward(self, dy):
        for part in reversed(self.parts):
            dy = part.backward(dy)
        return dy
