"""Softmax, its logarithm, and the cross-entropy of labels."""

from __future__ import annotations

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes of attributes.
_copy, _exp, _log, _sum, _largest = np.copyto, np.exp, np.log, np.add.reduce, np.maximum.reduce
_FLOAT64 = np.dtype(np.float64)
_INT64 = np.dtype(np.int64)
_UINT64 = np.dtype(np.uint64)


def softmax(scores: Array, out: Array | None = None, sums: Array | None = None) -> Array:
    """The probabilities (..., C) of scores (..., C), in `out` or an array of their own.

    Each row adds up to 1, or holds NaN where a score is NaN or infinite; minus infinity beside a finite
    score is a probability of 0. `sums` (..., 1) is to compute in, an array of their own where it is not
    given.
    """
    with np.errstate(invalid="ignore"):  # an infinite score gives NaN, which says enough
        exps: Array = np.subtract(scores, _largest(scores, -1, None, sums, keepdims=True), out)
        _exp(exps, exps)
        exps /= _sum(exps, -1, None, sums, keepdims=True)
    return exps


def softmax_definition(scores: Array) -> Array:
    """What `softmax` computes, but for overflow."""
    return np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]


def softmax_backward(dy: Array, y: Array, out: Array, sums: Array) -> Array:
    """``y * (dy - sum(dy * y))`` in `out`, of shape (..., C): the sum is that of each row.

    The gradient by the scores from `dy`, that by the probabilities `y`. `sums` (..., 1) is to compute in.
    """
    np.multiply(dy, y, out)
    np.subtract(dy, _sum(out, -1, None, sums, keepdims=True), out)
    return np.multiply(out, y, out)


def softmax_backward_definition(dy: Array, y: Array) -> Array:
    """What `softmax_backward` computes: the product with each row's Jacobian."""
    jacobians = y[..., None] * (np.eye(y.shape[-1]) - y[..., None, :])
    return np.einsum("...ij,...i->...j", jacobians, dy)  # type: ignore[no-any-return]


def log_softmax(
    scores: Array, out: Array | None = None, probabilities: Array | None = None, sums: Array | None = None
) -> Array:
    """``scores - log(sum(exp(scores)))``, the sum that of each row, in `out` or an array of its own.

    Finite for scores of ±1e4 in float32, since each row's maximum is subtracted.

    Parameters
    ----------
    scores, out, probabilities : ndarray of shape (..., C)
        Of one float dtype. ``softmax(scores)`` is left in `probabilities` where it is given.
    sums : ndarray of shape (..., 1), optional
        To compute in, each row's sum; in an array of its own where it is not given.
    """
    with np.errstate(invalid="ignore"):  # an infinite score gives NaN, which says enough
        logs: Array = np.subtract(scores, _largest(scores, -1, None, sums, keepdims=True), out)
        exps = _exp(logs, probabilities)
        sums = _sum(exps, -1, None, sums, keepdims=True)
        if probabilities is not None:
            exps /= sums
        logs -= _log(sums, sums)
    return logs


def log_softmax_definition(scores: Array) -> Array:
    """What `log_softmax` computes, but for overflow."""
    return scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))  # type: ignore[no-any-return]


def log_softmax_backward(dy: Array, probabilities: Array, out: Array, sums: Array) -> Array:
    """``dy - probabilities * sum(dy)``, of shape (..., C): the sum is that of each row.

    The gradient by the scores from `dy`, that by the logarithms of the `probabilities`; in `out`, which may
    be the array of the `probabilities`. `sums` (..., 1) is to compute in.
    """
    np.multiply(probabilities, _sum(dy, -1, None, sums, keepdims=True), out)
    return np.subtract(dy, out, out)


def log_softmax_backward_definition(dy: Array, probabilities: Array) -> Array:
    """What `log_softmax_backward` computes: the product with each row's Jacobian."""
    jacobians = np.eye(dy.shape[-1]) - probabilities[..., None, :]
    return np.einsum("...ij,...i->...j", jacobians, dy)  # type: ignore[no-any-return]


def are_labels(labels: Array, classes: int) -> bool:
    """Whether all int64 `labels` (N >= 1,) lie in [0, `classes`)."""
    # Taken as unsigned, a negative label is a huge one: one look at the highest finds both kinds.
    return _largest(labels.view(_UINT64)) < classes  # type: ignore[no-any-return]


def are_labels_definition(labels: Array, classes: int) -> bool:
    """What `are_labels` computes."""
    return bool((labels >= 0).all() and (labels < classes).all())


def softmax_cross_entropy(
    scores: Array, labels: Array, weights: Array | None = None, work: Array | None = None
) -> float:
    """The weighted mean of ``-log softmax(scores)[label]``, added up in float64.

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
    work : ndarray of shape (C, N), optional
        Contiguous and of the dtype of `scores`. Given in training: the gradient by the scores, transposed,
        is left in it. That is ``share * (softmax(scores) - onehot(labels))``, where the share of each
        sample in the mean is ``1 / N`` or ``weights / sum(weights)``.
    """
    samples, classes = scores.shape
    # An array of no dimensions, because NumPy would first convert a Python number.
    entries = labels * CONSTANTS["array", samples, _INT64]
    entries += CONSTANTS["arange", samples, _INT64]
    # Worked on as (C, N): NumPy reduces and spreads along few long rows in half the time that many short
    # ones take.
    exps = np.empty((classes, samples), scores.dtype) if work is None else work
    _copy(exps, scores.T)
    exps -= _largest(exps, 0)
    flat = exps.reshape(-1)
    own = flat.take(entries)
    _exp(exps, exps)
    sums = _sum(exps, 0)
    losses = _log(sums)
    losses -= own
    if work is not None:
        # One is subtracted from the probability before both are divided by the sum.
        flat.put(entries, flat.take(entries) - sums)
    if weights is None:
        if work is not None:
            sums *= CONSTANTS["array", samples, work.dtype]
            work /= sums
        loss: float = _sum(losses, 0, _FLOAT64).item() / samples
        return loss
    shares = weights / (_sum(weights, 0, _FLOAT64) or 1.0)
    if work is not None:
        work *= (shares / sums).astype(work.dtype)
    return float(np.dot(shares, losses))


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


def smoothed_cross_entropy(
    scores: Array, labels: Array, smoothing: float, shares: Array, of_classes: Array, work: Array | None
) -> float:
    """The sum over samples of ``shares * -sum(q * log softmax(scores))``, added up in float64.

    The target `q` of a sample is spread: ``of_classes[k] * smoothing / C`` for each class k, and
    ``of_classes[label] * (1 - smoothing)`` more for the label.

    Parameters
    ----------
    scores, labels, work
        As those of `softmax_cross_entropy`; the gradient is left in `work` in the same way.
    smoothing : float in [0, 1]
    shares : ndarray of shape (N,)
        float64: how much each sample counts.
    of_classes : ndarray of shape (C,)
        float64: each class's weight.
    """
    samples, classes = scores.shape
    entries = labels * CONSTANTS["array", samples, _INT64]
    entries += CONSTANTS["arange", samples, _INT64]
    exps = np.empty((classes, samples), scores.dtype) if work is None else work
    _copy(exps, scores.T)
    exps -= _largest(exps, 0)
    flat = exps.reshape(-1)
    own = flat.take(entries)
    spread, kept = of_classes * (smoothing / classes), of_classes[labels] * (1 - smoothing)
    spread_scores = np.dot(spread.astype(exps.dtype), exps)
    _exp(exps, exps)
    sums = _sum(exps, 0)
    logs = _log(sums)
    whole = kept + spread.sum()  # what the targets of a sample add up to
    loss = float(np.dot(shares, whole * logs - kept * own - spread_scores))
    if work is not None:
        of_label = flat.take(entries) / sums.astype(np.float64)
        work *= (whole / sums).astype(work.dtype)
        work -= spread.astype(work.dtype)[:, None]
        # In this order nothing is left by rounding where the label's probability is 1.
        flat.put(entries, kept * (of_label - 1) + (spread.sum() * of_label - spread[labels]))
        work *= shares.astype(work.dtype)
    return loss


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
