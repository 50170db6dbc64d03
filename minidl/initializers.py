"""How parameters are drawn: each initializer is ``(rng, shape, dtype) -> array``.

Draws are made in float64 and rounded, so that a float32 net and its float64 twin built from one
seed hold the same weights up to rounding. `shape` is ``(in, out)`` for a weight matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_array, check_callable, check_dtype, check_float, check_shape
from minidl.types import Array, Initializer

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["he_normal", "normal", "ones", "scaled", "xavier_uniform", "zeros"]


def zeros(rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """All zeros; the usual start of a bias. Draws nothing."""
    return np.zeros(*_checked(shape, dtype))


def ones(rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """All ones; the usual start of a gain. Draws nothing."""
    return np.ones(*_checked(shape, dtype))


@dataclass(frozen=True)
class normal:  # noqa: N801 - used like the functions beside it
    """Normal draws with mean 0 and standard deviation `std`: ``normal(1e-4)``."""

    std: float

    def __post_init__(self) -> None:
        check_float("normal", "std", self.std, at_least=0)

    def __call__(self, rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Draw ``std * rng.standard_normal(shape)``."""
        shape, dtype = _checked(shape, dtype)
        return np.asarray(self.std * as_generator(rng).standard_normal(shape), dtype)


def he_normal(rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Normal draws with variance ``2 / fan_in``, which keeps a ReLU net's activations in scale.

    Source: He, Zhang, Ren, Sun (2015), "Delving Deep into Rectifiers", arXiv:1502.01852, eq. 10.
    """
    shape, dtype = _checked(shape, dtype)
    return normal(np.sqrt(2.0 / _fan_in(shape)))(rng, shape, dtype)


def xavier_uniform(rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Uniform draws with variance ``2 / (fan_in + fan_out)``, for tanh-like and linear layers.

    Source: Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward
    neural networks", eq. 16.
    """
    shape, dtype = _checked(shape, dtype)
    limit = np.sqrt(6.0 / (_fan_in(shape) + (shape[-1] if shape else 1)))
    return np.asarray(as_generator(rng).uniform(-limit, limit, shape), dtype)


@dataclass(frozen=True)
class scaled:  # noqa: N801 - used like the functions beside it
    """The draws of another initializer times `factor`: ``scaled(he_normal, 0.1)``."""

    initializer: Initializer
    factor: float

    def __post_init__(self) -> None:
        check_callable("scaled", "initializer", self.initializer, "rng", "shape", "dtype")
        check_float("scaled", "factor", self.factor, above=0)

    def __call__(self, rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Draw with `initializer` and scale."""
        shape, dtype = _checked(shape, dtype)
        drawn = check_array("scaled", "what its initializer draws", self.initializer(rng, shape, np.float64))
        return np.asarray(drawn * self.factor, dtype)


def _checked(shape: tuple[int, ...], dtype: npt.DTypeLike) -> tuple[tuple[int, ...], np.dtype[Any]]:
    return check_shape("initializer", "shape", shape), check_dtype("initializer", dtype)


def _fan_in(shape: tuple[int, ...]) -> int:
    return max(int(np.prod(shape[:-1])), 1)
