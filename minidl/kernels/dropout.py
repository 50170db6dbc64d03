"""The random mask of a dropout."""

from __future__ import annotations

import numpy as np

from minidl.types import Array

_BLOCK = 1 << 13
"""Numbers drawn at once: few enough to stay in the cache until they are compared."""


def dropout_mask(generator: np.random.Generator, p: float, out: Array) -> Array:
    """0 with probability `p`, else ``1 / (1 - p)``, for each number of `out` anew.

    Parameters
    ----------
    generator : numpy.random.Generator
    p : float in [0, 1]
    out : ndarray of any shape and float dtype
        Contiguous.
    """
    flat, scale = out.reshape(-1), _scale(p)
    draws = np.empty(min(out.size, _BLOCK), np.float32)
    for start in range(0, flat.size, _BLOCK):
        mask = flat[start : start + _BLOCK]
        drawn = generator.random(out=draws[: mask.size], dtype=np.float32)
        np.greater_equal(drawn, p, out=mask)
        mask *= scale
    return out


def dropout_mask_definition(generator: np.random.Generator, p: float, out: Array) -> Array:
    """What `dropout_mask` computes."""
    return (generator.random(out.shape, np.float32) >= np.float32(p)) * out.dtype.type(_scale(p))  # type: ignore[no-any-return]


def _scale(p: float) -> float:
    return 1 / (1 - p) if p < 1 else 0.0
