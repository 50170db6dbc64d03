"""Of `minidl.kernels.vectors`."""

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.vectors import (
    add_l2_gradient,
    mean_update,
    momentum_update,
    nesterov_update,
    sgd_update,
    sum_of_squares,
)


def _vector(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    return (draw.array(size),)


def _update(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    return draw.array(size), draw.array(size), draw.number(0.01)


def _penalty(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    bounds = sorted(draw.integer(0, size) for _ in range(2 * draw.integer(0, 3)))
    parts = tuple(map(slice, bounds[::2], bounds[1::2])) if draw.integer(0, 1) else (slice(0, size),)
    return draw.array(size), draw.array(size), parts, draw.number(0.01)


def _momentum(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    vectors = (draw.array(size) for _ in range(3))
    return *vectors, draw.number(0.01), draw.number(0.01)


CASES = [
    Case(sum_of_squares, _vector, ulps=5),
    Case(add_l2_gradient, _penalty, ulps=5, of_array=True),
    Case(sgd_update, _update, ulps=1, of_array=True),
    Case(momentum_update, _momentum, ulps=2, of_array=True),
    Case(nesterov_update, _momentum, ulps=3, of_array=True),
    Case(mean_update, _update, ulps=0),
]
