"""Losses for numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_array, check_shape, check_targets_like, check_weights
from minidl.errors import DataError, DivergedError, ShapeError
from minidl.kernels.rows import first_not_finite
from minidl.losses.loss import Loss, check_floats
from minidl.metrics import R2, MeanAbsoluteError, Metric
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class MeanSquaredError(Loss):
    """``mean((scores - targets)**2)`` over all numbers, for targets (N, ...) of the scores' shape.

    Targets are real numbers of any dtype. Targets (N,) for scores (N, 1) are refused: nothing is
    broadcast. With weights it is the weighted mean of each sample's mean.

    Examples
    --------
    >>> MeanSquaredError().forward(np.array([[1.0], [2.0]]), [[1.0], [5.0]], training=False)
    4.5
    """

    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The mean of the squared errors.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N >= 1, ...) floats; for targets of another shape, or that are no real
            numbers; for weights not (N,), negative or not finite.
        """
        self._check_scores(scores)
        targets = check_targets_like(self.label, targets, scores.shape)
        errors, squares = (
            (self.buffer("errors", scores.shape, scores.dtype), self.buffer("squares", scores.shape, "f8"))
            if training
            else (np.empty(scores.shape, scores.dtype), np.empty(scores.shape))
        )
        np.subtract(scores, targets, errors, casting="same_kind")
        np.multiply(errors, errors, squares, dtype=np.float64)
        if weights is None:
            shares: Array | float = 1 / scores.size
            loss = np.add.reduce(squares, None) / scores.size
        else:
            weights = check_weights(self.label, weights, len(scores))
            # Each sample's weight is spread over its numbers. Weights of 0 alone are shares of 0.
            total = np.add.reduce(weights) * (scores.size // len(scores)) or 1.0
            shares = (weights / total).reshape(-1, *[1] * (scores.ndim - 1))
            squares *= shares
            loss = np.add.reduce(squares, None)
        if training:
            self.remember(errors, shares)
        return float(loss)

    def backward(self) -> Array:
        """``2 * (scores - targets)``, each by its share in the mean; of the scores' shape."""
        errors: Array
        errors, shares = self.recall()
        errors *= 2 * shares
        return errors

    def predict(self, scores: Array) -> Array:
        """The scores themselves.

        Raises
        ------
        DivergedError
            A score is NaN or infinite.
        """
        self._check_scores(scores)
        if not math.isfinite(np.vdot(scores, scores)):  # the squares of finite numbers may overflow, too
            rows = np.flatnonzero(~np.isfinite(scores).reshape(len(scores), -1).all(axis=1))
            if len(rows):
                raise DivergedError.in_rows(self.label, "finite scores", rows, len(scores))
        return scores

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Refuse what are no finite numbers of the shape (N, *output_shape).

        Raises
        ------
        ShapeError, DTypeError, DataError
        """
        output_shape = check_shape(self.label, "output_shape", output_shape)
        targets = check_array(self.label, "targets", targets)
        samples = len(targets) if targets.ndim else 1
        check_targets_like(self.label, targets, (samples, *output_shape))
        if targets.dtype.kind == "f" and (found := first_not_finite(targets)):
            remedy = "drop such samples or fill in the missing values"
            self.fail(DataError, "finite targets", f"{found[1]} in sample {found[0]}", remedy)

    def metrics(self) -> list[Metric]:
        """The coefficient of determination and the mean absolute error."""
        return [R2(), MeanAbsoluteError()]

    def _check_scores(self, scores: Array) -> None:
        if scores.__class__ is not np.ndarray or scores.dtype.kind != "f":
            check_floats(self.label, scores)
        if not scores.size:
            self.fail(ShapeError, "scores of at least one sample", scores.shape)
        if not scores.ndim:
            self.fail(ShapeError, "scores of shape (batch, ...)", scores.shape)
