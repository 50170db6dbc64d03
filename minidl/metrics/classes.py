"""How good a classification is class by class."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_choice, check_int, check_shape
from minidl.errors import DataError, ShapeError, StateError
from minidl.kernels.cross_entropy import highest
from minidl.metrics.metric import Metric, classes
from minidl.types import Array


class _OfClasses(Metric):
    """A figure of each class, and one of all.

    Takes scores (N, C) and labels (N,), where the highest score's class is the predicted one; scores
    (N, 1) and labels 0 and 1; or scores and targets (N, C), a class each, predicted by scores above 0.

    Parameters
    ----------
    average : {"macro", "micro", "weighted"}
        The mean over the classes, over all samples taken together, or over the classes weighted by how
        many samples are of them; as in scikit-learn. A class that never occurs, and is never
        predicted, does not count.
    """

    state_forms: ClassVar = {
        "_has_batch": bool, **dict.fromkeys(("right", "predicted", "actual"), np.ndarray), "average": str,
    }  # fmt: skip

    def __init__(self, average: str = "macro") -> None:
        kind = type(self).__name__
        self.average = check_choice(kind, "average", average, ("macro", "micro", "weighted"))
        self.name = kind.lower() if average == "macro" else f"{average}_{kind.lower()}"
        super().__init__()

    def reset(self) -> None:
        """Forget all samples."""
        self._has_batch = False
        self.right = self.predicted = self.actual = np.zeros(1)
        """How many samples of each class were predicted to be of it, predicted, and of it: shape (C,)."""

    def update(self, scores: Array, targets: Array, weights: Array | None = None) -> None:
        """Take in a batch; see `Metric.update`.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For shapes that are none of the above, labels that are none, or weights not (N,).
        """
        kind = type(self).__name__
        scores, actual, weights = classes(kind, scores, targets, weights)
        if self._has_batch and self.actual.shape != actual.shape[1:]:
            expected = f"{self.actual.size} classes, as before"
            raise ShapeError.expected(kind, expected, actual.shape[1], "call reset between data sets")
        if np.ndim(targets) == 2:
            predicted = scores > 0
        else:
            predicted = highest(scores)[:, None] == np.arange(scores.shape[1])
        self.right = self.right + weights @ (predicted & actual)
        if np.isnan(scores).any():
            self.right = self.right * np.nan
        self.predicted = self.predicted + weights @ predicted
        self.actual = self.actual + weights @ actual
        self._has_batch = True

    @abstractmethod
    def _fraction(self, right: Array, predicted: Array, actual: Array) -> tuple[Array, Array]:
        """What stands above the figure's line, and below it."""

    def _figure(self, right: Array, predicted: Array, actual: Array) -> Array:
        above, below = self._fraction(right, predicted, actual)
        return above / np.where(below > 0, below, 1)  # 0 / 0 is 0, as in scikit-learn

    def per_class(self) -> Array:
        """The figure of each class, of shape (C,); NaN of one that neither occurs nor is predicted.

        0 where the fraction is 0 / 0 otherwise: of the precision of a class that is never predicted.

        Raises
        ------
        StateError
            It has taken in no batch since it was made or reset: there are no classes.
        """
        if not self._has_batch:
            remedy = "give it to evaluate(net, data, metrics=[...]): a Trainer fills copies only"
            raise StateError.expected(type(self).__name__, "a batch to have been taken in", "none", remedy)
        figures = self._figure(self.right, self.predicted, self.actual)
        return np.where(self.predicted + self.actual > 0, figures, np.nan)

    def compute(self) -> float:
        """From 0 to 1."""
        found = self.predicted + self.actual > 0
        if not found.any():
            return np.nan
        if self.average == "micro":
            return float(self._figure(self.right.sum(), self.predicted.sum(), self.actual.sum()))
        weights = self.actual[found] if self.average == "weighted" else None
        if weights is not None and not weights.any():
            return 0.0
        return float(np.average(self.per_class()[found], weights=weights))


class Precision(_OfClasses):
    """How many of the samples predicted to be of a class are of it."""

    def _fraction(self, right: Array, predicted: Array, actual: Array) -> tuple[Array, Array]:
        return right, predicted


class Recall(_OfClasses):
    """How many of the samples of a class are predicted to be of it; see `Precision`."""

    def _fraction(self, right: Array, predicted: Array, actual: Array) -> tuple[Array, Array]:
        return right, actual


class F1(_OfClasses):
    """The harmonic mean of precision and recall, of each class; see `Precision`."""

    def _fraction(self, right: Array, predicted: Array, actual: Array) -> tuple[Array, Array]:
        return 2 * right, predicted + actual


def confusion_matrix(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: int) -> Array:
    """How many samples of class i were predicted to be of class j: int64 (classes, classes).

    Parameters
    ----------
    labels, predictions : array-like of int, shape (N,)
        Each in [0, classes).
    classes : int

    Raises
    ------
    ShapeError, DTypeError, DataError

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 2], 3)
    array([[1, 1, 0],
           [0, 1, 0],
           [0, 0, 1]])
    """
    classes = check_int("confusion_matrix", "classes", classes, at_least=1)
    check_shape("confusion_matrix", "a matrix", (classes, classes))
    pair: list[Array] = []
    for name, values in (("labels", labels), ("predictions", predictions)):
        array = check_array("confusion_matrix", name, values, kinds="iu")
        if array.ndim != 1 or (pair and array.shape != pair[0].shape):
            shape = pair[0].shape if pair else "(N,)"
            raise ShapeError.expected("confusion_matrix", f"{name} of shape {shape}", array.shape)
        if array.size and not (array.min() >= 0 and array.max() < classes):
            expected = f"{name} from 0 to {classes - 1}"
            raise DataError.expected("confusion_matrix", expected, f"{array.min()} to {array.max()}")
        pair.append(array.astype(np.int64))
    return np.bincount(pair[0] * classes + pair[1], minlength=classes**2).reshape(classes, classes)
