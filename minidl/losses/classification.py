"""Losses for labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidl.advice import shown
from minidl.checks import check_array, check_float, check_shape, check_weights
from minidl.errors import ConfigurationError, DataError, DivergedError, ShapeError
from minidl.kernels.softmax import are_labels, softmax, softmax_cross_entropy
from minidl.losses.loss import ANY, Loss, check_floats
from minidl.metrics import Accuracy, Metric
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


_INT64 = np.dtype(np.int64)


class SoftmaxCrossEntropy(Loss):
    """``mean(-log softmax(scores)[label])`` for scores (N, C) and integer labels (N,) in [0, C).

    Computed through log-sum-exp with each row's maximum subtracted, so it stays finite for scores
    of ±1e4 in float32. NaN scores give a NaN loss.

    Parameters
    ----------
    target_names : tuple or list of str, optional
        The name of each class, one for each score. The loss has no use for them, but they stay with
        the net: ``net.head.target_names[label]``, in its file too.
    class_weights : sequence of float >= 0, optional
        How much a sample of each class counts, one number for each score; multiplied by the sample's
        own weight where it has one. The mean divides by the sum of the weights.

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> f"{loss.forward(np.zeros((2, 4)), [0, 3], training=False):.6f}"  # log(4)
    '1.386294'
    """

    target_names: tuple[str, ...] | None = None
    class_weights: tuple[float, ...] | None = None

    def __init__(
        self, target_names: Sequence[str] | None = None, class_weights: Sequence[float] | None = None
    ) -> None:
        if target_names is not None:
            # Other sequences, such as arrays of strings, are nothing that a net's file can describe.
            is_list = type(target_names) in (tuple, list)
            if not (is_list and target_names and all(isinstance(name, str) for name in target_names)):
                expected = "target_names to be a tuple of strings"
                remedy = "give a tuple such as ('cat', 'dog'); of an array, tuple(names.tolist())"
                self.fail(ConfigurationError, expected, repr(target_names), remedy)
            self.target_names = tuple(map(str, target_names))
        if class_weights is not None:
            expected = "class_weights to be one number >= 0 for each class, not all 0"
            is_row = isinstance(class_weights, (tuple, list, np.ndarray))
            if not (is_row and getattr(class_weights, "ndim", 1) == 1):
                remedy = "give a tuple such as (1.0, 2.5)"
                self.fail(ConfigurationError, expected, shown(class_weights), remedy)
            self.class_weights = tuple(
                check_float(self.label, "a class's weight", weight, at_least=0) for weight in class_weights
            )
            if not any(self.class_weights):
                self.fail(ConfigurationError, expected, shown(class_weights))

    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The weighted mean of the samples' cross-entropies.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N >= 1, C) floats; for labels one-hot or (N, 1), not integers (booleans
            are not), or outside [0, C); for weights not (N,), negative or not finite.
        """
        samples, classes = self._check_scores(scores)
        # A quick look, since every training step comes by here; the long one says what is wrong.
        if (
            targets.__class__ is not np.ndarray
            or targets.dtype != _INT64
            or targets.shape != (samples,)
            or not samples
            or not are_labels(targets, classes)
        ):
            targets = self._check_labels(targets, samples, classes)
        if weights is not None or self.class_weights is not None:
            weights = self._weights(targets, weights, classes)
        work = self.buffer("work", (classes, samples), scores.dtype) if training else None
        loss = softmax_cross_entropy(scores, targets, weights, work)
        if work is not None:
            self.remember(work.T)
        return loss

    def backward(self) -> Array:
        """Each sample's share in the mean, ``1 / N``, times ``softmax(scores) - onehot(labels)``: (N, C)."""
        (dscores,) = self.recall()
        return dscores  # type: ignore[no-any-return]

    def probabilities(self, scores: Array) -> Array:
        """``softmax(scores)``, of shape (N, C); each row adds up to 1, or is NaN where its scores are."""
        self._check_scores(scores)
        return softmax(scores)

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
        return scores.argmax(1)  # type: ignore[no-any-return]

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Refuse what are no labels (N,) from 0 up to the number of scores, that one not included.

        Raises
        ------
        ShapeError, DTypeError, DataError
        """
        output_shape = check_shape(self.label, "output_shape", output_shape)
        _, classes = self._check_scores(np.empty((1, *output_shape)))
        targets = check_array(self.label, "labels", targets, kinds=ANY)
        labels = self._check_labels(targets, len(targets) if targets.ndim else 1, classes)
        if self.class_weights:
            self._weights(labels[:1], None, classes)

    def metrics(self) -> list[Metric]:
        """The accuracy."""
        return [Accuracy()]

    def total_weight(self, targets: npt.ArrayLike, weights: npt.ArrayLike | None) -> float:
        """What the mean of `forward` divides by: with class weights, those of the labels count, too."""
        if self.class_weights is None:
            return len(targets) if weights is None else super().total_weight(targets, weights)  # type: ignore[arg-type]
        return float(self._weights(np.asarray(targets), weights, len(self.class_weights)).sum())

    def _weights(self, labels: Array, weights: npt.ArrayLike | None, classes: int) -> npt.NDArray[np.float64]:
        """Each sample's own weight times that of its class."""
        if weights is not None:
            weights = check_weights(self.label, weights, len(labels))
        if self.class_weights is None:
            return weights  # type: ignore[return-value]
        if len(self.class_weights) != classes:
            expected = f"{len(self.class_weights)} scores a sample, one for each of class_weights"
            self.fail(ShapeError, expected, classes, "give each class one weight and one score")
        of_classes = np.array(self.class_weights)[labels]
        return of_classes if weights is None else of_classes * weights

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
