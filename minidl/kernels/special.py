"""Functions that NumPy lacks, from SciPy, which is imported when the first of them is called."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from minidl.types import Array

_FLOAT32 = np.dtype(np.float32)
_PEAK = 1 / math.sqrt(2 * math.pi)  # the density's value at 0

# The polynomial in t = 1 / (1 + _SHIFT |x|) by which the density is multiplied to give the tail beyond |x|.
# Fitted to sqrt(pi / 2) erfcx(|x| / sqrt(2)) for the least largest relative error, 5e-8.
_SHIFT = 0.295
_TAIL = (
    0.0974286969, -0.453469748, 0.667370977, -0.280853075, 0.408849798, 0.215523075, 0.304334138, 0.294092461,
    3.77535152e-05,
)  # fmt: skip


@functools.cache
def _ndtr() -> Any:
    from scipy.special import ndtr

    return ndtr


def normal(x: Array, cdf: Array, density: Array, work: Array) -> None:
    """The standard normal distribution, exact to rounding, far out on either side too.

    ``(1 + erf(x / sqrt(2))) / 2`` is written to `cdf` and ``exp(-x**2 / 2) / sqrt(2 * pi)`` to `density`.

    Parameters
    ----------
    x, cdf, density, work : ndarray of any one shape and float dtype
        `work` is to compute in.
    """
    np.multiply(x, x, out=density)
    density *= -0.5
    np.exp(density, out=density)
    density *= _PEAK
    if x.dtype != _FLOAT32:
        _ndtr()(x, cdf)
        return
    # SciPy's takes several times as long, for it computes each number alone and in float64.
    shrunk = np.abs(x, out=work)
    shrunk *= _SHIFT
    shrunk += 1
    np.reciprocal(shrunk, out=shrunk)
    np.multiply(shrunk, _TAIL[0], out=cdf)
    for coefficient in _TAIL[1:-1]:
        cdf += coefficient
        cdf *= shrunk
    cdf += _TAIL[-1]
    cdf *= density
    # So much lies beyond |x|; below a positive x lies the rest.
    np.subtract(np.greater_equal(x, 0, out=work), cdf, out=cdf)
    np.abs(cdf, out=cdf)


def normal_definition(x: Array) -> tuple[Array, Array]:
    """What `normal` computes."""
    cdf = np.array([math.erfc(-number / math.sqrt(2)) / 2 for number in x.flat]).reshape(x.shape)
    return cdf, np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
