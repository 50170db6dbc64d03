"""What penalties and optimizers do with the vectors of all parameters and of all gradients.

All arrays are vectors of one size and dtype, float32 or float64. Contiguous ones go through the BLAS, in one
pass over the memory and without an array in between.
"""

from __future__ import annotations

import numpy as np

from minidl.kernels.blas import axpby
from minidl.kernels.way import compiled
from minidl.types import Array

_MOST_ADDED = 1 << 13
"""Numbers whose products are added up in their own dtype, with an error of some 1e-7; of millions it were
1e-5 in float32. And so few that the BLAS keeps them on one thread, as `minidl.kernels.blas` explains."""

_BLOCK = 1 << 15
"""Numbers that stay in the cache between two operations."""


@compiled
def sum_of_squares(x: Array) -> float:
    """``sum(x ** 2)``, accurate for millions of numbers, too."""
    if len(x) <= _MOST_ADDED:
        return float(np.dot(x, x))
    whole = len(x) // _MOST_ADDED * _MOST_ADDED
    rows, rest = x[:whole].reshape(-1, _MOST_ADDED), x[whole:]
    return float(np.vecdot(rows, rows).sum(dtype=np.float64) + np.dot(rest, rest))


def sum_of_squares_definition(x: Array) -> float:
    """What `sum_of_squares` computes."""
    return float((x.astype(np.float64) ** 2).sum())


@compiled
def add_l2_gradient(
    values: Array, gradients: Array, parts: tuple[slice, ...], strength: float
) -> tuple[float, float]:
    """``gradients += 2 * strength * values`` in `parts` of the vectors, which follow each other.

    Returns
    -------
    of_values, of_gradients
        The `sum_of_squares` of the parts' values, and of all new gradients.
    """
    of_values = 0.0
    for part in parts:
        values_there = values[part]
        axpby(2 * strength, values_there, 1, gradients[part])
        of_values += sum_of_squares(values_there)
    return of_values, sum_of_squares(gradients)


def add_l2_gradient_definition(
    values: Array, gradients: Array, parts: tuple[slice, ...], strength: float
) -> tuple[Array, tuple[float, float]]:
    """What `add_l2_gradient` leaves in `gradients`, and what it returns."""
    penalized = np.zeros_like(values)
    for part in parts:
        penalized[part] = values[part]
    gradients = gradients + 2 * strength * penalized
    return gradients, (sum_of_squares_definition(penalized), sum_of_squares_definition(gradients))


@compiled
def sgd_update(values: Array, gradients: Array, lr: float) -> None:
    """``values -= lr * gradients``."""
    axpby(-lr, gradients, 1, values)


def sgd_update_definition(values: Array, gradients: Array, lr: float) -> Array:
    """What `sgd_update` leaves in `values`."""
    return values - lr * gradients


@compiled
def momentum_update(values: Array, gradients: Array, velocity: Array, lr: float, momentum: float) -> None:
    """``velocity = momentum * velocity + gradients``, then ``values -= lr * velocity``."""
    axpby(1, gradients, momentum, velocity)
    axpby(-lr, velocity, 1, values)


def momentum_update_definition(
    values: Array, gradients: Array, velocity: Array, lr: float, momentum: float
) -> tuple[Array, Array]:
    """What `momentum_update` leaves in `values` and `velocity`."""
    velocity = momentum * velocity + gradients
    return values - lr * velocity, velocity


@compiled
def nesterov_update(values: Array, gradients: Array, velocity: Array, lr: float, momentum: float) -> None:
    """The velocity as in `momentum_update`; ``values -= lr * (gradients + momentum * velocity)``."""
    axpby(1, gradients, momentum, velocity)
    axpby(-lr, gradients, 1, values)
    axpby(-lr * momentum, velocity, 1, values)


def nesterov_update_definition(
    values: Array, gradients: Array, velocity: Array, lr: float, momentum: float
) -> tuple[Array, Array]:
    """What `nesterov_update` leaves in `values` and `velocity`."""
    velocity = momentum * velocity + gradients
    return values - lr * (gradients + momentum * velocity), velocity


@compiled
def mean_update(mean: Array, values: Array, share: float) -> None:
    """``mean += share * (values - mean)``."""
    for start in range(0, len(mean), _BLOCK):
        part = mean[start : start + _BLOCK]
        difference = values[start : start + _BLOCK] - part
        difference *= share
        part += difference


def mean_update_definition(mean: Array, values: Array, share: float) -> Array:
    """What `mean_update` leaves in `mean`."""
    return mean + share * (values - mean)
