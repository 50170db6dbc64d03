"""Search spaces: which configurations a sweep tries, as plain values that JSON can hold."""

from __future__ import annotations

import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl.errors import ConfigurationError, check_int

Configuration: TypeAlias = dict[str, Any]


class Space(ABC):
    """A finite list of configurations, the same at every call."""

    @abstractmethod
    def configurations(self) -> list[Configuration]:
        """Every configuration once, in the order of the trials; the caller's own copies."""


class Grid(Space):
    """Every combination of the values given; those of later names vary fastest.

    Parameters
    ----------
    **values : sequence
        Of numbers, strings, booleans, None, or sequences of these (``hidden=[100, (300, 100)]``).
        NumPy's become Python's, tuples become lists.

    Raises
    ------
    ConfigurationError
        No name, a name without values, or a value that JSON cannot hold, such as NaN.

    Examples
    --------
    >>> Grid(hidden=[50], lr=[0.1, 0.2]).configurations()
    [{'hidden': 50, 'lr': 0.1}, {'hidden': 50, 'lr': 0.2}]
    """

    def __init__(self, **values: Iterable[Any]) -> None:
        self.values = {name: _choices("Grid", name, column) for name, column in _named("Grid", values)}

    def configurations(self) -> list[Configuration]:
        """The product of the values."""
        rows = itertools.product(*self.values.values())
        return _distinct(dict(zip(self.values, row, strict=True)) for row in rows)

    def __repr__(self) -> str:
        return f"Grid({', '.join(f'{name}={column!r}' for name, column in self.values.items())})"


class Random(Space):
    """`count` independent draws; what is drawn twice is tried once.

    Parameters
    ----------
    count : int >= 1
    seed : int >= 0
        The same seed draws the same configurations.
    **distributions : sequence, or anything with ``rvs(random_state=Generator)``
        A frozen distribution of `scipy.stats`, such as ``lr=loguniform(1e-4, 1e-1)``; a sequence
        is drawn from uniformly.

    Raises
    ------
    ConfigurationError
        No name, an empty sequence, or a draw that JSON cannot hold, such as NaN.
    """

    def __init__(self, count: int, *, seed: int = 0, **distributions: Any) -> None:
        self.count = check_int("Random", "count", count, at_least=1)
        self.seed = check_int("Random", "seed", seed, at_least=0)
        self.distributions = {
            name: given if hasattr(given, "rvs") else _choices("Random", name, given)
            for name, given in _named("Random", distributions)
        }

    def configurations(self) -> list[Configuration]:
        """The draws, at most `count`."""
        rng = np.random.default_rng(self.seed)
        return _distinct(
            {name: _draw(name, given, rng) for name, given in self.distributions.items()}
            for _ in range(self.count)
        )

    def __repr__(self) -> str:
        return f"Random({self.count}, seed={self.seed}, {', '.join(self.distributions)})"


def _named(where: str, values: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    if not values:
        raise ConfigurationError.expected(where, "a name with its values, such as lr=[0.01, 0.1]", "none")
    return values.items()


def _choices(where: str, name: str, values: Any) -> list[Any]:
    try:
        if isinstance(values, (str, bytes, dict, set, frozenset)):  # a set has no order to keep
            raise TypeError
        choices = [_plain(where, name, value) for value in values]
    except TypeError:
        remedy = f"a single value is {name}=[{values!r}]"
        expected = f"a sequence of values for {name!r}"
        raise ConfigurationError.expected(where, expected, repr(values), remedy) from None
    if not choices:
        raise ConfigurationError.expected(where, f"a value or more for {name!r}", "none")
    return choices


def _draw(name: str, given: Any, rng: np.random.Generator) -> Any:
    if isinstance(given, list):
        return given[rng.integers(len(given))]
    return _plain("Random", name, given.rvs(random_state=rng))


def _plain(where: str, name: str, value: Any) -> Any:
    """`value` as JSON gives it back."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_plain(where, name, item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigurationError.expected(where, f"finite values for {name!r}", value)
    if value is not None and not isinstance(value, (bool, int, float, str)):
        expected = f"numbers, strings, booleans, None or sequences of these for {name!r}"
        raise ConfigurationError.expected(
            where, expected, repr(value), "let the building function map a name"
        )
    return value


def _distinct(configurations: Iterable[Configuration]) -> list[Configuration]:
    """Each once, where it first comes; copies, so that the caller's changes stay the caller's."""
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, configurations))]
