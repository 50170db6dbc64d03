"""Layers that compute something wrong, one slip each."""

import numpy as np

from minidl import Layer, Parameter, ReLU
from minidl.initializers import he_normal, zeros
from minidl.layers import Softmax, Tanh
from tests.testing.correct import BatchNorm


def peek(layer):
    """What `layer` remembers, left for its parent's backward to take."""
    remembered = layer.recall()
    layer.remember(*remembered)
    return remembered


class Dense(Layer):
    """A correct affine layer in the plainest form, for the slips below."""

    def __init__(self, in_features=3, out_features=2, *, rng=None, dtype=np.float32):
        self.in_features, self.out_features, self.dtype = in_features, out_features, dtype
        self.weight = Parameter(
            (in_features, out_features), he_normal, rng=rng, dtype=dtype, regularized=True
        )
        self.bias = Parameter((out_features,), zeros, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x @ self.weight.value + self.bias.value

    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x.T @ dy
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.weight.value.T


class RootOfNegative(ReLU):
    def forward(self, x, *, training):
        return np.sqrt(super().forward(x, training=training) - 0.1)


class Misjudged(Dense):
    def output_shape(self, sample_shape):
        return sample_shape


class NearlyRight(Dense):
    def backward(self, dy):
        return 1.001 * super().backward(dy)


class ForgottenBias(Dense):
    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x.T @ dy
        return dy @ self.weight.value.T


class FirstRowsOnly(Dense):
    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x[:3].T @ dy[:3]
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.weight.value.T


class Accumulates(Dense):
    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] += x.T @ dy
        self.bias.grad[...] = dy.sum(axis=0)
        return dy @ self.weight.value.T


class SkipsTooMuch(Dense):
    def backward_parameters(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x.T @ dy


class NoJacobian(Softmax):
    def backward(self, dy):
        (y,) = self.recall()
        return dy * y * (1 - y)


class ForgetsTheMean(BatchNorm):
    def backward(self, dy):
        normal, deviation = peek(self)
        super().backward(dy)
        dn = dy * self.gain.value
        return (dn - normal * (dn * normal).mean(axis=0)) / deviation


class WritesToInput(ReLU):
    def forward(self, x, *, training):
        x *= x > 0
        if training:
            self.remember(x > 0)
        return x.copy()


class WritesToUpstream(ReLU):
    def backward(self, dy):
        (y,) = self.recall()
        dy *= y > 0
        return dy


class Ravels(Tanh):
    def backward(self, dy):
        (slope,) = self.recall()
        return (dy.ravel(order="K") * slope.ravel()).reshape(slope.shape)


class HidesNan(ReLU):
    def forward(self, x, *, training):
        return super().forward(np.where(x > 0, x, 0).astype(x.dtype), training=training)


class FirstBatchSize(Dense):
    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        if training and not hasattr(self, "weighting"):
            self.weighting = np.ones(len(x), x.dtype)
        return y

    def backward(self, dy):
        (x,) = self.recall()
        self.weight.grad[...] = x.T @ dy
        self.bias.grad[...] = self.weighting[: len(dy)] @ dy[: len(self.weighting)]
        return dy @ self.weight.value.T


class MeansGradient(Dense):
    """Takes the mean over the batch, in forward and backward alike."""

    def forward(self, x, *, training):
        return super().forward(x - x.mean(axis=0), training=training)

    def backward(self, dy):
        dx = super().backward(dy)
        return dx - dx.mean(axis=0)


class Clips(Dense):
    def backward(self, dy):
        return super().backward(np.clip(dy, -3.5, 3.5))
