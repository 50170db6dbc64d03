"""Correct layers, losses and an optimizer in their plainest form, for the mutants to derive from."""

import numpy as np

from minidl import Layer, Optimizer, Parameter, SoftmaxCrossEntropy
from minidl.initializers import he_normal, ones


class MeanPool(Layer):
    """The mean along the last axis."""

    def forward(self, x, *, training):
        if training:
            self.remember(x.shape)
        return x.mean(axis=-1)

    def backward(self, dy):
        (shape,) = self.recall()
        return np.broadcast_to(dy[..., None] / shape[-1], shape).copy()


class Swap(Layer):
    """Swaps a sample's two axes."""

    def forward(self, x, *, training):
        if training:
            self.remember(x.shape)
        return np.swapaxes(x, 1, 2).copy()

    def backward(self, dy):
        self.recall()
        return np.swapaxes(dy, 1, 2).copy()


class Correlate(Layer):
    """``y[n, t] = sum over k of kernel[k] * x[n, t + k]``."""

    def __init__(self, taps=3, *, rng=None, dtype=np.float32):
        self.taps, self.dtype = taps, dtype
        self.kernel = Parameter((taps,), he_normal, rng=rng, dtype=dtype, regularized=True)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        width = x.shape[1] - self.taps + 1
        return sum(self.kernel.value[k] * x[:, k : k + width] for k in range(self.taps))

    def backward(self, dy):
        (x,) = self.recall()
        dx, width = np.zeros(x.shape, dy.dtype), dy.shape[1]
        for k in range(self.taps):
            self.kernel.grad[k] = np.sum(x[:, k : k + width] * dy)
            dx[:, k : k + width] += self.kernel.value[k] * dy
        return dx


class Concat(Layer):
    """Two layers side by side, their outputs joined."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, x, *, training):
        parts = [child.forward(x, training=training) for child in (self.first, self.second)]
        if training:
            self.remember(parts[0].shape[1])
        return np.concatenate(parts, axis=1)

    def backward(self, dy):
        (width,) = self.recall()
        return self.first.backward(dy[:, :width]) + self.second.backward(dy[:, width:])

    def backward_parameters(self, dy):
        (width,) = self.recall()
        self.first.backward_parameters(dy[:, :width])
        self.second.backward_parameters(dy[:, width:])


class Gate(Layer):
    """The product of two layers' outputs."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def forward(self, x, *, training):
        left, right = (child.forward(x, training=training) for child in (self.first, self.second))
        if training:
            self.remember(left, right)
        return left * right

    def backward(self, dy):
        left, right = self.recall()
        return self.first.backward(dy * right) + self.second.backward(dy * left)


class Gain(Layer):
    """One gain per feature."""

    def __init__(self, features=3, *, dtype=np.float32):
        self.features, self.dtype = features, dtype
        self.gain = Parameter((features,), ones, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value

    def backward(self, dy):
        (x,) = self.recall()
        self.gain.grad[...] = (x * dy).sum(axis=0)
        return dy * self.gain.value


class CrossEntropy(SoftmaxCrossEntropy):
    """The same as its parent without workspace."""

    def shares(self, labels, weights, classes):
        """What part of the mean each sample is."""
        weights = np.ones(len(labels)) if weights is None else weights
        weights = self._weights(labels, weights, classes)
        return weights / (weights.sum() or 1)

    def forward(self, scores, targets, *, weights=None, training):
        labels = self._check_labels(targets, *scores.shape)
        shares = self.shares(labels, weights, scores.shape[1])
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        if training:
            self.remember(np.exp(logs), labels, shares)
        return float(-shares @ logs[np.arange(len(labels)), labels])

    def backward(self):
        p, labels, shares = self.recall()
        p[np.arange(len(labels)), labels] -= 1
        return p * shares[:, None].astype(p.dtype)


class Hinge(CrossEntropy):
    """The sum of the margins missed."""

    def forward(self, scores, targets, *, weights=None, training):
        labels, rows = self._check_labels(targets, *scores.shape), np.arange(len(scores))
        shares = self.shares(labels, weights, scores.shape[1])
        margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
        margins[rows, labels] -= 1
        if training:
            self.remember((margins > 0).astype(scores.dtype), labels, shares)
        return float(shares @ margins.sum(axis=1, dtype=np.float64))

    def backward(self):
        missed, labels, shares = self.recall()
        rows = np.arange(len(labels))
        missed[rows, labels] = 0
        missed[rows, labels] = -missed.sum(axis=1)
        return missed * shares[:, None].astype(missed.dtype)


class Momentum(Optimizer):
    state_names = ("velocity",)

    def __init__(self, lr, momentum=0.9):
        super().__init__(lr)
        self.momentum = momentum

    def update(self, values, gradients, lr, velocity):
        velocity *= self.momentum
        velocity += gradients
        values -= lr * velocity
