"""What a metric is, and how metrics of numbers read their batches."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from minidl.advice import shown
from minidl.checks import check_array, check_list, check_targets_like, check_weights
from minidl.errors import ConfigurationError, DataError, ShapeError
from minidl.stateful import Stateful
from minidl.types import Array


class Metric(Stateful, ABC):
    """A number that sums up all samples since the last `reset`, however they were cut into batches.

    A metric of your own sets `name` and keeps what it adds up in attributes, which `reset` sets; the
    constructor calls `reset`.

    Attributes
    ----------
    name : str
        An identifier, but for ``loss``; a history's columns are called ``train_NAME`` and
        ``validation_NAME``. Metrics that are measured together have different ones.

    Examples
    --------
    >>> from minidl.metrics import Accuracy
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


def check_metrics(metrics: Sequence[Metric]) -> list[Metric]:
    """`metrics` as a list; `ConfigurationError` where they, or their names as columns, will not do."""
    metrics = check_list("metrics", "them", metrics, Metric, "objects of class Metric")
    taken = {"loss": "the loss"}
    for metric in metrics:
        kind, name = type(metric).__name__, getattr(metric, "name", None)
        if not (isinstance(name, str) and name.isidentifier()):
            expected, got = f"{kind} to have a name that is an identifier", shown(name)
            remedy = f"write name = {kind.lower()!r} in the class, say"
            raise ConfigurationError.expected("metrics", expected, got, remedy)
        if name in taken:
            expected, got = f"{kind} to have a name of its own", f"{name!r}, which {taken[name]} has"
            raise ConfigurationError.expected("metrics", expected, got, "set metric.name to another")
        taken[name] = kind
    return metrics


def columns(where: str, scores: Array, targets: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Scores and targets as float64 (N, K), and weights (N,), of ones where there are none."""
    scores = check_array(where, "scores", scores)
    targets = check_targets_like(where, targets, scores.shape)
    if not targets.ndim:
        raise ShapeError.expected(where, "scores of shape (N, ...)", targets.shape)
    samples = len(targets)
    checked = np.ones(samples) if weights is None else check_weights(where, weights, samples)
    shape = (samples, -1) if targets.size else (samples, math.prod(targets.shape[1:]))
    return scores.reshape(shape).astype(np.float64), targets.reshape(shape).astype(np.float64), checked


def classes(where: str, scores: Array, targets: Array, weights: Array | None) -> tuple[Array, Array, Array]:
    """Scores as float64 (N, C), which class each sample is of as booleans (N, C), and weights (N,).

    With labels (N,), C classes exclude each other; one score a sample stands for two classes, of which
    the first scores 0, as its softmax is the sigmoid. With targets (N, C) each is a class of its own,
    which is there where its target is above a half and is predicted where its score is above 0.

    Raises
    ------
    ShapeError, DTypeError, DataError
    """
    scores, targets = check_array(where, "scores", scores), check_array(where, "targets", targets)
    if targets.ndim == 2 and targets.shape == scores.shape:
        scores, targets, weights = columns(where, scores, targets, weights)
        return scores, targets > 0.5, weights
    if scores.ndim != 2 or targets.shape != scores.shape[:1]:
        expected = "scores (N, C) and labels (N,), or targets (N, C) of 0 and 1"
        raise ShapeError.expected(where, expected, f"{scores.shape} and {targets.shape}")
    samples = len(scores)
    checked = np.ones(samples) if weights is None else check_weights(where, weights, samples)
    scores = scores.astype(np.float64)
    if scores.shape[1] == 1:
        scores = np.concatenate([0 * scores, scores], axis=1)  # NaN stays NaN
    wrong = ~((targets >= 0) & (targets < scores.shape[1]) & (targets == np.floor(targets)))
    if wrong.any():
        sample = int(wrong.argmax())
        got = f"{targets[sample]} at sample {sample}"
        raise DataError.expected(where, f"labels from 0 to {scores.shape[1] - 1}", got)
    return scores, targets[:, None] == np.arange(scores.shape[1]), checked
