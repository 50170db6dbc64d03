"""Curves without their noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array, check_bool, check_int
from minidl.errors import ShapeError
from minidl.types import Array


def smooth(values: npt.ArrayLike, window: int, *, keeps_start: bool = False) -> Array:
    """The running mean over `window` neighbours, of which the ends have half; same length.

    With `keeps_start`, the window grows at the start with what lies before, so that a steep beginning stays
    one. What is not finite is left out; NaN where nothing else is near.
    """
    values = check_array("smooth", "values", values).astype(float)
    if values.ndim != 1:
        raise ShapeError.expected("smooth", "values of shape (count,)", values.shape)
    known = np.isfinite(values)
    half = min(check_int("smooth", "window", window, at_least=1) // 2, len(values))
    sums, counts = (
        np.concatenate([[0.0], np.cumsum(column)]) for column in (np.where(known, values, 0.0), known)
    )
    # At the end, narrower windows would let each curve run into its last step's noise.
    index = np.arange(len(values))
    ahead = np.minimum(half, index) if check_bool("smooth", "keeps_start", keeps_start) else half
    above, below = np.minimum(index + ahead + 1, len(values)), np.maximum(index - half, 0)
    near = counts[above] - counts[below]
    means = np.full(len(values), np.nan)
    np.divide(sums[above] - sums[below], near, out=means, where=near > 0)
    return means
