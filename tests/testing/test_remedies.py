"""A failure says what to do about the slips that a first class of one's own has."""

import numpy as np
import pytest

from minidl import Layer, Optimizer, Parameter, State
from minidl.initializers import ones, zeros
from minidl.losses import MeanSquaredError
from minidl.metrics import R2, Accuracy
from minidl.testing import (
    ContractError,
    check_layer,
    check_loss,
    check_metric,
    check_optimizer,
    check_transform,
)
from minidl.transforms import RandomFlip


class Center(Layer):
    """Subtracts the mean, in inference the running one, and scales."""

    def __init__(self, features, *, dtype=np.float32):
        self.features, self.dtype = features, np.dtype(dtype)
        self.gain = Parameter((features,), ones, dtype=dtype)
        self.mean = State((features,), zeros, dtype=dtype)

    def forward(self, x, *, training):
        if not training:
            return (x - self.mean.value) * self.gain.value
        mean = x.mean(axis=0)
        self.learn(mean)
        self.remember(x - mean)
        return (x - mean) * self.gain.value

    def learn(self, mean):
        self.mean.value[...] += 0.1 * (mean - self.mean.value)

    def backward(self, dy):
        (centered,) = self.recall()
        self.gain.grad[...] = (dy * centered).sum(axis=0)
        return (dy - dy.mean(axis=0)) * self.gain.value


class NoTraining(Center):
    def forward(self, x):
        return x


class ReplacesState(Center):
    def learn(self, mean):
        self.mean.value = mean


class AddsGradient(Center):
    def backward(self, dy):
        (centered,) = self.recall()
        self.gain.grad[...] += (dy * centered).sum(axis=0)
        return (dy - dy.mean(axis=0)) * self.gain.value


class PlainArray(Center):
    def __init__(self, features, *, dtype=np.float32):
        self.features, self.dtype = features, np.dtype(dtype)
        self.gain = Parameter((features,), ones, dtype=dtype)
        self.running = np.zeros(features, dtype)

    def forward(self, x, *, training):
        return super().forward(x, training=True) if training else (x - self.running) * self.gain.value

    def learn(self, mean):
        self.running = self.running + mean


class WritesToX(Center):
    def forward(self, x, *, training):
        x -= 1
        return super().forward(x, training=training)


class NoSuper(Optimizer):
    def __init__(self, lr):
        self.lr = lr

    def update(self, values, gradients, lr):
        values -= lr * gradients


class OneWord(Optimizer):
    state_names = "mean"

    def update(self, values, gradients, lr, mean):
        values -= lr * gradients


class Lacks(OneWord):
    state_names = ("mean",)

    def update(self, values, gradients, lr):
        values -= lr * gradients


class NoWeights(Accuracy):
    def update(self, scores, targets):
        super().update(scores, targets)


class NoRng(RandomFlip):
    def __call__(self, features, targets):
        return features, targets


def layer(cls, *clauses, **options):
    options = {"batch_independent": False} | options
    return lambda: check_layer(
        lambda rng, dtype: cls(3, dtype=dtype), (3,), clauses=clauses or None, **options
    )


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (layer(NoTraining), r"argument 'training'\n *let its arguments end with \*, training"),
        (layer(ReplacesState), r"to stay .*; write value\[\.\.\.\] = x \(test_remedies.py, line \d+\)"),
        (layer(AddsGradient, "gradients_assigned"), r"gain.grad is not assigned .* not \+= x"),
        (layer(PlainArray, "saved_and_loaded"), r"self.running changed in training.*: make it a State"),
        (layer(WritesToX, "precision"), "precision: forward writes to x, which it was lent to read"),
        (layer(Center, "rows_alone", batch_independent=True), r"alone, expected.*\n.*\(--batch-dependent\)"),
        (layer(Center, "reference", reference=lambda x: x), r"but 3 were given.*\n.*with \(x, gain, mean\)"),
        (layer(Center, "training_reference", training_reference=lambda x, gain, mean: (x - 9, mean)),
         "the output.*in training, beside the reference"),
        (layer(Center, "training_reference", training_reference=lambda x, gain, mean: (
            gain * (x - x.mean(0)), mean)), "mean.0. is .* after a training pass, beside the reference"),
        (lambda: check_layer(lambda rng, dtype: Center(3, dtype=dtype), (4,)), r"raises ValueError"),
        (lambda: check_loss(MeanSquaredError), r"targets of.*\n *its targets were labels.*--regression"),
        (lambda: check_optimizer(lambda: NoSuper(0.1)), r"no attribute.*\n *call super\(\).__init__\(lr"),
        (lambda: check_optimizer(lambda: OneWord(0.1)), r"keyword.*\n *state_names is a tuple such as"),
        (lambda: check_optimizer(lambda: Lacks(0.1)), r"keyword.*\n *state_names is a tuple such as"),
        (lambda: check_metric(NoWeights), r"update.*\n *write .*targets, weights=None"),
        (lambda: check_metric(R2), r"R2: expected targets.*\n *its targets were labels: make_targets="),
        (lambda: check_transform(NoRng, (2, 2)), r"__call__.*\n *write .*targets, rng\)"),
    ],
)  # fmt: skip
def test_what_to_do(check, text):
    with pytest.raises(ContractError, match=text) as caught:
        check()
    assert len(str(caught.value).splitlines()) <= 4


def test_a_reference_of_a_metric():
    def share(scores, labels):
        return np.mean(scores.argmax(1) == labels)

    assert not check_metric(Accuracy, reference=share).failed
    with pytest.raises(ContractError, match="metric_reference: compute is .* beside the reference"):
        check_metric(Accuracy, reference=lambda scores, labels: 1 - share(scores, labels))
