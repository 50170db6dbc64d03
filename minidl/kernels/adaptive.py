"""What the optimizers do that scale each number's step by the sizes of its gradients so far.

All arrays are vectors of one size and dtype, float32 or float64; the state is changed in place as the values
are. They are walked in blocks, which stay in the cache while the operations of an update pass over them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.kernels.blas import axpby
from minidl.kernels.way import compiled
from minidl.types import Array

_BLOCK_BYTES = 1 << 17
"""Of each vector: five such blocks fit the second cache, and the calls cost little beside their work."""


class _Scratch(threading.local):
    """One block for each dtype, kept for good; each thread has its own."""

    def __init__(self) -> None:
        self.blocks: dict[np.dtype[Any], Array] = {}


_scratch = _Scratch()


def _blocks(*vectors: Array) -> Iterator[tuple[Array, ...]]:
    """A block of scratch, then of each vector, from the first block to the last."""
    first = vectors[0]
    count = _BLOCK_BYTES // first.itemsize
    scratch = _scratch.blocks.get(first.dtype)
    if scratch is None:
        scratch = _scratch.blocks[first.dtype] = np.empty(count, first.dtype)
    size = first.size
    if size <= count:
        yield scratch[:size], *vectors
        return
    for start in range(0, size, count):
        parts = [vector[start : start + count] for vector in vectors]
        yield scratch[: parts[0].size], *parts


@compiled
def adam_update(
    values: Array, gradients: Array, first: Array, second: Array, lr: float,
    betas: tuple[float, float], eps: float, step: int, decay: float = 0.0,
) -> None:  # fmt: skip
    """One step of Adam: both moments' running means, then the values.

    Parameters
    ----------
    first, second : ndarray
        Running means of the gradient and of its square.
    step : int >= 1
        The number of this update, from 1, for the correction of the means' start at 0.
    decay : float
        The values are first multiplied by ``1 - lr * decay``.
    """
    beta1, beta2 = betas
    # Both corrections are factors of the whole vector: it is cheaper to put them into the rate and eps.
    root = math.sqrt(1 - beta2**step)
    rate, eps = lr * root / (1 - beta1**step), eps * root
    for s, w, g, m, v in _blocks(values, gradients, first, second):
        axpby(1 - beta1, g, beta1, m)
        np.multiply(g, g, s)
        axpby(1 - beta2, s, beta2, v)
        np.sqrt(v, s)
        np.add(s, eps, s)
        np.divide(m, s, s)
        if decay:
            np.multiply(w, 1 - lr * decay, w)
        axpby(-rate, s, 1, w)


def adam_update_definition(
    values: Array, gradients: Array, first: Array, second: Array, lr: float,
    betas: tuple[float, float], eps: float, step: int, decay: float = 0.0,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """What `adam_update` leaves in `values`, `first` and `second`."""
    beta1, beta2 = betas
    first = beta1 * first + (1 - beta1) * gradients
    second = beta2 * second + (1 - beta2) * gradients**2
    mean, square = first / (1 - beta1**step), second / (1 - beta2**step)
    values = (1 - lr * decay) * values
    return values - lr * mean / (np.sqrt(square) + eps), first, second


@compiled
def rmsprop_update(
    values: Array, gradients: Array, square: Array, velocity: Array | None, lr: float,
    alpha: float, eps: float, momentum: float,
) -> None:  # fmt: skip
    """One step of RMSprop; `square` is the running mean of the gradient's square.

    Parameters
    ----------
    velocity : ndarray or None
        What momentum has gathered; None where there is none.
    """
    vectors = (values, gradients, square) if velocity is None else (values, gradients, square, velocity)
    for s, w, g, v, *gathered in _blocks(*vectors):
        np.multiply(g, g, s)
        axpby(1 - alpha, s, alpha, v)
        np.sqrt(v, s)
        np.add(s, eps, s)
        np.divide(g, s, s)
        if gathered:
            axpby(1, s, momentum, gathered[0])
            s = gathered[0]
        axpby(-lr, s, 1, w)


def rmsprop_update_definition(
    values: Array, gradients: Array, square: Array, velocity: Array | None, lr: float,
    alpha: float, eps: float, momentum: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """What `rmsprop_update` leaves in `values`, `square` and `velocity`."""
    square = alpha * square + (1 - alpha) * gradients**2
    scaled = gradients / (np.sqrt(square) + eps)
    velocity = scaled if velocity is None else momentum * velocity + scaled
    return values - lr * velocity, square, velocity


@compiled
def adagrad_update(
    values: Array, gradients: Array, total: Array, lr: float, eps: float, initial: float = 0.0
) -> None:
    """One step of Adagrad; `total` is the sum of the gradients' squares, to which `initial` is added."""
    for s, w, g, t in _blocks(values, gradients, total):
        np.multiply(g, g, s)
        np.add(t, s, t)
        if initial:
            np.add(t, initial, s)
            np.sqrt(s, s)
        else:
            np.sqrt(t, s)
        np.add(s, eps, s)
        np.divide(g, s, s)
        axpby(-lr, s, 1, w)


def adagrad_update_definition(
    values: Array, gradients: Array, total: Array, lr: float, eps: float, initial: float = 0.0
) -> tuple[Array, Array]:
    """What `adagrad_update` leaves in `values` and `total`."""
    total = total + gradients**2
    return values - lr * gradients / (np.sqrt(initial + total) + eps), total
