"""Mutants that keep, share, overwrite or convert what they should not."""

import numpy as np

from minidl import Layer, ReLU
from minidl.layers import Sigmoid, Tanh
from tests.mutants.bases import Gain
from tests.mutants.registry import layer
from tests.testing.wrong.numbers import Dense, peek

SIZES = {"args": (3, 2)}


@layer("backward scales the remembered input in place", "arguments_kept")
class ScalesRememberedInput(Gain):
    def backward(self, dy):
        (x,) = peek(self)
        x *= dy
        dx = super().backward(dy)
        self.gain.grad[...] = x.sum(axis=0)
        return dx


@layer("adds to dy in place", "arguments_kept")
class AddsToUpstream(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        dy -= dy * (1 - slope)
        return dy.copy()


@layer("changes x and puts it back: no read-only x, no second thread", "arguments_kept")
class BorrowsInput(Tanh):
    def forward(self, x, *, training):
        x *= 2
        y = np.tanh(0.5 * x)
        x *= 0.5
        if training:
            self.remember(1 - y * y)
        return y.copy()


@layer("writes to x through ravel, which is a view of contiguous arrays alone", "arguments_kept")
class WritesThroughRavel(ReLU):
    def forward(self, x, *, training):
        flat = x.ravel()
        flat[flat < 0] = 0
        return super().forward(x, training=training)


@layer("fills an array of dy's memory order through ravel, a copy of it in Fortran order", "memory_layout")
class FillsThroughRavel(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        dx = np.zeros_like(dy)
        dx.ravel()[...] = (dy * slope).ravel()
        return dx


@layer("reads the array behind a view: wrong for negative strides", "memory_layout")
class ReadsTheBase(Gain):
    def forward(self, x, *, training):
        whole = x if x.base is None or x.base.shape != x.shape else x.base
        return super().forward(whole, training=training)


@layer("reads inference's input in memory order", "memory_layout")
class MemoryOrder(Sigmoid):
    def forward(self, x, *, training):
        laid = x if training else x.ravel(order="K").reshape(x.shape)
        return super().forward(laid, training=training)


@layer("takes dy's strides for granted", "memory_layout")
class NeedsContiguous(Tanh):
    def backward(self, dy):
        return super().backward(np.frombuffer(dy, dy.dtype).reshape(dy.shape))


@layer("a buffer as large as the largest batch, summed whole", "batch_sizes")
class StaleBuffer(Dense):
    def backward(self, dy):
        if len(getattr(self, "kept", ())) < len(dy):
            self.kept = np.zeros(dy.shape, dy.dtype)
        self.kept[: len(dy)] = dy
        dx = super().backward(dy)
        self.bias.grad[...] = self.kept.sum(axis=0)
        return dx


@layer("keeps the first batch's mask while the size stays", "latest_forward", "repeatable", "batch_sizes")
class StaleMask(ReLU):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            if getattr(self, "mask", None) is None or self.mask.shape != x.shape:
                self.mask = self._remembered[0].copy()
            self.remember(self.mask)
        return y


@layer("inference forgets what training remembered", "inference_pure", "inference_between")
class InferenceForgets(Dense):
    def forward(self, x, *, training):
        if not training:
            self.forget()
        return super().forward(x, training=training)


@layer("inference works in the buffer that backward reads", "inference_pure", "inference_between")
class InferenceOverwritesBuffer(Tanh):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if not training:
            self.buffer("slope", x.shape, x.dtype)[...] = 0
        return y


@layer("inference hands out one array for every batch of a size", "inference_gives", "inference_pure")
class LendsInference(Sigmoid):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            return y
        held = self.__dict__.setdefault("held", {}).setdefault((x.shape, x.dtype), np.empty_like(y))
        held[...] = y
        return held


@layer("counts its inferences", "inference_pure")
class CountsInferences(Dense):
    seen = 0

    def forward(self, x, *, training):
        self.seen += not training
        return super().forward(x, training=training)


@layer(
    "a default argument shared by all instances holds the cache", "instances_apart", "deep_copies", args=()
)
class SharedDefault(Dense):
    def __init__(self, *, rng=None, dtype=np.float32, cache={}):  # noqa: B006
        super().__init__(rng=rng, dtype=dtype)
        self.cache = cache

    def forward(self, x, *, training):
        if training:
            self.cache["x"] = x
        return super().forward(x, training=training)

    def backward(self, dy):
        dx = super().backward(dy)
        self.weight.grad[...] = self.cache["x"][: len(dy)].T @ dy[: len(self.cache["x"])]
        return dx


@layer("a workspace on the class, shared by all instances", "instances_apart", "deep_copies")
class ClassWorkspace(Tanh):
    workspace = np.empty((64, 3))

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            slope = self.workspace[: len(x)].astype(x.dtype, copy=False)
            slope[...] = self._remembered[0]
            self.remember(slope)
        return y


@layer("backward may run a second time", "one_backward")
class KeepsItsCache(ReLU):
    def recall(self):
        if self._remembered is None:
            return super().recall()
        return self._remembered


@layer("backward before forward fails with AttributeError", "one_backward")
class PlainAttribute(Layer):
    def forward(self, x, *, training):
        if training:
            self.x = x
        return x * x

    def backward(self, dy):
        return 2 * self.x * dy


@layer("the output grows with every training forward, unknown to backward", "input_gradient")
class GrowsWithCalls(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training:
            self.calls = getattr(self, "calls", 0) + 1
            y = y * (1 + 0.01 * self.calls)
        return y


@layer("inference forgets the bias", "inference_is_training")
class InfersWithoutBias(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return y if training else y - self.bias.value
