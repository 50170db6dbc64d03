"""Numbers brought to a common scale by their own mean and variance.

Mean and variance come as `statistics`, an array (4, K): for each of K the mean, what its rounding took from
it, the variance (divided by the number of numbers), and ``1 / sqrt(variance + eps)``. The mean comes first
and then the squares of what is left, so that data far from 0 lose no digits. There the rounding of the mean
itself would show, and is taken off as well: the corrected algorithm of two passes in Chan, Golub and LeVeque,
"Algorithms for computing the sample variance" (1983).
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.channels import (
    BUFFER_NUMBERS,
    by_channel,
    center,
    channel_sums,
    group_sums,
    place_sums,
    subtract_mean,
)
from minidl.kernels.linear import sum_rows
from minidl.kernels.way import compiled
from minidl.types import Array

# Every step comes by here: looked up once, not as attributes.
_add, _multiply, _subtract = np.add, np.multiply, np.subtract


@compiled
def batch_norm(x: Array, weight: Array, bias: Array, eps: float, out: Array) -> Array:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` in `out`, over each channel's numbers.

    Parameters
    ----------
    x, out : ndarray of shape (N, C, L)
        Samples, channels, places; `out` is contiguous and shares no memory with `x`.
    weight, bias : ndarray of shape (C,)
    eps : float

    Returns
    -------
    ndarray of shape (4, C)
        The `statistics`.
    """
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(BUFFER_NUMBERS)
        statistics = center(x, eps, out)
        by_channel(_multiply, out, statistics[3] * weight, out)
        by_channel(_add, out, bias, out)
    return statistics


def batch_norm_definition(x: Array, weight: Array, bias: Array, eps: float) -> tuple[Array, Array]:
    """What `batch_norm` computes."""
    mean, variance = x.mean(axis=(0, 2)), x.var(axis=(0, 2))
    statistics = np.stack([mean, np.zeros_like(mean), variance, 1 / np.sqrt(variance + eps)])
    return (x - mean[:, None]) * (statistics[3] * weight)[:, None] + bias[:, None], statistics


@compiled
def batch_norm_backward(
    dy: Array,
    x: Array,
    statistics: Array,
    weight: Array,
    weight_gradient: Array,
    bias_gradient: Array,
    out: Array | None = None,
) -> Array | None:
    """``weight / deviation * (dy - mean(dy) - normal * mean(dy * normal))`` in `out`.

    Parameters
    ----------
    dy, x, out : ndarray of shape (N, C, L)
        `out` shares no memory with the others. Without it, only the parameters' gradients are computed.
    statistics : ndarray of shape (4, C)
        Of `x`, by `batch_norm`.
    weight : ndarray of shape (C,)
    weight_gradient, bias_gradient : ndarray of shape (C,)
        The sums of ``dy * normal`` and of `dy` are written there.
    """
    count = max(dy.shape[0] * dy.shape[2], 1)
    work = np.empty(x.shape, x.dtype) if out is None else out
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(BUFFER_NUMBERS)
        subtract_mean(x, statistics, work)
        bias_gradient[...] = channel_sums(dy)
        _multiply(channel_sums(dy, work), statistics[3], weight_gradient)
        if out is None:
            return None
        by_channel(_multiply, out, weight_gradient * statistics[3] / count, out)
        _subtract(dy, out, out)
        by_channel(_subtract, out, bias_gradient / count, out)
        by_channel(_multiply, out, weight * statistics[3], out)
    return out


def batch_norm_backward_definition(
    dy: Array, normal: Array, inverse_deviation: Array, weight: Array
) -> tuple[Array, Array, Array]:
    """What `batch_norm_backward` computes: the gradients of the input, the weight and the bias."""
    means, projections = dy.mean(axis=(0, 2)), (dy * normal).mean(axis=(0, 2))
    dx = (weight * inverse_deviation)[:, None] * (dy - means[:, None] - normal * projections[:, None])
    return dx, (dy * normal).sum(axis=(0, 2)), dy.sum(axis=(0, 2))


@compiled
def batch_norm_inference(
    x: Array, mean: Array, variance: Array, weight: Array, bias: Array, eps: float
) -> Array:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` of `x` (N, C, L), for constants (C,)."""
    out: Array = np.subtract(x, mean[:, None], order="C")
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(BUFFER_NUMBERS)
        by_channel(_multiply, out, weight / np.sqrt(variance + eps), out)
        by_channel(_add, out, bias, out)
    return out


def batch_norm_inference_definition(
    x: Array, mean: Array, variance: Array, weight: Array, bias: Array, eps: float
) -> Array:
    """What `batch_norm_inference` computes."""
    factor = weight / np.sqrt(variance + eps)
    return (x - mean[:, None]) * factor[:, None] + bias[:, None]


@compiled
def move_statistics(mean: Array, variance: Array, statistics: Array, share: float, unbiased: float) -> None:
    """Move `mean` and `variance` (C,) by this share of the way to those of `statistics` (4, C).

    Theirs is first multiplied by `unbiased`. With a variance that is not finite, all stay as they are.
    """
    new = statistics[2]
    if np.isfinite(new).all():
        mean += share * (statistics[0] - mean)
        variance += share * (new * unbiased - variance)


def move_statistics_definition(
    mean: Array, variance: Array, statistics: Array, share: float, unbiased: float
) -> tuple[Array, Array]:
    """What `move_statistics` makes of the mean and the variance, where they are finite."""
    return mean + share * (statistics[0] - mean), variance + share * (statistics[2] * unbiased - variance)


@compiled
def group_norm(x: Array, weight: Array, bias: Array, eps: float, groups: int, out: Array) -> Array:
    """``(x - mean) / sqrt(variance + eps) * weight + bias`` in `out`, over each sample's groups of channels.

    Parameters
    ----------
    x, out : ndarray of shape (N, C, L)
        Samples, channels, places; `out` is contiguous and shares no memory with `x`.
    weight, bias : ndarray of shape (C,)
    eps : float
    groups : int
        Of neighbouring channels; it divides C.

    Returns
    -------
    ndarray of shape (4, N * groups)
        The `statistics`, the groups of a sample side by side.
    """
    samples, channels, places = x.shape
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(BUFFER_NUMBERS)
        rows = 1, samples * groups, channels // groups * places
        statistics = center(x.reshape(rows), eps, out.reshape(rows))
        if places > 1:
            factor = statistics[3].reshape(samples, groups, 1) * weight.reshape(groups, -1)
            _multiply(out, factor.reshape(samples, channels, 1), out)
        else:
            by_channel(_multiply, out.reshape(rows), statistics[3], out.reshape(rows))
            by_channel(_multiply, out, weight, out)
        by_channel(_add, out, bias, out)
    return statistics


def group_norm_definition(
    x: Array, weight: Array, bias: Array, eps: float, groups: int
) -> tuple[Array, Array]:
    """What `group_norm` computes."""
    rows, ones = x.reshape(1, len(x) * groups, -1), np.ones(len(x) * groups)
    normal, statistics = batch_norm_definition(rows, ones, 0 * ones, eps)
    return normal.reshape(x.shape) * weight[:, None] + bias[:, None], statistics


@compiled
def group_norm_backward(
    dy: Array,
    x: Array,
    statistics: Array,
    weight: Array,
    groups: int,
    weight_gradient: Array,
    bias_gradient: Array,
    work: Array | None = None,
) -> None:
    """``(d - mean(d) - normal * mean(d * normal)) / deviation`` in `work`, for ``d = dy * weight``.

    Parameters
    ----------
    dy, x : ndarray of shape (N, C, L)
    statistics : ndarray of shape (4, N * groups)
        Of `x`, by `group_norm`.
    weight : ndarray of shape (C,)
    groups : int
    weight_gradient, bias_gradient : ndarray of shape (C,)
        The sums of ``dy * normal`` and of `dy` are written there.
    work : ndarray of shape (2, N, C, L), optional
        Its first half becomes the gradient. Without it, only those of the parameters are computed.
    """
    samples, channels, places = x.shape
    rows = 1, samples * groups, channels // groups * places
    inverse_deviation, count = statistics[3], max(rows[2], 1)
    dx, scaled = np.empty((2, *x.shape), x.dtype) if work is None else work
    with np.errstate():  # which puts the size of the buffer back
        np.setbufsize(BUFFER_NUMBERS)
        subtract_mean(x.reshape(rows), statistics, dx.reshape(rows))
        sums, products = place_sums(dy, scaled), place_sums(dy, scaled, dx)
        sum_rows(sums, bias_gradient)
        by_group = products.reshape(samples, groups, -1)
        np.matmul(
            inverse_deviation.reshape(samples, 1, groups).T,
            by_group.transpose(1, 0, 2),
            weight_gradient.reshape(groups, 1, -1),
        )
        if work is None:
            return
        factor = inverse_deviation * inverse_deviation / count * group_sums(products, weight, groups)
        by_channel(_multiply, dx.reshape(rows), factor, dx.reshape(rows))
        by_channel(_multiply, dy, weight, scaled)
        _subtract(scaled, dx, dx)
        by_channel(_subtract, dx.reshape(rows), group_sums(sums, weight, groups) / count, dx.reshape(rows))
        by_channel(_multiply, dx.reshape(rows), inverse_deviation, dx.reshape(rows))


def group_norm_backward_definition(
    dy: Array, normal: Array, inverse_deviation: Array, weight: Array, groups: int
) -> tuple[Array, Array, Array]:
    """What `group_norm_backward` computes: the gradients of the input, the weight and the bias."""
    rows = 1, len(dy) * groups, -1
    scaled, ones = (dy * weight[:, None]).reshape(rows), np.ones(len(dy) * groups)
    dx, _, _ = batch_norm_backward_definition(scaled, normal.reshape(rows), inverse_deviation, ones)
    return dx.reshape(dy.shape), (dy * normal).sum(axis=(0, 2)), dy.sum(axis=(0, 2))
