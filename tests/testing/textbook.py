"""Layers as textbooks write them: what they return they also remember. All right, with buffers or without."""

import numpy as np

from minidl import Layer


class Textbook(Layer):
    """Works in the workspace, or allocates."""

    def __init__(self, buffered=False):
        self.buffered = buffered

    def room(self, name, like, training=True):
        return self.buffer(name, like.shape, like.dtype) if self.buffered and training else None


class Tanh(Textbook):
    def forward(self, x, *, training):
        y = np.tanh(x, out=self.room("y", x, training))
        if training:
            self.remember(y)
        return y

    def backward(self, dy):
        (y,) = self.recall()
        return np.multiply(dy, 1 - y * y, out=self.room("dx", dy))


class Sigmoid(Textbook):
    def forward(self, x, *, training):
        y = np.divide(1, 1 + np.exp(-x), out=self.room("y", x, training))
        if training:
            self.remember(y)
        return y

    def backward(self, dy):
        (y,) = self.recall()
        return np.multiply(dy, y * (1 - y), out=self.room("dx", dy))


class Swish(Textbook):
    def forward(self, x, *, training):
        gate = 1 / (1 + np.exp(-x))
        y = np.multiply(x, gate, out=self.room("y", x, training))
        if training:
            self.remember(y, gate)
        return y

    def backward(self, dy):
        y, gate = self.recall()
        return np.multiply(dy, y + gate * (1 - y), out=self.room("dx", dy))


class Softmax(Textbook):
    def forward(self, x, *, training):
        y = np.exp(x - x.max(axis=-1, keepdims=True), out=self.room("y", x, training))
        y /= y.sum(axis=-1, keepdims=True)
        if training:
            self.remember(y)
        return y

    def backward(self, dy):
        (y,) = self.recall()
        return np.multiply(y, dy - (dy * y).sum(axis=-1, keepdims=True), out=self.room("dx", dy))


class RMSNorm(Textbook):
    def forward(self, x, *, training):
        size = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + x.dtype.type(1e-5))
        y = np.divide(x, size, out=self.room("y", x, training))
        if training:
            self.remember(y, size)
        return y

    def backward(self, dy):
        y, size = self.recall()
        along = np.mean(dy * y, axis=-1, keepdims=True)
        return np.divide(dy - y * along, size, out=self.room("dx", dy))


class LayerNorm(Textbook):
    def forward(self, x, *, training):
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + x.dtype.type(1e-5))
        y = np.divide(x - x.mean(axis=-1, keepdims=True), deviation, out=self.room("y", x, training))
        if training:
            self.remember(y, deviation)
        return y

    def backward(self, dy):
        y, deviation = self.recall()
        along = np.mean(dy * y, axis=-1, keepdims=True)
        return np.divide(dy - dy.mean(axis=-1, keepdims=True) - y * along, deviation, out=self.room("dx", dy))


TEXTBOOK = (Tanh, Sigmoid, Swish, Softmax, RMSNorm, LayerNorm)
