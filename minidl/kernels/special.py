"""Functions that NumPy lacks, from SciPy, which is imported when the first of them is called."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minidl.types import Array


@functools.cache
def _ndtr() -> Any:
    from scipy.special import ndtr

    return ndtr


def normal_cdf(x: Array, out: Array) -> Array:
    """The standard normal distribution's ``(1 + erf(x / sqrt(2))) / 2`` in `out`, exact to rounding.

    SciPy computes it by erf in the middle and by erfc = 1 - erf far out, where 1 + erf would cancel to 0.

    Parameters
    ----------
    x, out : ndarray of any one shape and float dtype
    """
    return _ndtr()(x, out)  # type: ignore[no-any-return]


def normal_cdf_definition(x: Array) -> Array:
    """What `normal_cdf` computes."""
    return np.array([math.erfc(-number / math.sqrt(2)) / 2 for number in x.flat]).reshape(x.shape)
