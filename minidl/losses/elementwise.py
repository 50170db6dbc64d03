"""Losses of single scores: the mean over all numbers."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_targets_like, check_weights
from minidl.errors import DivergedError, ShapeError
from minidl.losses.loss import Loss, check_floats
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class ElementwiseLoss(Loss):
    """The mean over all numbers of a function of score and target.

    With weights it is the weighted mean of each sample's mean.
    """

    @abstractmethod
    def _compute(self, scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
        """Each number's loss, and its derivative by the score."""

    def _aligned(self, targets: npt.ArrayLike, scores: Array) -> Array:
        """The targets in the shape of the scores, checked."""
        return check_targets_like(self.label, targets, scores.shape)

    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The mean of the numbers' losses.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N >= 1, ...) floats; for targets of another shape, or that are no real
            numbers or not those that the loss is for; for weights not (N,), negative or not finite.
        """
        self._check_scores(scores)
        targets = self._aligned(targets, scores)
        slopes, losses = (
            (self.buffer("slopes", scores.shape, scores.dtype), self.buffer("losses", scores.shape, "f8"))
            if training
            else (np.empty(scores.shape, scores.dtype), np.empty(scores.shape))
        )
        self._compute(scores, targets, losses, slopes)
        if weights is None:
            shares: Array | float = 1 / scores.size
            loss = np.add.reduce(losses, None) / scores.size
        else:
            weights = check_weights(self.label, weights, len(scores))
            # Each sample's weight is spread over its numbers. Weights of 0 alone are shares of 0.
            total = np.add.reduce(weights) * (scores.size // len(scores)) or 1.0
            shares = (weights / total).reshape(-1, *[1] * (scores.ndim - 1))
            losses *= shares
            loss = np.add.reduce(losses, None)
        if training:
            self.remember(slopes, shares)
        return float(loss)

    def backward(self) -> Array:
        """Each number's derivative, by its share in the mean; of the scores' shape."""
        slopes: Array
        slopes, shares = self.recall()
        slopes *= shares
        return slopes

    def _require_finite(self, scores: Array) -> None:
        """Raise `DivergedError` where a score is NaN or infinite and predicts nothing."""
        self._check_scores(scores)
        if not math.isfinite(np.vdot(scores, scores)):  # the squares of finite numbers may overflow, too
            rows = np.flatnonzero(~np.isfinite(scores).reshape(len(scores), -1).all(axis=1))
            if len(rows):
                raise DivergedError.in_rows(self.label, "finite scores", rows, len(scores))

    def _check_scores(self, scores: Array) -> None:
        if scores.__class__ is not np.ndarray or scores.dtype.kind != "f":
            check_floats(self.label, scores)
        if not scores.size:
            self.fail(ShapeError, "scores of at least one sample", scores.shape)
        if not scores.ndim:
            self.fail(ShapeError, "scores of shape (batch, ...)", scores.shape)
