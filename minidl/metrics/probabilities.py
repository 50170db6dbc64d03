"""How good scores are as probabilities and as an order."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minidl.errors import ShapeError
from minidl.kernels.softmax import log_softmax
from minidl.metrics.metric import Metric, classes
from minidl.types import Array


class LogLoss(Metric):
    """The mean of ``-log(p)``, p the probability of what is the case, computed from the scores.

    For scores (N, C) and labels (N,), p is the softmax; for scores (N, 1) and labels 0 and 1, the
    sigmoid; for targets (N, C) of 0 and 1, each score's own sigmoid. It is the loss of
    `SoftmaxCrossEntropy` or `BinaryCrossEntropy` without their options, for nets that train on another.
    """

    name = "log_loss"
    state_forms: ClassVar = {"loss": float, "total": float}

    def reset(self) -> None:
        """Forget all samples."""
        self.loss = self.total = 0.0

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For shapes that are none of the above, labels that are none, or weights not (N,).
        """
        scores, actual, weights = classes("LogLoss", scores, targets, weights)
        if np.ndim(targets) == 2:
            losses = np.logaddexp(0, np.where(actual, -scores, scores)).mean(1)
        else:
            losses = -log_softmax(scores)[actual]
        self.loss += float(weights @ losses)
        self.total += float(weights.sum())

    def compute(self) -> float:
        """In nats, from 0 on; the smaller, the better."""
        return self.loss / self.total if self.total else math.nan


class AUC(Metric):
    """The area under the ROC curve: how likely a sample of a class scores above one that is not of it.

    Ties count a half. For labels (N,) it is computed of each class against all others by its probability,
    for targets (N, C) by its score; then comes the mean over the classes (scikit-learn's ``roc_auc_score``
    with ``multi_class="ovr"``). A class that has no sample, or all, does not count. It keeps every
    sample's scores until `reset`.
    """

    name = "auc"
    state_forms: ClassVar = {"batches": list}

    def reset(self) -> None:
        """Forget all samples."""
        self.batches: list[tuple[Array, Array, Array]] = []

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For shapes that are none of the above, labels that are none, or weights not (N,).
        """
        scores, actual, weights = classes("AUC", scores, targets, weights)
        self.batches.append((scores if np.ndim(targets) == 2 else log_softmax(scores), actual, weights))
        if self.batches[0][1].shape[1] != actual.shape[1]:
            del self.batches[-1]
            expected = f"{self.batches[0][1].shape[1]} classes, as before"
            raise ShapeError.expected("AUC", expected, actual.shape[1], "call reset between data sets")

    def compute(self) -> float:
        """From 0 to 1; 0.5 is as good as chance."""
        if not self.batches:
            return math.nan
        scores, actual, weights = map(np.concatenate, zip(*self.batches, strict=True))
        if np.isnan(scores).any():
            return math.nan
        areas = []
        for column, found in zip(scores.T, actual.T, strict=True):
            _, place = np.unique(column, return_inverse=True)
            own, other = np.bincount(place, weights * found), np.bincount(place, weights * ~found)
            if own.any() and other.any():
                areas.append(own @ (np.cumsum(other) - other / 2) / (own.sum() * other.sum()))
        return float(np.mean(areas)) if areas else math.nan
