"""Losses for labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_array, check_kind
from minidl.errors import ConfigurationError, DataError, DivergedError, DTypeError, ShapeError
from minidl.losses.loss import ANY, Loss
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class SoftmaxCrossEntropy(Loss):
    """``mean(-log softmax(scores)[label])`` for scores (N, C) and integer labels (N,) in [0, C).

    Computed through log-sum-exp with each row's maximum subtracted, so it stays finite for scores
    of ±1e4 in float32. NaN scores give a NaN loss.

    Parameters
    ----------
    target_names : tuple or list of str, optional
        The name of each class, one for each score. The loss has no use for them, but they stay with
        the net: ``net.head.target_names[label]``, in its file too.

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> f"{loss.forward(np.zeros((2, 4)), [0, 3], training=False):.6f}"  # log(4)
    '1.386294'
    """

    target_names: tuple[str, ...] | None = None

    def __init__(self, target_names: Sequence[str] | None = None) -> None:
        if target_names is None:
            return
        # Other sequences, such as arrays of strings, are nothing that a net's file can describe.
        is_list = type(target_names) in (tuple, list)
        if not (is_list and target_names and all(isinstance(name, str) for name in target_names)):
            remedy = "give a tuple such as ('cat', 'dog'); of an array, tuple(names.tolist())"
            self.fail(ConfigurationError, "target_names to be a tuple of strings", repr(target_names), remedy)
        self.target_names = tuple(map(str, target_names))

    def forward(self, scores: Array, targets: npt.ArrayLike, *, training: bool) -> float:
        """The mean cross-entropy.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N >= 1, C) floats; for labels one-hot or (N, 1), not integers (booleans
            are not), or outside [0, C).
        """
        self._check_scores(scores)
        samples, classes = scores.shape
        # Where each sample's own class is in what follows.
        entries = self._check_labels(targets, samples, classes) * samples
        entries += _counting(samples)
        # Worked on as (classes, samples): NumPy reduces and spreads along few long rows in half
        # the time that many short ones take.
        shape = (classes, samples)
        work = self.buffer("work", shape, scores.dtype) if training else np.empty(shape, scores.dtype)
        np.copyto(work, scores.T)
        work -= np.maximum.reduce(work, 0)
        flat = work.reshape(-1)
        shifted = flat.take(entries)
        np.exp(work, work)
        sums = np.add.reduce(work, 0)
        losses = np.log(sums) - shifted
        if training:
            # Divided by the number of samples here and now, since that is free.
            sums *= samples
            work /= sums
            self.remember(work, entries)
        return float(np.add.reduce(losses, 0, np.float64) / samples)

    def backward(self) -> Array:
        """``(softmax(scores) - onehot(labels)) / N``, of shape (N, C)."""
        work: Array
        work, entries = self.recall()
        flat = work.reshape(-1)
        flat.put(entries, flat.take(entries) - 1 / len(entries))
        return work.T

    def probabilities(self, scores: Array) -> Array:
        """``softmax(scores)``, of shape (N, C); each row adds up to 1, or is NaN where its scores are."""
        self._check_scores(scores)
        with np.errstate(invalid="ignore"):  # an infinite score gives NaN, which says enough
            exps: Array = np.exp(scores - scores.max(axis=1, keepdims=True))
            exps /= exps.sum(axis=1, keepdims=True)
        return exps

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

    def _check_scores(self, scores: Array) -> None:
        if scores.__class__ is not np.ndarray or scores.dtype.kind != "f":
            check_kind(self.label, "scores", scores, np.ndarray, error=DTypeError)
            check_array(self.label, "scores", scores, kinds="f")
        if scores.ndim != 2 or not scores.shape[1]:
            self.fail(ShapeError, "scores of shape (batch, classes)", scores.shape)
        if self.target_names and len(self.target_names) != scores.shape[1]:
            expected = f"{len(self.target_names)} scores a sample, one for each of target_names"
            self.fail(ShapeError, expected, scores.shape[1], "give each class one name and one score")

    def _check_labels(self, targets: npt.ArrayLike, samples: int, classes: int) -> npt.NDArray[np.int64]:
        labels: Array = targets  # type: ignore[assignment]
        if targets.__class__ is not np.ndarray:
            labels = check_array(self.label, "labels", targets, kinds=ANY)
        if labels.shape != (samples,):
            remedy = "give class indices: argmax of one-hot rows, ravel() of an (N, 1) column"
            self.fail(ShapeError, f"labels of shape ({samples},)", labels.shape, remedy)
        if not samples:
            self.fail(ShapeError, "at least one sample", "an empty batch")
        if labels.dtype.kind not in "iu":
            check_array(self.label, "labels", labels, kinds="iu")
        labels = labels.astype(np.int64, copy=False)
        # Taken as unsigned, a negative label is a huge one: one look finds both kinds.
        if np.maximum.reduce(labels.view(np.uint64)) >= classes:
            wrong = labels.min() if labels.min() < 0 else labels.max()
            self.fail(DataError, f"labels from 0 to {classes - 1}, one for each of {classes} scores", wrong)
        return labels


@lru_cache(maxsize=32)
def _counting(count: int) -> npt.NDArray[np.int64]:
    numbers = np.arange(count)
    numbers.flags.writeable = False
    return numbers
