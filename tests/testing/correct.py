"""Correct layers, a loss, an optimizer and a scheduler beyond minidl's own: none may raise an alarm."""

import math

import numpy as np

from minidl import Layer, Loss, Optimizer, Parameter, Scheduler, State
from minidl.checks import check_weights
from minidl.errors import ShapeError
from minidl.initializers import he_normal, ones, zeros


class Scale(Layer):
    """One gain for everything."""

    def __init__(self, *, dtype=np.float32):
        self.dtype = dtype
        self.gain = Parameter((), ones, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return self.gain.value * x

    def backward(self, dy):
        (x,) = self.recall()
        self.gain.grad[...] = np.sum(x * dy)
        return self.gain.value * dy


class Linear(Layer):
    """Affine without bias, as a newcomer writes it: no buffers."""

    def __init__(self, in_features, out_features, *, rng=None, dtype=np.float32):
        self.in_features, self.out_features, self.dtype = in_features, out_features, dtype
        self.weight = Parameter(
            (in_features, out_features), he_normal, rng=rng, dtype=dtype, regularized=True
        )

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x @ self.weight.value

    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x.T @ dy
        return dy @ self.weight.value.T


class MaxPool(Layer):
    """The largest number along the last axis."""

    def forward(self, x, *, training):
        if training:
            self.remember(x.shape, x.argmax(axis=-1)[..., None])
        return x.max(axis=-1)

    def backward(self, dy):
        shape, where = self.recall()
        dx = np.zeros(shape, dy.dtype)
        np.put_along_axis(dx, where, dy[..., None], axis=-1)
        return dx


class BatchNorm(Layer):
    momentum, epsilon = 0.9, 1e-5

    def __init__(self, features, *, dtype=np.float32):
        self.features, self.dtype = features, dtype
        self.gain = Parameter((features,), ones, dtype=dtype)
        self.shift = Parameter((features,), zeros, dtype=dtype)
        self.running_mean = State((features,), zeros, dtype=dtype)
        self.running_variance = State((features,), ones, dtype=dtype)

    def forward(self, x, *, training):
        if not training:
            deviation = np.sqrt(self.running_variance.value + self.epsilon)
            return (x - self.running_mean.value) / deviation * self.gain.value + self.shift.value
        mean, variance = x.mean(axis=0), x.var(axis=0)
        for running, new in ((self.running_mean, mean), (self.running_variance, variance)):
            running.value[...] = self.momentum * running.value + (1 - self.momentum) * new
        deviation = np.sqrt(variance + self.epsilon)
        normal = (x - mean) / deviation
        self.remember(normal, deviation)
        return normal * self.gain.value + self.shift.value

    def backward(self, dy):
        normal, deviation = self.recall()
        self.gain.grad[...] = (dy * normal).sum(axis=0)
        self.shift.grad[...] = dy.sum(axis=0)
        dn = dy * self.gain.value
        return (dn - dn.mean(axis=0) - normal * (dn * normal).mean(axis=0)) / deviation


class LayerNorm(Layer):
    epsilon = 1e-5

    def __init__(self, features, *, dtype=np.float32):
        self.features, self.dtype = features, dtype
        self.gain = Parameter((features,), ones, dtype=dtype)
        self.shift = Parameter((features,), zeros, dtype=dtype)

    def forward(self, x, *, training):
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + self.epsilon)
        normal = (x - x.mean(axis=-1, keepdims=True)) / deviation
        if training:
            self.remember(normal, deviation)
        return normal * self.gain.value + self.shift.value

    def backward(self, dy):
        normal, deviation = self.recall()
        axes = tuple(range(dy.ndim - 1))
        self.gain.grad[...] = (dy * normal).sum(axis=axes)
        self.shift.grad[...] = dy.sum(axis=axes)
        dn = dy * self.gain.value
        projection = (dn * normal).mean(axis=-1, keepdims=True)
        return (dn - dn.mean(axis=-1, keepdims=True) - normal * projection) / deviation


class Residual(Layer):
    """``x + inner(x)``, a container."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x, *, training):
        y = self.inner.forward(x, training=training)
        return np.add(x, y, out=self.buffer("y", y.shape, y.dtype) if training else None)

    def backward(self, dy):
        dx = self.inner.backward(dy)
        return np.add(dx, dy, out=self.buffer("dx", dx.shape, dx.dtype))

    def backward_parameters(self, dy):
        self.inner.backward_parameters(dy)


class Embedding(Layer):
    """Rows of a table by index; the input has no gradient."""

    accepts = "index"

    def __init__(self, count, size, *, rng=None, dtype=np.float32):
        self.count, self.size, self.dtype = count, size, dtype
        self.table = Parameter((count, size), he_normal, rng=rng, dtype=dtype, regularized=True)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return self.table.value[x]

    def backward(self, dy):
        (x,) = self.recall()
        self.table.grad[...] = 0
        np.add.at(self.table.grad, x, dy)
        return np.zeros(x.shape, dy.dtype)


class SquaredError(Loss):
    """The mean over samples of the squared distance, for targets of the scores' shape."""

    def forward(self, scores, targets, *, weights=None, training):
        targets = np.asarray(targets)
        if targets.shape != scores.shape:
            self.fail(ShapeError, f"targets of shape {scores.shape}", targets.shape)
        weights = np.ones(len(scores)) if weights is None else check_weights(self.label, weights, len(scores))
        shares = weights / (weights.sum() or 1)
        off = scores - targets.astype(scores.dtype)
        if training:
            self.remember(off, shares)
        return float(shares @ np.sum(np.square(off, dtype=np.float64), axis=1))

    def backward(self):
        off, shares = self.recall()
        return (2 * off * shares[:, None]).astype(off.dtype)

    def predict(self, scores):
        return scores


class Adam(Optimizer):
    state_names = ("first", "second")

    def __init__(self, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(lr)
        self.betas, self.epsilon = (beta1, beta2), epsilon

    def update(self, values, gradients, lr, first, second):
        beta1, beta2 = self.betas
        first += (1 - beta1) * (gradients - first)
        second += (1 - beta2) * (gradients**2 - second)
        count = self.steps + 1
        mean, square = first / (1 - beta1**count), second / (1 - beta2**count)
        values -= lr * mean / (np.sqrt(square) + self.epsilon)


class WarmCosine(Scheduler):
    """Up in a straight line over `warm` steps, then down to 0 along a cosine."""

    def __init__(self, warm, total):
        self.warm, self.total = warm, total

    def factor(self, epoch, step):
        if step < self.warm:
            return float((step + 1) / self.warm)
        done = min((step - self.warm) / (self.total - self.warm), 1.0)
        return float((1 + math.cos(math.pi * done)) / 2)
