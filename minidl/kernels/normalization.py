"""Numbers brought to a common scale: by given constants, or by their own mean and variance."""

from __future__ import annotations

import numpy as np

from minidl.kernels.broadcast import apply_to_rows, long_rows
from minidl.kernels.constants import CONSTANTS
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_add, _copy, _multiply, _subtract = np.add, np.copyto, np.multiply, np.subtract

_LONG_ROW = 64
"""Places from which products with a row of ones, in the BLAS, are the fastest sums."""

_BUFFER_NUMBERS = 512
"""The size of NumPy's buffers here. A ufunc of an array and a number for each row first writes those numbers
out into a buffer, 8,192 by default, which takes as long as the operation itself. Rows of the buffer's size or
more need none."""

_LEAST_SAMPLES = 8
"""Samples from which it pays to repeat a channel's number for each place: a sample is then one long row."""

_FAR = 4
"""Deviations from 0 beyond which the rounding of a mean is taken off as well."""


def standardize(x: Array, mean: Array, inverse_scale: Array, out: Array) -> Array:
    """``(x - mean) * inverse_scale`` in `out`, for `x` of any real dtype.

    Parameters
    ----------
    x : ndarray of shape (N, ...)
    mean, inverse_scale : ndarray
        What `long_rows` made of one number, or of one for each of a sample; of the dtype of `out`.
    out : ndarray of shape (N, ...)
        Contiguous, of a float dtype.
    """
    if x.dtype.itemsize < out.dtype.itemsize:
        # Converting first is the fastest way for small integers, and as exact.
        _copy(out, x)
        apply_to_rows(_subtract, out, mean)
    else:
        # Wider numbers are subtracted in their own precision.
        row = mean[0].reshape(x.shape[1:]) if mean.ndim else mean
        _subtract(x, row, out=out, casting="same_kind")
    return apply_to_rows(_multiply, out, inverse_scale)


def standardize_definition(x: Array, mean: Array, inverse_scale: Array) -> Array:
    """What `standardize` computes from a mean and an inverse scale of one number, or of a sample's shape."""
    return (x - mean) * inverse_scale


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


def place_sums(x: Array, y: Array | None, out: Array) -> Array:
    """The sums of `x`, or of ``x * y``, over the places: of (N, C, L) they are (N, C).

    `out`, of that shape, may be used for them; where there is one place, `x` is its own sum.
    """
    samples, channels, places = x.shape
    if places == 1:
        return x[:, :, 0] if y is None else _multiply(x[:, :, 0], y[:, :, 0], out)
    if y is None:
        rows = x.reshape(samples * channels, places)
        np.dot(rows, CONSTANTS["ones", places, x.dtype], out.reshape(-1))
    elif places < _LONG_ROW:
        np.einsum("ncl,ncl->nc", x, y, out=out)
    else:
        np.vecdot(x, y, out)
    return out


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


def scale_and_shift(x: Array, scale: Array, shift: Array | None, out: Array) -> Array:
    """``x * scale + shift`` in `out`, for `x` and `out` (N, C, L), with a number (C,) for each channel."""
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(_BUFFER_NUMBERS)
        _by_channel(_multiply, x, scale, out)
        if shift is not None:
            _by_channel(_add, out, shift, out)
    return out


def scale_and_shift_definition(x: Array, scale: Array, shift: Array) -> Array:
    """What `scale_and_shift` computes."""
    return x * scale[:, None] + shift[:, None]


def normalize(x: Array, eps: float, out: Array) -> tuple[Array, Array, Array]:
    """``(x - mean) / sqrt(variance + eps)`` in `out`, where each channel has a mean and a variance.

    The mean comes first and then the squares of what is left, so that data far from 0 lose no digits. There
    the rounding of the mean itself would show, and is taken off as well: the corrected algorithm of two
    passes in Chan, Golub and LeVeque, "Algorithms for computing the sample variance" (1983).

    Parameters
    ----------
    x : ndarray of shape (N, C, L)
        Samples, channels, places. To normalize rows, take their number for C and 1 for N.
    eps : float
    out : ndarray of shape (N, C, L)

    Returns
    -------
    mean, variance, inverse_deviation : ndarray of shape (C,)
        The variance is divided by N * L; the last is ``1 / sqrt(variance + eps)``.
    """
    count = max(x.shape[0] * x.shape[2], 1)
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(_BUFFER_NUMBERS)
        mean = channel_sums(x) / count
        _by_channel(_subtract, x, mean, out)
        variance = channel_sums(out, out) / count
        if (mean * mean > _FAR * _FAR * variance).any():
            rest = channel_sums(out) / count
            _by_channel(_subtract, out, rest, out)
            mean += rest
            variance = channel_sums(out, out) / count
        inverse_deviation = 1 / np.sqrt(variance + eps)
        _by_channel(_multiply, out, inverse_deviation, out)
    return mean, variance, inverse_deviation


def normalize_definition(x: Array, eps: float) -> tuple[Array, Array, Array, Array]:
    """What `normalize` computes: the normal numbers, mean, variance, inverse deviation."""
    mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    inverse_deviation = 1 / np.sqrt(variance + eps)
    return (x - mean[:, None]) * inverse_deviation[:, None], mean, variance, inverse_deviation


def normalize_backward(
    dy: Array, normal: Array, factor: Array, sums: Array, products: Array, out: Array
) -> Array:
    """``factor * (dy - mean(dy) - normal * mean(dy * normal))`` in `out`, which may be `dy`.

    Parameters
    ----------
    dy, normal, out : ndarray of shape (N, C, L)
        `normal` is used to compute in.
    factor : ndarray of shape (C,)
        The inverse deviation, times the scale that came after it.
    sums, products : ndarray of shape (C,)
        ``channel_sums(dy)`` and ``channel_sums(dy, normal)``.
    """
    count = max(dy.shape[0] * dy.shape[2], 1)
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(_BUFFER_NUMBERS)
        _by_channel(_multiply, normal, products / count, normal)
        _subtract(dy, normal, out)
        _by_channel(_subtract, out, sums / count, out)
        _by_channel(_multiply, out, factor, out)
    return out


def normalize_backward_definition(dy: Array, normal: Array, factor: Array) -> Array:
    """What `normalize_backward` computes, with the means as what they are."""
    means, projections = dy.mean(axis=(0, 2)), (dy * normal).mean(axis=(0, 2))
    return factor[:, None] * (dy - means[:, None] - normal * projections[:, None])  # type: ignore[no-any-return]


def _by_channel(ufunc: np.ufunc, x: Array, values: Array, out: Array) -> None:
    """``ufunc(x, values[:, None], out)``, for `x` and `out` (N, C, L) and `values` (C,)."""
    samples, _, places = x.shape
    if samples >= _LEAST_SAMPLES and places == 1:
        rows = long_rows(values)  # so many samples at a time are one long row, and what is left, row by row
        many = samples // len(rows), rows.size
        whole = many[0] * len(rows)
        ufunc(x[:whole].reshape(many), rows.reshape(-1), out[:whole].reshape(many))
        ufunc(x[whole:], values[:, None], out[whole:])
    elif samples >= _LEAST_SAMPLES and places < _BUFFER_NUMBERS:
        shape = samples, x.shape[1] * places
        ufunc(x.reshape(shape), values.repeat(places), out.reshape(shape))
    else:
        ufunc(x, values[:, None], out)
