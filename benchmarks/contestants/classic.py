"""The classic NumPy program, for any number of layers: a contestant in float32, in float64 the reference.

It shares no code with minidl, and every line follows the formulas as a textbook has them, so that it
can be checked by reading. With one hidden layer it does what the classic two-layer net does.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchmarks.contestants.task import StepTask
from benchmarks.problems import Training
from minidl.types import Array


class ClassicNet:
    """Weights and biases in two lists; affine layers with ReLU between them, and a softmax."""

    def __init__(self, weights: Iterable[tuple[Array, Array]], dtype: type[np.floating] = np.float32) -> None:
        pairs = list(weights)
        self.W = [weight.astype(dtype) for weight, _ in pairs]
        self.b = [bias.astype(dtype) for _, bias in pairs]

    def loss(self, X: Array, y: Array, reg: float) -> tuple[float, list[Array], list[Array]]:
        """`mean(-log p[y]) + reg * sum(W²)`, and its gradients by every weight and every bias."""
        N, last = len(X), len(self.W) - 1
        inputs = [X]
        for layer in range(last):
            inputs.append(np.maximum(0, inputs[layer] @ self.W[layer] + self.b[layer]))
        scores = inputs[last] @ self.W[last] + self.b[last]

        shifted = scores - scores.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        p = exps / exps.sum(axis=1, keepdims=True)
        losses = np.log(exps.sum(axis=1)) - shifted[np.arange(N), y]
        loss = np.mean(losses) + reg * sum(np.sum(W * W) for W in self.W)

        dZ = p.copy()
        dZ[np.arange(N), y] -= 1
        dZ /= N
        dW, db = [], []
        for layer in range(last, -1, -1):
            dW.append(inputs[layer].T @ dZ + 2 * reg * self.W[layer])
            db.append(dZ.sum(axis=0))
            if layer > 0:
                dZ = np.where(inputs[layer] > 0, dZ @ self.W[layer].T, 0)
        return float(loss), dW[::-1], db[::-1]

    def step(self, X: Array, y: Array, learning_rate: float, reg: float) -> float:
        """One update; the loss before it."""
        loss, dW, db = self.loss(X, y, reg)
        for parameters, gradients in ((self.W, dW), (self.b, db)):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= learning_rate * gradient
        return loss


def reference_losses(problem: Training, net: ClassicNet | None = None) -> list[float]:
    """The losses of the first steps in float64, which every contestant must agree with; trains `net`."""
    features, labels = problem.data()
    net = net or ClassicNet(problem.weights(), np.float64)
    rates = {"learning_rate": problem.learning_rate, "reg": problem.reg}
    return [
        net.step(features[rows].astype(np.float64), labels[rows], **rates)
        for rows in problem.checked_batches()
    ]


class Step(StepTask):
    """Its own loop: every batch drawn with replacement."""

    def reset(self) -> None:
        self.net = ClassicNet(self.start)
        self.rng = np.random.default_rng(0)

    def run(self, count: int) -> None:
        losses = []
        for _ in range(count * self.problem.units):
            rows = self.rng.choice(len(self.features), self.problem.batch)
            losses.append(self.loss(rows))

    def loss(self, rows: Array) -> float:
        features, labels = self.features[rows], self.labels[rows]
        return self.net.step(features, labels, self.problem.learning_rate, self.problem.reg)
