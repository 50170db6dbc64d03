"""Of `minidl.kernels.normalization` and `minidl.kernels.broadcast`."""

from typing import Any

import numpy as np

from minidl.kernels.broadcast import long_rows, standardize
from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.normalization import (
    batch_norm,
    batch_norm_backward,
    batch_norm_inference,
    group_norm,
    group_norm_backward,
    move_statistics,
)

_EPS = 1e-3


def _shape(draw: Draw, *, groups: int = 1, least: int = 0) -> tuple[int, int, int]:
    """Samples, channels, places: of one place in half of the draws, with channels for so many groups."""
    samples, channels, places = draw.sizes(3)
    if draw.integer(0, 1):
        channels, places = channels * places, 1
    return max(samples, least), max(channels // groups, least) * groups, max(places, least)


def _statistics(draw: Draw, rows: int) -> Any:
    rest = draw.array(rows, scale=1e-8, special=False)
    return np.stack([draw.positive(rows), rest, draw.positive(rows), draw.positive(rows)])


def _batch_norm(draw: Draw) -> tuple[object, ...]:
    shape = _shape(draw, least=1)
    return draw.array(*shape), draw.array(shape[1]), draw.array(shape[1]), _EPS, draw.empty(*shape)


def _batch_norm_backward(draw: Draw) -> tuple[object, ...]:
    shape = _shape(draw)
    rows = shape[1]
    out = draw.empty(*shape) if draw.integer(0, 3) else None
    arrays = draw.array(*shape), draw.array(*shape), _statistics(draw, rows), draw.array(rows)
    return *arrays, draw.lent(rows), draw.lent(rows), out


def _batch_norm_inference(draw: Draw) -> tuple[object, ...]:
    shape = _shape(draw)
    rows = shape[1]
    return draw.array(*shape), draw.array(rows), draw.positive(rows), draw.array(rows), draw.array(rows), _EPS


def _move_statistics(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    statistics = draw.array(4, size, special=draw.special and bool(draw.integer(0, 1)))
    return draw.array(size), draw.array(size), statistics, draw.number(), draw.number(1, 2)


def _group_norm(draw: Draw) -> tuple[object, ...]:
    groups = draw.integer(1, 4)
    shape = _shape(draw, groups=groups, least=1)
    return draw.array(*shape), draw.array(shape[1]), draw.array(shape[1]), _EPS, groups, draw.empty(*shape)


def _group_norm_backward(draw: Draw) -> tuple[object, ...]:
    groups = draw.integer(1, 4)
    shape = _shape(draw, groups=groups, least=1)
    rows = shape[1]
    work = draw.lent(2, *shape)
    arrays = draw.array(*shape), draw.array(*shape), _statistics(draw, shape[0] * groups), draw.array(rows)
    return *arrays, groups, draw.lent(rows), draw.lent(rows), work


def _standardize(draw: Draw) -> tuple[object, ...]:
    shape = draw.sizes(2)
    dtype = ("u1", "f4", "f8", "i2")[draw.integer(0, 3)]
    x = draw.array(*shape) if dtype[0] == "f" else 50 * draw.positive(*shape)
    mean, scale = (long_rows(draw.array(*shape[1:] if draw.integer(0, 1) else ())) for _ in range(2))
    with np.errstate(over="ignore"):
        return x.astype(dtype), mean, scale, draw.empty(*shape)


CASES = [
    Case(batch_norm, _batch_norm, ulps=100, of_array=True, special=False),
    Case(batch_norm_backward, _batch_norm_backward, ulps=100, of_array=True, special=False),
    Case(batch_norm_inference, _batch_norm_inference, ulps=4, of_array=True),
    Case(move_statistics, _move_statistics, ulps=1, of_array=True),
    Case(group_norm, _group_norm, ulps=100, of_array=True, special=False),
    Case(group_norm_backward, _group_norm_backward, ulps=100, of_array=True, special=False, work=7),
    Case(standardize, _standardize, ulps=1),
]
