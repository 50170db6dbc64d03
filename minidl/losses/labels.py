"""What the losses for labels have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_array, check_shape
from minidl.errors import DataError, DivergedError, ShapeError
from minidl.kernels.cross_entropy import are_labels, highest
from minidl.losses.loss import ANY, Loss, check_floats
from minidl.metrics import Accuracy, Metric
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class LabelLoss(Loss):
    """A loss for scores (N, C) and integer labels (N,) in [0, C)."""

    target_names: tuple[str, ...] | None = None

    def predict(self, scores: Array) -> Array:
        """The label of each row's highest score, of shape (N,).

        Raises
        ------
        DivergedError
            The highest score of a row is NaN or infinite: the row has no class.
        """
        self._check_scores(scores)
        # One look at all numbers: their squares add up to NaN or infinity where one of them is that.
        if not math.isfinite(np.vdot(scores, scores)):
            rows = np.flatnonzero(~np.isfinite(scores.max(axis=1)))
            if len(rows):
                raise DivergedError.in_rows(self.label, "a finite score for the class", rows, len(scores))
        return highest(scores)

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Refuse what are no labels (N,) from 0 up to the number of scores, that one not included.

        Raises
        ------
        ShapeError, DTypeError, DataError
        """
        output_shape = check_shape(self.label, "output_shape", output_shape)
        _, classes = self._check_scores(np.empty((1, *output_shape)))
        targets = check_array(self.label, "labels", targets, kinds=ANY)
        self._check_labels(targets, len(targets) if targets.ndim else 1, classes)

    def metrics(self) -> list[Metric]:
        """The accuracy."""
        return [Accuracy()]

    def _check_scores(self, scores: Array) -> tuple[int, ...]:
        if scores.__class__ is not np.ndarray or scores.dtype.kind != "f":
            check_floats(self.label, scores)
        shape = scores.shape
        if len(shape) != 2 or not shape[1]:
            self.fail(ShapeError, "scores of shape (batch, classes)", shape)
        if self.target_names and len(self.target_names) != shape[1]:
            expected = f"{len(self.target_names)} scores a sample, one for each of target_names"
            self.fail(ShapeError, expected, shape[1], "give each class one name and one score")
        return shape

    def _check_labels(self, targets: npt.ArrayLike, samples: int, classes: int) -> npt.NDArray[np.int64]:
        labels = check_array(self.label, "labels", targets, kinds=ANY)
        if labels.shape != (samples,):  # before their dtype: one-hot rows are often of floats
            remedy = "give the index of each sample's class"
            if labels.ndim == 2:
                one_hot = "turn one-hot rows into labels: targets.argmax(axis=1)"
                remedy = "take targets[:, 0]" if labels.shape[1] == 1 else one_hot
            self.fail(ShapeError, f"labels of shape ({samples},)", labels.shape, remedy)
        if not samples:
            self.fail(ShapeError, "at least one sample", "an empty batch")
        labels = check_array(self.label, "labels", labels, kinds="iu").astype(np.int64, copy=False)
        if not are_labels(labels, classes):
            sample = int(labels.argmin() if labels.min() < 0 else labels.argmax())
            expected = f"labels from 0 to {classes - 1}, one for each of {classes} scores"
            remedy = "number the classes 0, 1, 2, ...: np.unique(targets, return_inverse=True)[1]"
            if labels[sample] >= classes:
                remedy = f"give the net a score for each class, or {remedy}"
            self.fail(DataError, expected, f"{labels[sample]} at sample {sample}", remedy)
        return labels
