"""How many samples are classified rightly."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minidl.checks import check_array, check_int, check_weights
from minidl.errors import ShapeError
from minidl.kernels.cross_entropy import count_right, highest
from minidl.metrics.metric import Metric, classes, columns
from minidl.types import Array


class Accuracy(Metric):
    """The share of samples whose highest score, of scores (N, C), is that of their label (N,)."""

    name = "accuracy"
    state_forms: ClassVar = {"right": float, "total": float}

    def reset(self) -> None:
        """Forget all samples."""
        self.right = self.total = 0.0

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N, C), for labels or weights not (N,).
        """
        # What every training step has; for all else, the checks say what it is.
        if (
            weights is None
            and scores.__class__ is targets.__class__ is np.ndarray
            and scores.dtype.kind == "f"
            and scores.ndim == 2
            and scores.shape[:1] == targets.shape
        ):
            self.right += count_right(scores, targets)
            self.total += len(targets)
            return
        right = self._checked(scores, targets)
        weights = np.ones(len(right)) if weights is None else check_weights("Accuracy", weights, len(right))
        self.right += float(weights @ right)
        self.total += float(weights.sum())

    def _checked(self, scores: Array, targets: Array) -> Array:
        scores = check_array("Accuracy", "scores", scores)
        targets = check_array("Accuracy", "labels", targets)
        if scores.ndim != 2 or targets.shape != scores.shape[:1]:
            expected, got = "scores (N, C) and labels (N,)", f"{scores.shape} and {targets.shape}"
            raise ShapeError.expected("Accuracy", expected, got) from None
        if np.isnan(scores).any():
            self.right = math.nan
        return highest(scores) == targets  # type: ignore[no-any-return]

    def compute(self) -> float:
        """From 0 to 1."""
        return float(self.right / self.total) if self.total else math.nan


class BinaryAccuracy(Accuracy):
    """The share of scores (N, K) on the side of 0 where their target is: above 0 for 1, else for 0.

    Targets are 0 or 1, of shape (N, K), or (N,) where K is 1; of a probability counts what is likelier.
    """

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For targets of another shape than the scores', or weights not (N,).
        """
        scores = check_array("BinaryAccuracy", "scores", scores)
        targets = check_array("BinaryAccuracy", "targets", targets)
        if scores.shape == (*targets.shape, 1):
            targets = targets[..., None]
        scores, targets, weights = columns("BinaryAccuracy", scores, targets, weights)
        right = (scores > 0) == (targets > 0.5)
        self.right += math.nan if np.isnan(scores).any() else float((weights @ right).mean())
        self.total += float(weights.sum())


class TopKAccuracy(Accuracy):
    """The share of samples whose label is among the `k` classes of the highest scores.

    Of equal scores the class of the lower number comes first, so that ``TopKAccuracy(1)`` is `Accuracy`.
    """

    def __init__(self, k: int = 5) -> None:
        self.k = check_int("TopKAccuracy", "k", k, at_least=1)
        self.name = f"top_{self.k}_accuracy"
        super().__init__()

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N, C), for labels or weights not (N,).
        """
        targets = check_array("TopKAccuracy", "labels", targets)
        if targets.ndim != 1:
            raise ShapeError.expected("TopKAccuracy", "labels (N,)", targets.shape)
        scores, actual, weights = classes("TopKAccuracy", scores, targets, weights)
        own, label = scores[actual][:, None], actual.argmax(1)[:, None]
        before = (scores > own) | ((scores == own) & (np.arange(scores.shape[1]) < label))
        self.right += math.nan if np.isnan(scores).any() else float(weights @ (before.sum(1) < self.k))
        self.total += float(weights.sum())
