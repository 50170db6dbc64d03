"""Layers that keep, share or forget something they should not, one slip each."""

import copy

import numpy as np

from minidl import Sequential
from minidl.layers import Dropout, Tanh
from tests.testing import textbook
from tests.testing.correct import LayerNorm, Residual
from tests.testing.wrong.numbers import Dense


class KeepsFirst(Dense):
    def remember(self, *values):
        if self._remembered is None:
            super().remember(*values)


class BackwardTwice(Dense):
    def recall(self):
        values = super().recall()
        self.remember(*values)
        return values


class CachesInInference(Dense):
    def forward(self, x, *, training):
        self.remember(x)
        return x @ self.weight.value + self.bias.value


class CountsCalls(Dense):
    calls = 0

    def forward(self, x, *, training):
        self.calls += 1
        return super().forward(x, training=training)


class InfersInWorkspace(Dense):
    def forward(self, x, *, training):
        y = np.matmul(x, self.weight.value, out=self.buffer("y", (len(x), 2), x.dtype))
        y += self.bias.value
        if training:
            self.remember(x)
        return y


_SHARED = {}


class SharedScratch(Dense):
    """Keeps its sums in a module-level array: threads meet there."""

    def forward(self, x, *, training):
        scratch = _SHARED.setdefault((x.shape, x.dtype), np.empty((len(x), 2), x.dtype))
        np.matmul(x, self.weight.value, out=scratch)
        scratch += self.bias.value
        if training:
            self.remember(x)
        for _ in range(20):
            sum(range(20))
        return scratch.copy()


class SharedCache(Dense):
    """Keeps its cache on the class."""

    def forward(self, x, *, training):
        if training:
            SharedCache.held = x
        return super().forward(x, training=training)

    def backward(self, dy):
        super().backward(dy)
        self.weight.grad[...] = SharedCache.held[: len(dy)].T @ dy
        return dy @ self.weight.value.T


class Transposed(Dense):
    """Keeps a copy of its weight, transposed, from construction."""

    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=dtype)
        self.view = self.weight.value.T

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x @ self.view.T + self.bias.value


class Rebinds(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        object.__setattr__(self.weight, "grad", self.weight.grad.copy())
        return dx


class CastsForward(Dense):
    def forward(self, x, *, training):
        return super().forward(x.astype(np.float32).astype(x.dtype), training=training)


class CastsBackward(Dense):
    def backward(self, dy):
        return super().backward(dy.astype(np.float32).astype(dy.dtype))


class CastsGradient(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.weight.grad.astype(np.float32)
        return dx


class AlwaysFloat64(Dense):
    def forward(self, x, *, training):
        return super().forward(x, training=training).astype(np.float64)


class GlobalDropout(Dropout):
    def __init__(self, p, *, rng=None):
        super().__init__(p, rng=rng)
        self.generator.bit_generator.state = np.random.default_rng().bit_generator.state


class ScalesInInference(Dropout):
    def forward(self, x, *, training):
        if training:
            return super().forward(x, training=True)
        return x * self.generator.random(x.shape).astype(x.dtype)


class BatchOfOne(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y.squeeze(0) if len(x) == 1 else y


class NotPicklable(Dense):
    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=dtype)
        self.activation = lambda y: y


class SharesInCopy(Dense):
    def __deepcopy__(self, memo):
        twin = type(self)(dtype=self.weight.value.dtype)
        twin._parts.update(self._parts)
        vars(twin).update(self._parts)
        return twin


class ForgetsAnArgument(Dense):
    def __init__(self, slope=2.0, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=dtype)
        self.factor = slope / 2

    def forward(self, x, *, training):
        return super().forward(x * self.factor, training=training)

    def backward(self, dy):
        return super().backward(dy) * self.factor


class SkipsFrozen(Dense):
    """Takes a frozen weight for a layer that nothing goes through."""

    def backward(self, dy):
        if not self.weight.frozen:
            return super().backward(dy)
        (x,) = self.recall()
        self.bias.grad[...] = dy.sum(axis=0)
        return np.zeros_like(x)


class OldInner(Residual):
    """Describes itself by what it was given, not by what is there."""

    def __init__(self, inner):
        super().__init__(inner)
        self._given = {"inner": copy.deepcopy(inner)}

    def config(self):
        return self._given


class Replaceable(Residual):
    """Lets another layer take the place of `inner`, and trains the one while it saves the other."""

    def __setattr__(self, name, value):
        if name in self._parts:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


class ForgetsOnDisk(Dense):
    """What it learned beside its parameters is in no file."""

    def __init__(self, *, rng=None, dtype=np.float32):
        super().__init__(rng=rng, dtype=dtype)
        self.offset = np.zeros(2, dtype)

    def forward(self, x, *, training):
        if training:
            self.offset = self.offset + 0.1
        return super().forward(x, training=training) + (0 if training else self.offset.astype(x.dtype))


class WorksInItsOutput(textbook.Tanh):
    """Backward works in the output, which whoever was lent it may have remembered."""

    def backward(self, dy):
        (y,) = self.recall()
        y *= -y
        y += 1
        return y * dy


class OverwritesOutput(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        return np.multiply(dy, slope, out=self.buffer("y", dy.shape, dy.dtype))


class Wasteful(Tanh):
    def backward(self, dy):
        return super().backward(dy * 1)


class SmoothsPast(Dense):
    """Its workspace is added to, not overwritten."""

    def backward(self, dy):
        out = self.buffer("dx", (len(dy), 3), dy.dtype)
        if not hasattr(self, "started"):
            self.started = True
            out.fill(0)
        out += super().backward(dy)
        return out


class SameMaskInResidual(Residual):
    def backward(self, dy):
        return self.inner.backward(dy)


class Backwards(Sequential):
    def backward(self, dy):
        for layer in self.layers:
            dy = layer.backward(dy)
        return dy


class ForgetsMode(Sequential):
    def forward(self, x, *, training):
        for layer in self.layers:
            x = layer.forward(x, training=True)
        return x


class NormForgetsGain(LayerNorm):
    def backward(self, dy):
        remembered = self._remembered
        super().backward(dy)
        gain = self.gain.value.copy()
        self.gain.value[...] = 1
        self.remember(*remembered)
        grads = self.gain.grad.copy()
        dx = super().backward(dy)
        self.gain.value[...] = gain
        self.gain.grad[...] = grads
        return dx


class DrawsUnseeded(Dense):
    def initialize(self, rng):
        super().initialize(None)
