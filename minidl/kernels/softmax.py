"""Softmax and its logarithm."""

from __future__ import annotations

import numpy as np

from minidl.kernels.way import compiled
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes of attributes.
_exp, _log, _sum, _largest = np.exp, np.log, np.add.reduce, np.maximum.reduce


@compiled
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


@compiled
def softmax_backward(dy: Array, y: Array, out: Array, sums: Array | None) -> Array:
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


@compiled
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


@compiled
def log_softmax_backward(dy: Array, probabilities: Array, out: Array, sums: Array | None) -> Array:
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
