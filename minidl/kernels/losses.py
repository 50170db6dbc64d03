"""The losses of single scores, and the hinge of labels.

Those of single scores leave each number's loss in `losses` and its derivative by the score in `slopes`, where
all arrays have the shape of the scores. How much each number counts is the loss's business.
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.kernels.way import compiled
from minidl.types import Array

_INT64 = np.dtype(np.int64)


@compiled
def squared_error(scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
    """``(scores - targets)**2`` and ``2 * (scores - targets)``."""
    np.subtract(scores, targets, slopes, casting="same_kind")
    np.multiply(slopes, slopes, losses, dtype=losses.dtype)
    np.add(slopes, slopes, slopes)


def squared_error_definition(scores: Array, targets: Array) -> tuple[Array, Array]:
    """What `squared_error` computes."""
    return (scores - targets) ** 2, 2 * (scores - targets)


@compiled
def absolute_error(scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
    """``abs(scores - targets)`` and its sign, 0 at 0."""
    np.subtract(scores, targets, slopes, casting="same_kind")
    np.absolute(slopes, losses)
    np.sign(slopes, slopes)


def absolute_error_definition(scores: Array, targets: Array) -> tuple[Array, Array]:
    """What `absolute_error` computes."""
    return np.abs(scores - targets), np.sign(scores - targets)


@compiled
def huber(scores: Array, targets: Array, losses: Array, slopes: Array, delta: float) -> None:
    """Half the squared error up to `delta`, beyond it a straight line of slope `delta`."""
    np.subtract(scores, targets, slopes, casting="same_kind")
    np.add(slopes, slopes, losses, dtype=losses.dtype)
    np.clip(slopes, -delta, delta, out=slopes)
    # With the error e and the slope s, which is e cut off at delta, it is s * (e - s / 2) in both cases.
    losses -= slopes
    losses *= slopes
    losses *= 0.5


def huber_definition(scores: Array, targets: Array, delta: float) -> tuple[Array, Array]:
    """What `huber` computes."""
    errors = scores - targets
    sizes = np.abs(errors)
    losses = np.where(sizes <= delta, errors**2 / 2, delta * (sizes - delta / 2))
    return losses, np.where(sizes <= delta, errors, delta * np.sign(errors))


@compiled
def binary_cross_entropy(scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
    """``-log(p)`` of what is the case, with ``p = sigmoid(scores)``, and ``p - targets``.

    Targets are in [0, 1]: ``-targets * log(p) - (1 - targets) * log(1 - p)``. Finite for scores of ±1e4.
    """
    # The loss is log(1 + exp(-|score|)) - min(score, 0) + score * (1 - target): no exponent is above 0.
    np.absolute(scores, slopes)
    np.negative(slopes, slopes)
    np.log1p(np.exp(slopes, slopes), losses)
    losses -= np.minimum(scores, 0, out=slopes)
    np.subtract(1, targets, slopes, dtype=slopes.dtype, casting="same_kind")
    slopes *= scores
    losses += slopes
    # p is (1 + tanh(score / 2)) / 2: within a rounding of 1, as it would be once the target is taken off.
    np.multiply(scores, 0.5, slopes)
    np.tanh(slopes, slopes)
    slopes += 1
    slopes *= 0.5
    slopes -= targets


def binary_cross_entropy_definition(scores: Array, targets: Array) -> tuple[Array, Array]:
    """What `binary_cross_entropy` computes; ``logaddexp(0, -s)`` is ``-log(p)``."""
    losses = targets * np.logaddexp(0, -scores) + (1 - targets) * np.logaddexp(0, scores)
    return losses, 1 / (1 + np.exp(-scores)) - targets


@compiled
def multiclass_hinge(scores: Array, labels: Array, margin: float, out: Array) -> tuple[Array, Array]:
    """Each sample's ``sum(max(0, scores - scores[label] + margin))`` over other classes, and its gradient.

    Parameters
    ----------
    scores : ndarray of shape (N, C)
        Float.
    labels : ndarray of shape (N,)
        int64, each in [0, C).
    out : ndarray of shape (N, C)
        Contiguous and of the dtype of `scores`: memory for the gradient.

    Returns
    -------
    losses : ndarray of shape (N,)
    gradient : ndarray of shape (N, C)
        In the memory of `out`, though maybe in another order. It is 1 where a class misses its margin, and
        minus the number of those for the label.
    """
    samples, classes = scores.shape
    work = out.reshape(classes, samples)
    entries = labels * samples
    entries += CONSTANTS["arange", samples, _INT64]
    np.copyto(work, scores.T)
    flat = work.reshape(-1)
    own = flat.take(entries)
    work -= own - margin
    flat.put(entries, own - own)  # 0, but for NaN
    np.maximum(work, 0, out=work)
    losses: Array = np.add.reduce(work, 0)
    np.sign(work, work)
    flat.put(entries, -np.add.reduce(work, 0))
    return losses, work.T


def multiclass_hinge_definition(scores: Array, labels: Array, margin: float) -> tuple[Array, Array]:
    """The losses and their gradient (N, C), as `multiclass_hinge` gives them."""
    rows = np.arange(len(scores))
    others = np.ones(scores.shape)
    others[rows, labels] = 0
    missed = others * np.maximum(0, scores - scores[rows, labels][:, None] + margin)
    gradient = (missed > 0).astype(scores.dtype)
    gradient[rows, labels] = -gradient.sum(axis=1)
    return missed.sum(axis=1), gradient
