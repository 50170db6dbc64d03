"""Predicting labels: the latency of one row, the throughput of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.suite import Suite, Unit
from benchmarks.training import Array, Training

_DIGITS: dict[str, Any] = {"features": 64, "hidden": (32,)}
_CHECKED = 20


@dataclass(frozen=True)
class Prediction(Training):
    """A net and so many `samples` to predict at once, as float32 or as pixels (uint8, divided by 255)."""

    pixels: bool = False

    @property
    def units(self) -> int:
        """One: a run is a call."""
        return 1

    def rows(self) -> Array:
        """The rows (samples, features) as the caller has them."""
        rng = np.random.default_rng([self.seed, 1])
        if self.pixels:
            return rng.integers(256, size=(self.samples, self.features), dtype=np.uint8)
        return rng.standard_normal((self.samples, self.features), np.float32)

    def checked(self) -> Array:
        """The first of the rows, whose probabilities are compared."""
        return self.rows()[:_CHECKED]


class Predict(Suite):
    name = "predict"
    help = "labels of one row and of 10,000 by a net that is trained"
    task = "Predict"
    problem = Prediction
    contestants = ("floor", "minidl", "sklearn", "torch", "jax", "keras")
    unit = Unit("µs a call", format=",.1f")
    tolerance = 1e-4
    notes = (
        "floor: the net's matrix products into arrays that are there already, on float32 also where the "
        "rows are uint8.",
        "minidl: net.predict; scikit-learn: predict; PyTorch: argmax under no_grad; JAX: a jitted argmax; "
        "Keras: argmax of the net's call for one row, of predict (batches of 1,000) for 10,000. Pixels "
        "become numbers within the call. PyTorch and JAX have the rows as their own arrays.",
        "differs: the largest relative difference of the first rows' probabilities from those in float64.",
    )

    def problems(self, quick: bool) -> Sequence[Prediction]:
        one = Prediction("1 row, 64-32-10", samples=1, **_DIGITS)
        many = Prediction("10,000 rows, 64-32-10", samples=10_000, **_DIGITS)
        if quick:
            return [one, many]
        return [
            one,
            Prediction("1 row, 784-300-10", (300,), 784, samples=1),
            many,
            Prediction("10,000 rows, 784-300-10", (300,), 784, samples=10_000),
            Prediction("10,000 rows uint8, 784-300-10", (300,), 784, samples=10_000, pixels=True),
        ]

    def reference(self, problem: Prediction) -> list[float]:  # type: ignore[override]
        x = problem.checked() / (255.0 if problem.pixels else 1.0)
        *hidden, (weight, bias) = problem.weights()
        for hidden_weight, hidden_bias in hidden:
            x = np.maximum(x @ hidden_weight.astype(np.float64) + hidden_bias, 0)
        return softmax(x @ weight.astype(np.float64) + bias)


def softmax(scores: Array) -> list[float]:
    """The probabilities of each row, one after the other."""
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return [float(p) for p in (exps / exps.sum(axis=1, keepdims=True)).ravel()]
