"""How near predicted numbers are to their targets."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from minidl.errors import ShapeError
from minidl.metrics.metric import Metric, columns
from minidl.types import Array


class MeanAbsoluteError(Metric):
    """``mean(|scores - targets|)`` over all numbers, for targets of the scores' shape (N, ...)."""

    name = "mean_absolute_error"
    state_forms: ClassVar = {"errors": float, "total": float}

    def reset(self) -> None:
        """Forget all samples."""
        self.errors = self.total = 0.0

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For targets of another shape than the scores', or weights not (N,).
        """
        scores, targets, weights = columns("MeanAbsoluteError", scores, targets, weights)
        self.errors += float((weights @ np.abs(scores - targets)).mean())
        self.total += float(weights.sum())

    def compute(self) -> float:
        """In the unit of the targets; the smaller, the better."""
        return self.errors / self.total if self.total else math.nan


class RootMeanSquaredError(Metric):
    """``sqrt(mean((scores - targets)**2))`` of each number of a sample, then the mean of these.

    For targets of the scores' shape (N, ...); as scikit-learn's ``root_mean_squared_error``.
    """

    name = "root_mean_squared_error"
    state_forms: ClassVar = {"errors": [np.ndarray, float], "total": float}

    def reset(self) -> None:
        """Forget all samples."""
        self.errors, self.total = np.zeros(1), 0.0

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For targets of another shape than the scores', or weights not (N,).
        """
        scores, targets, weights = columns("RootMeanSquaredError", scores, targets, weights)
        self.errors = self.errors + weights @ (scores - targets) ** 2
        self.total += float(weights.sum())

    def compute(self) -> float:
        """In the unit of the targets; the smaller, the better."""
        return float(np.sqrt(self.errors / self.total).mean()) if self.total else math.nan


class R2(Metric):
    """The coefficient of determination: 1 less the share of the targets' variance that errors leave.

    ``1 - sum((targets - scores)**2) / sum((targets - mean(targets))**2)`` for each number of a sample
    (targets of the scores' shape (N, ...)), then the mean of these. 1 is perfect, 0 as good as the
    targets' mean. A number whose target is the same in all samples counts 1 where it is met exactly
    and 0 elsewhere; fewer than two samples give NaN. All this is as in scikit-learn's ``r2_score``.

    Means and squared deviations of batches are combined by the rule of Chan, Golub and LeVeque
    ("Updating formulae and a pairwise algorithm for computing sample variances", 1979): in raw sums of
    squares, large means would drown small variances.
    """

    name = "r2"
    state_forms: ClassVar = {
        "samples": int, "total": float,
        **{name: [np.ndarray, float] for name in ("origin", "mean", "deviations", "errors")},
    }  # fmt: skip

    def reset(self) -> None:
        """Forget all samples."""
        self.samples, self.total = 0, 0.0
        self.origin = self.mean = self.deviations = self.errors = np.zeros(())

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For targets of another shape than the scores', or of other columns than before; for weights
            not (N,).
        """
        scores, targets, weights = columns("R2", scores, targets, weights)
        if self.samples and self.errors.shape != targets.shape[1:]:
            expected = f"{self.errors.size} numbers a sample, as before"
            raise ShapeError.expected("R2", expected, targets.shape[1], "call reset between data sets")
        self.samples += len(targets)
        self.errors = self.errors + weights @ (targets - scores) ** 2
        added = float(weights.sum())
        if not added:
            return
        if not self.total:
            self.origin = weights @ targets / added
        targets -= self.origin  # so that targets far from 0 lose no digits in the means
        mean = weights @ targets / added
        mean += weights @ (targets - mean) / added  # now that of equal targets is exactly them
        delta = mean - self.mean
        share = added / (self.total + added)
        self.deviations = self.deviations + weights @ (targets - mean) ** 2 + delta**2 * self.total * share
        self.mean = self.mean + delta * share
        self.total += added

    def compute(self) -> float:
        """At most 1; the larger, the better."""
        if self.samples < 2 or not self.total:
            return math.nan
        constant = self.deviations == 0
        found = 1 - self.errors / np.where(constant, 1.0, self.deviations)
        found[constant & (self.errors > 0)] = 0.0  # NaN is not above 0, and stays
        return float(np.mean(found))
