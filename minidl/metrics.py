"""Metrics: how good scores are, batch by batch, in one number at the end."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from minidl.checks import check_array, check_targets_like, check_weights
from minidl.errors import ShapeError
from minidl.types import Array


class Metric(ABC):
    """A number that sums up all samples since the last `reset`, however they were cut into batches.

    A metric of your own sets `name` and keeps what it adds up in attributes, which `reset` sets; the
    constructor calls `reset`.

    Attributes
    ----------
    name : str
        An identifier; a history's columns are called ``train_NAME`` and ``validation_NAME``.

    Examples
    --------
    >>> accuracy = Accuracy()
    >>> accuracy.update(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
    >>> accuracy.update(np.array([[0.3, 0.7]]), np.array([1]))
    >>> f"{accuracy.compute():.3f}"
    '0.667'
    """

    name: str

    def __init__(self) -> None:
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget all samples."""

    @abstractmethod
    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch.

        Parameters
        ----------
        scores : ndarray of floats, shape (N, ...)
        targets : ndarray
            As the net's loss takes them.
        weights : ndarray, shape (N,), optional
            How much each sample counts.
        """

    @abstractmethod
    def compute(self) -> float:
        """The number for all samples so far; NaN where there is none, or where a score is NaN."""


class Accuracy(Metric):
    """The share of samples whose highest score, of scores (N, C), is that of their label (N,)."""

    name = "accuracy"

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
        try:
            right = scores.argmax(1) == targets
            if right.shape != targets.shape or targets.ndim != 1:  # so, too, where scores are not (N, C)
                raise ValueError
            # One look at all numbers: their squares add up to NaN where one of them is that.
            if math.isnan(np.vdot(scores, scores)):
                self.right = math.nan
        except Exception:  # what they are, the checks say
            right = self._checked(scores, targets)
        if weights is None:
            self.right += np.count_nonzero(right)
            self.total += len(right)
        else:
            weights = check_weights("Accuracy", weights, len(right))
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
        return scores.argmax(1) == targets  # type: ignore[no-any-return]

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
        targets = check_array("BinaryAccuracy", "targets", targets)
        if np.shape(scores) == (*targets.shape, 1):
            targets = targets[..., None]
        scores, targets, weights = _columns("BinaryAccuracy", scores, targets, weights)
        right = (scores > 0) == (targets > 0.5)
        self.right += math.nan if np.isnan(scores).any() else float((weights @ right).mean())
        self.total += float(weights.sum())


class MeanAbsoluteError(Metric):
    """``mean(|scores - targets|)`` over all numbers, for targets of the scores' shape (N, ...)."""

    name = "mean_absolute_error"

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
        scores, targets, weights = _columns("MeanAbsoluteError", scores, targets, weights)
        self.errors += float((weights @ np.abs(scores - targets)).mean())
        self.total += float(weights.sum())

    def compute(self) -> float:
        """In the unit of the targets; the smaller, the better."""
        return self.errors / self.total if self.total else math.nan


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
        scores, targets, weights = _columns("R2", scores, targets, weights)
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


def _columns(where: str, scores: Array, targets: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Scores and targets as float64 (N, K), and weights (N,), of ones where there are none."""
    scores = check_array(where, "scores", scores)
    targets = check_targets_like(where, targets, scores.shape)
    if not targets.ndim:
        raise ShapeError.expected(where, "scores of shape (N, ...)", targets.shape)
    samples = len(targets)
    checked = np.ones(samples) if weights is None else check_weights(where, weights, samples)
    shape = (samples, -1) if targets.size else (samples, math.prod(targets.shape[1:]))
    return scores.reshape(shape).astype(np.float64), targets.reshape(shape).astype(np.float64), checked
