"""Kernels in NumPy that take a block of an array at a time, which stays in the cache meanwhile."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

BLOCK = 1 << 14
"""Numbers that NumPy takes at once: few enough for its dozen operations to find them in the cache."""

WHOLE = sys.maxsize
"""As many as there are."""


def in_blocks(
    kernel: Callable[..., None],
    x: Array,
    y: Array,
    slope: Array | None,
    work: Array,
    *arguments: Any,
    block: int = BLOCK,
) -> None:
    """Call `kernel` for `x`, `y` and `slope`, contiguous and of one shape, `block` numbers at a time.

    It gets them in one dimension, with as many columns of `work`, and `arguments`.
    """
    x, y = x.reshape(-1), y.reshape(-1)
    slope = None if slope is None else slope.reshape(-1)
    if 0 < x.size <= min(block, BLOCK):  # with nothing to cut, which takes as long as a small kernel
        kernel(x, y, slope, work[:, : x.size], *arguments)
        return
    for start in range(0, x.size, block):
        part = slice(start, start + block)
        slopes = None if slope is None else slope[part]
        kernel(x[part], y[part], slopes, work[:, : x.size - start], *arguments)


def values(kernel: Callable[..., None], x: Array, block: int = WHOLE) -> Array:
    """``f(x)`` alone, in an array of its own."""
    x = np.ascontiguousarray(x)
    y: Array = np.empty(x.shape, x.dtype)
    in_blocks(kernel, x, y, None, np.empty((2, min(x.size, BLOCK)), x.dtype), block=block)
    return y


def blockwise(kernel: Callable[..., None]) -> Callable[..., None]:
    """`kernel` for arrays of any size, from one for those of at most `BLOCK` numbers."""

    @functools.wraps(kernel)
    def whole(x: Array, y: Array, slope: Array | None, work: Array | None, *arguments: Any) -> None:
        work = np.empty((2, min(x.size, BLOCK)), x.dtype) if work is None else work
        if x.ndim == 1 and x.size == work.shape[1]:
            kernel(x, y, slope, work, *arguments)
        else:
            in_blocks(kernel, x, y, slope, work, *arguments)

    return whole


def zeros(x: Array) -> Array:
    """As many zeros: NumPy compares two arrays far faster than an array and a number."""
    return CONSTANTS["zeros", (BLOCK,), x.dtype][: x.size]
