"""Dropout: a random mask, and what it leaves of x."""

from __future__ import annotations

import numpy as np

from minidl.kernels.way import compiled
from minidl.types import Array

_BLOCK = 1 << 13
"""Numbers drawn at once: few enough to stay in the cache until they are compared."""


def dropout(generator: np.random.Generator, p: float, x: Array, mask: Array, y: Array) -> None:
    """Draw `mask` anew, 0 with probability `p`, else ``1 / (1 - p)``, and write ``x * mask`` to `y`.

    Parameters
    ----------
    generator : numpy.random.Generator
    p : float in [0, 1]
    x, mask, y : ndarray of any one shape and float dtype
        `mask` and `y` are contiguous, and none overlaps another.
    """
    x, mask, y = x.reshape(-1), mask.reshape(-1), y.reshape(-1)
    draws = np.empty(min(x.size, _BLOCK), np.float32)
    for start in range(0, x.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        drawn = generator.random(out=draws[: x.size - start], dtype=np.float32)
        drop(drawn, p, x[part], mask[part], y[part])


def dropout_definition(generator: np.random.Generator, p: float, x: Array) -> tuple[Array, Array]:
    """The mask and the y of `dropout`."""
    return drop_definition(generator.random(x.shape, np.float32), p, x)


@compiled
def drop(drawn: Array, p: float, x: Array, mask: Array, y: Array) -> None:
    """The mask that is 0 where a number of float32 is below `p`, and ``x * mask``, of one dimension."""
    np.greater_equal(drawn, p, out=mask)
    mask *= _scale(p)
    np.multiply(x, mask, out=y)


def drop_definition(drawn: Array, p: float, x: Array) -> tuple[Array, Array]:
    """What `drop` computes."""
    mask = (drawn >= np.float32(p)) * x.dtype.type(_scale(p))
    return mask, x * mask


def _scale(p: float) -> float:
    return 1 / (1 - p) if p < 1 else 0.0
