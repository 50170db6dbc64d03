"""The classic two-layer net as one plain NumPy program: what minidl is compared with.

Affine, ReLU, affine, softmax; minibatch SGD with an L2 penalty. It shares no code with minidl, and
every line follows the formulas as a textbook has them, so that it can be checked by reading.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


class ClassicTwoLayerNet:
    """Parameters in a dict: `W1 (D, H)`, `b1 (H,)`, `W2 (H, C)`, `b2 (C,)`.

    `rng`, a Generator or a RandomState, draws `W1`, then `W2`, then every minibatch.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_classes: int,
        std: float = 1e-4,
        *,
        dtype: npt.DTypeLike = np.float64,
        rng: Any = None,
    ) -> None:
        self.rng = np.random.default_rng() if rng is None else rng
        self.params: dict[str, Array] = {
            "W1": (std * self.rng.standard_normal((input_size, hidden_size))).astype(dtype),
            "b1": np.zeros(hidden_size, dtype),
            "W2": (std * self.rng.standard_normal((hidden_size, num_classes))).astype(dtype),
            "b2": np.zeros(num_classes, dtype),
        }

    def scores(self, X: Array) -> Array:
        """The class scores (N, C)."""
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        scores: Array = np.maximum(0, X @ W1 + b1) @ W2 + b2
        return scores

    def loss(self, X: Array, y: Array, reg: float = 0.0) -> tuple[float, dict[str, Array]]:
        """`mean(-log p[y]) + reg * (sum(W1²) + sum(W2²))` and its gradients."""
        W1, b1, W2, b2 = (self.params[name] for name in ("W1", "b1", "W2", "b2"))
        N = len(X)

        Z1 = X @ W1 + b1
        A1 = np.maximum(0, Z1)
        Z2 = A1 @ W2 + b2

        shifted = Z2 - Z2.max(axis=1, keepdims=True)
        exps = np.exp(shifted)
        p = exps / exps.sum(axis=1, keepdims=True)
        # -log p[y], written so that a probability that rounds to 0 still has a finite loss
        losses = np.log(exps.sum(axis=1)) - shifted[np.arange(N), y]
        loss = np.mean(losses) + reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        dZ2 = p.copy()
        dZ2[np.arange(N), y] -= 1
        dZ2 /= N
        dA1 = dZ2 @ W2.T
        dZ1 = np.where(A1 > 0, dA1, 0)
        grads = {
            "W1": X.T @ dZ1 + 2 * reg * W1,
            "b1": dZ1.sum(axis=0),
            "W2": A1.T @ dZ2 + 2 * reg * W2,
            "b2": dZ2.sum(axis=0),
        }
        return float(loss), grads

    def train(
        self,
        X: Array,
        y: Array,
        X_val: Array,
        y_val: Array,
        learning_rate: float = 1e-3,
        learning_rate_decay: float = 0.95,
        reg: float = 5e-6,
        num_iters: int = 100,
        batch_size: int = 200,
    ) -> dict[str, list[float]]:
        """Minibatch SGD; every batch is drawn with replacement.

        After iteration 0, and after every `max(num_train // batch_size, 1)` iterations from there,
        the accuracies are recorded (on that minibatch, and on the validation set) and the rate decays.
        """
        num_train = len(X)
        iterations_per_epoch = max(num_train // batch_size, 1)
        history: dict[str, list[float]] = {
            "loss_history": [],
            "train_acc_history": [],
            "val_acc_history": [],
        }
        for iteration in range(num_iters):
            indices = self.rng.choice(num_train, batch_size)
            X_batch, y_batch = X[indices], y[indices]
            loss, grads = self.loss(X_batch, y_batch, reg)
            history["loss_history"].append(loss)
            for name, gradient in grads.items():
                self.params[name] -= learning_rate * gradient
            if iteration % iterations_per_epoch == 0:
                history["train_acc_history"].append(float(np.mean(self.predict(X_batch) == y_batch)))
                history["val_acc_history"].append(float(np.mean(self.predict(X_val) == y_val)))
                learning_rate *= learning_rate_decay
        return history

    def predict(self, X: Array) -> Array:
        """The labels (N,) with the highest scores."""
        labels: Array = np.argmax(self.scores(X), axis=1)
        return labels
