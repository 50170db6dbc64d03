"""The cross-entropy of labels, and what else is computed of scores (N, C) and labels (N,)."""

from __future__ import annotations

import math

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.kernels.softmax import softmax_definition
from minidl.kernels.way import compiled
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes of attributes.
_copy, _exp, _log, _sum, _largest = np.copyto, np.exp, np.log, np.add.reduce, np.maximum.reduce
_FLOAT64 = np.dtype(np.float64)
_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)


@compiled
def are_labels(labels: Array, classes: int) -> bool:
    """Whether all int64 `labels` (N >= 1,) lie in [0, `classes`)."""
    # Taken as unsigned, a negative label is a huge one: one look at the highest finds both kinds.
    return bool(_largest(labels.view(_UINT64)) < classes)


def are_labels_definition(labels: Array, classes: int) -> bool:
    """What `are_labels` computes."""
    return bool((labels >= 0).all() and (labels < classes).all())


def _shifted(scores: Array, labels: Array, out: Array | None) -> tuple[Array, Array, Array, Array]:
    """The scores less each sample's largest, as (C, N), in the memory of `out` where that is given.

    Beside them the same in one dimension, where in it the score of each label is, and these scores.
    """
    samples, classes = scores.shape
    # An array of no dimensions, because NumPy would first convert a Python number.
    entries = labels * CONSTANTS["array", samples, _INT64]
    entries += CONSTANTS["arange", samples, _INT64]
    # Worked on as (C, N): NumPy reduces and spreads along few long rows in half the time that many short
    # ones take.
    shifted = np.empty((classes, samples), scores.dtype) if out is None else out.reshape(classes, samples)
    _copy(shifted, scores.T)
    shifted -= _largest(shifted, 0)
    flat = shifted.reshape(-1)
    own = flat.take(entries)
    return shifted, flat, entries, own


@compiled
def softmax_cross_entropy(
    scores: Array, labels: Array, weights: Array | None = None, out: Array | None = None
) -> tuple[float, Array | None]:
    """The weighted mean of ``-log softmax(scores)[label]``, added up in float64, and its gradient.

    Finite for scores of ±1e4 in float32, since each row's maximum is subtracted.

    Parameters
    ----------
    scores : ndarray of shape (N, C)
        Float; N and C at least 1.
    labels : ndarray of shape (N,)
        int64, each in [0, C); see `are_labels`.
    weights : ndarray of shape (N,), optional
        Float; how much each sample counts, relative to all: not negative. All 0, they give a loss and
        gradients of 0.
    out : ndarray of shape (N, C), optional
        Contiguous and of the dtype of `scores`. Given in training: memory for the gradient.

    Returns
    -------
    loss : float
    gradient : ndarray of shape (N, C), or None without `out`
        By the scores, in the memory of `out`, though maybe in another order:
        ``share * (softmax(scores) - onehot(labels))``, where the share of each sample in the mean is
        ``1 / N`` or ``weights / sum(weights)``.
    """
    samples = len(scores)
    exps, flat, entries, own = _shifted(scores, labels, out)
    _exp(exps, exps)
    sums = _sum(exps, 0)
    losses = _log(sums)
    losses -= own
    if out is not None:
        # One is subtracted from the probability before both are divided by the sum.
        flat.put(entries, flat.take(entries) - sums)
    if weights is None:
        if out is not None:
            sums *= CONSTANTS["array", samples, exps.dtype]
            exps /= sums
        loss: float = _sum(losses, 0, _FLOAT64).item() / samples
    else:
        shares = weights / (_sum(weights, 0, _FLOAT64) or 1.0)
        if out is not None:
            exps *= (shares / sums).astype(exps.dtype)
        loss = float(np.dot(shares, losses))
    return loss, None if out is None else exps.T


def softmax_cross_entropy_definition(
    scores: Array, labels: Array, weights: Array | None = None
) -> tuple[float, Array]:
    """The loss and its gradient by the scores, as `softmax_cross_entropy` gives them."""
    rows = np.arange(len(scores))
    shares = np.ones(len(scores)) if weights is None else weights
    shares = shares / shares.sum()
    probabilities = softmax_definition(scores)
    loss = -(shares * np.log(probabilities[rows, labels])).sum()
    onehot = np.zeros(scores.shape)
    onehot[rows, labels] = 1
    return float(loss), shares[:, None] * (probabilities - onehot)


@compiled
def smoothed_cross_entropy(
    scores: Array,
    labels: Array,
    smoothing: float,
    shares: Array,
    of_classes: Array,
    out: Array | None = None,
) -> tuple[float, Array | None]:
    """The sum over samples of ``shares * -sum(q * log softmax(scores))``, in float64, and its gradient.

    The target `q` of a sample is spread: ``of_classes[k] * smoothing / C`` for each class k, and
    ``of_classes[label] * (1 - smoothing)`` more for the label.

    Parameters
    ----------
    scores, labels, out
        As those of `softmax_cross_entropy`, and so is what is returned.
    smoothing : float in [0, 1]
    shares : ndarray of shape (N,)
        float64: how much each sample counts.
    of_classes : ndarray of shape (C,)
        float64: each class's weight.
    """
    classes = scores.shape[1]
    exps, flat, entries, own = _shifted(scores, labels, out)
    spread, kept = of_classes * (smoothing / classes), of_classes[labels] * (1 - smoothing)
    spread_scores = np.dot(spread.astype(exps.dtype), exps)
    _exp(exps, exps)
    sums = _sum(exps, 0)
    logs = _log(sums)
    whole = kept + spread.sum()  # what the targets of a sample add up to
    loss = float(np.dot(shares, whole * logs - kept * own - spread_scores))
    if out is not None:
        of_label = flat.take(entries) / sums.astype(np.float64)
        exps *= (whole / sums).astype(exps.dtype)
        exps -= spread.astype(exps.dtype)[:, None]
        # In this order nothing is left by rounding where the label's probability is 1.
        flat.put(entries, kept * (of_label - 1) + (spread.sum() * of_label - spread[labels]))
        exps *= shares.astype(exps.dtype)
    return loss, None if out is None else exps.T


def smoothed_cross_entropy_definition(
    scores: Array, labels: Array, smoothing: float, shares: Array, of_classes: Array
) -> tuple[float, Array]:
    """The loss and its gradient by the scores, as `smoothed_cross_entropy` gives them."""
    targets = np.full(scores.shape, smoothing / scores.shape[1])
    targets[np.arange(len(scores)), labels] += 1 - smoothing
    targets *= of_classes
    probabilities = softmax_definition(scores)
    loss = -(shares * (targets * np.log(probabilities)).sum(axis=1)).sum()
    return float(loss), shares[:, None] * (targets.sum(axis=1, keepdims=True) * probabilities - targets)


@compiled
def count_right(scores: Array, labels: Array) -> float:
    """How many rows of `scores` (N, C) have their highest score at their label: NaN where a score is NaN.

    Of equal scores, the first one is the highest. `labels` (N,) are integers; those outside [0, C) are wrong.
    """
    right = np.count_nonzero(scores.argmax(1) == labels)
    # One look at all numbers: their squares add up to NaN where one of them is that.
    return math.nan if math.isnan(np.vdot(scores, scores)) else float(right)


def count_right_definition(scores: Array, labels: Array) -> float:
    """What `count_right` computes."""
    if np.isnan(scores).any():
        return math.nan
    pairs = zip(scores.tolist(), labels.tolist(), strict=True)
    return float(sum(row.index(max(row)) == label for row, label in pairs))


@compiled
def highest(scores: Array) -> Array:
    """The index of the highest score of each row of `scores` (N, C), of shape (N,) and dtype intp.

    Of equal scores the first one is the highest; in a row with NaN, the first NaN.
    """
    return scores.argmax(1)  # type: ignore[no-any-return]


def highest_definition(scores: Array) -> list[int]:
    """What `highest` computes, where there is no NaN."""
    return [row.index(max(row)) for row in scores.tolist()]
