"""Sums and operations over the channels of arrays (N, C, L): samples, channels, places.

What the normalizations in NumPy are made of; `minidl.kernels.normalization` says what `statistics` are.
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.broadcast import long_rows
from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_multiply, _subtract = np.multiply, np.subtract

_LONG_ROW = 64
"""Places from which products with a row of ones, in the BLAS, are the fastest sums."""

BUFFER_NUMBERS = 512
"""The size of NumPy's buffers here. A ufunc of an array and a number for each row first writes those numbers
out into a buffer, 8,192 by default, which takes as long as the operation itself. Rows of the buffer's size or
more need none."""

_LEAST_SAMPLES = 8
"""Samples from which it pays to repeat a channel's number for each place: a sample is then one long row."""

_FAR = 4
"""Deviations from 0 beyond which the rounding of a mean is taken off as well."""


def channel_sums(x: Array, y: Array | None = None) -> Array:
    """The sums of `x`, or of ``x * y``, over samples and places: of (N, C, L) they are (C,)."""
    samples, channels, places = x.shape
    sums: Array
    if places < _LONG_ROW:
        if y is not None:
            sums = np.einsum("ncl,ncl->c", x, y)
        elif places == 1:  # the BLAS adds rows up in a quarter of the time
            sums = np.dot(CONSTANTS["ones", samples, x.dtype], x[:, :, 0])
        else:
            sums = np.einsum("ncl->c", x)
        return sums
    if y is not None:
        sums = np.vecdot(x, y).sum(axis=0)
    else:
        rows = x.reshape(samples * channels, places)
        sums = np.dot(rows, CONSTANTS["ones", places, x.dtype]).reshape(samples, channels).sum(axis=0)
    return sums


def channel_sums_definition(x: Array, y: Array | None = None) -> Array:
    """What `channel_sums` computes."""
    return (x if y is None else x * y).sum(axis=(0, 2))  # type: ignore[no-any-return]


def place_sums(x: Array, work: Array, y: Array | None = None) -> Array:
    """The sums of `x`, or of ``x * y``, over the places: of (N, C, L) they are (N, C).

    `work`, of the shape of `x`, may be used for them; where there is one place, `x` is its own sum.
    """
    samples, channels, places = x.shape
    if places == 1:
        return x[:, :, 0] if y is None else _multiply(x, y, work)[:, :, 0]
    sums: Array
    if y is None:
        rows = x.reshape(samples * channels, places)
        sums = np.dot(rows, CONSTANTS["ones", places, x.dtype]).reshape(samples, channels)
    elif places < _LONG_ROW:
        sums = np.einsum("ncl,ncl->nc", x, y)
    else:
        sums = np.vecdot(x, y)
    return sums


def place_sums_definition(x: Array, y: Array | None) -> Array:
    """What `place_sums` computes."""
    return (x if y is None else x * y).sum(axis=2)  # type: ignore[no-any-return]


def group_sums(sums: Array, weight: Array, groups: int) -> Array:
    """The sums of ``sums * weight`` over each group of neighbouring channels.

    Of `sums` (N, C) and `weight` (C,) they are (N * groups,), the groups of a sample side by side.
    """
    if groups == 1:
        return np.dot(sums, weight)  # type: ignore[no-any-return]
    by_group = sums.reshape(len(sums), groups, weight.size // groups)
    return np.einsum("ngk,gk->ng", by_group, weight.reshape(groups, -1)).reshape(-1)  # type: ignore[no-any-return]


def group_sums_definition(sums: Array, weight: Array, groups: int) -> Array:
    """What `group_sums` computes."""
    return (sums * weight).reshape(len(sums) * groups, -1).sum(axis=1)  # type: ignore[no-any-return]


def center(x: Array, eps: float, out: Array) -> Array:
    """``x - mean`` in `out`, for the mean of each channel; the statistics, of shape (4, C)."""
    count = max(x.shape[0] * x.shape[2], 1)
    statistics = np.empty((4, x.shape[1]), x.dtype)
    mean, rest, variance, inverse_deviation = statistics
    np.divide(channel_sums(x), count, mean)
    by_channel(_subtract, x, mean, out)
    np.divide(channel_sums(out, out), count, variance)
    rest[...] = 0
    if (mean * mean > _FAR * _FAR * variance).any():
        np.divide(channel_sums(out), count, rest)
        by_channel(_subtract, out, rest, out)
        np.divide(channel_sums(out, out), count, variance)
    np.divide(1, np.sqrt(variance + eps), inverse_deviation)
    return statistics


def subtract_mean(x: Array, statistics: Array, out: Array) -> None:
    """``x - mean`` in `out` again."""
    by_channel(_subtract, x, statistics[0], out)
    if statistics[1].any():
        by_channel(_subtract, out, statistics[1], out)


def by_channel(ufunc: np.ufunc, x: Array, values: Array, out: Array) -> None:
    """``ufunc(x, values[:, None], out)``, for `x` and `out` (N, C, L) and `values` (C,)."""
    samples, _, places = x.shape
    if samples >= _LEAST_SAMPLES and places == 1:
        rows = long_rows(values)  # so many samples at a time are one long row, and what is left, row by row
        many = samples // len(rows), rows.size
        whole = many[0] * len(rows)
        ufunc(x[:whole].reshape(many), rows.reshape(-1), out[:whole].reshape(many))
        ufunc(x[whole:], values[:, None], out[whole:])
    elif samples >= _LEAST_SAMPLES and places < BUFFER_NUMBERS:
        shape = samples, x.shape[1] * places
        ufunc(x.reshape(shape), values.repeat(places), out.reshape(shape))
    else:
        ufunc(x, values[:, None], out)
