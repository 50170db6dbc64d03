"""Search spaces: which configurations a sweep tries, as plain values that JSON can hold."""

from __future__ import annotations

import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from minidl.advice import shown
from minidl.checks import check_int
from minidl.errors import ConfigurationError
from minidl.sweep.fields import is_text

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
        No name, a name without values, or a value that JSON cannot hold, such as NaN; values
        without their names, as in ``Grid({"lr": [0.1]})`` for ``Grid(**{"lr": [0.1]})``.

    Examples
    --------
    >>> Grid(hidden=[50], lr=[0.1, 0.2]).configurations()
    [{'hidden': 50, 'lr': 0.1}, {'hidden': 50, 'lr': 0.2}]
    """

    def __init__(self, *given: object, **values: Iterable[Any]) -> None:
        refuse_unnamed(given, "Grid", "Grid(**values)")
        self.values = {
            name: choices_of("Grid", name, column) for name, column in named_values("Grid", values)
        }

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
        No name, an empty sequence, a distribution without its parameters (``lr=loguniform``), or
        a draw that JSON cannot hold, such as NaN.
    """

    def __init__(self, count: int, *given: object, seed: int = 0, **distributions: Any) -> None:
        refuse_unnamed(
            given or ([count] if isinstance(count, Mapping) else []), "Random", "Random(20, **values)"
        )
        self.count = check_int("Random", "count", count, at_least=1)
        self.seed = check_int("Random", "seed", seed, at_least=0)
        self.distributions = {
            name: _checked(name, given) if hasattr(given, "rvs") else choices_of("Random", name, given)
            for name, given in named_values("Random", distributions)
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


def plain_configurations(where: str, given: object) -> list[Configuration]:
    """Configurations in plain values; `ConfigurationError` for what are none."""
    if not isinstance(given, (list, tuple)):
        raise ConfigurationError.expected(where, "a list of configurations", shown(given))
    for each in given:
        if not isinstance(each, Mapping) or not all(isinstance(name, str) for name in each):
            expected = "a configuration as a dict of names and values"
            raise ConfigurationError.expected(where, expected, shown(each))
    return [{name: plain_value(where, name, value) for name, value in each.items()} for each in given]


def refuse_unnamed(given: Sequence[object], where: str, remedy: str) -> None:
    """`ConfigurationError` for values without their names."""
    if given:
        expected = "values by their keys' names, such as lr=[0.01, 0.1]"
        raise ConfigurationError.expected(where, expected, shown(given[0]), f"unpack a dict: {remedy}")


def named_values(where: str, values: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """The names with their values; `ConfigurationError` where there are none."""
    if not values:
        raise ConfigurationError.expected(where, "a name with its values, such as lr=[0.01, 0.1]", "none")
    return values.items()


def choices_of(where: str, name: str, values: Any) -> list[Any]:
    """A key's values in plain ones; `ConfigurationError` for what is no sequence of such."""
    try:
        # A set has no order to keep; of a mapping or a frame, only the names would come.
        if isinstance(values, (str, bytes, Mapping, set, frozenset)) or hasattr(values, "columns"):
            raise TypeError
        choices = [plain_value(where, name, value) for value in values]
    except TypeError:
        others = {"Random": "a frozen distribution of scipy.stats", "Adaptive": "a distribution of Optuna"}
        or_else = f", or {others[where]}" if where in others else ""
        remedy = f"a single value is {name}=[...]"
        expected = f"a sequence of values for {name!r}{or_else}"
        raise ConfigurationError.expected(where, expected, shown(values), remedy) from None
    if not choices:
        raise ConfigurationError.expected(where, f"a value or more for {name!r}", "none")
    return choices


def _checked(name: str, given: Any) -> Any:
    """A distribution; `ConfigurationError` for one of scipy's that has not got its parameters yet."""
    parameters = getattr(given, "shapes", None)
    if parameters and hasattr(given, "freeze"):
        example = {"loguniform": "1e-4, 1e-1"}.get(given.name, parameters)
        got, remedy = f"{given.name} itself", f"freeze it: {name}={given.name}({example})"
        raise ConfigurationError.expected("Random", f"a frozen distribution for {name!r}", got, remedy)
    return given


def _draw(name: str, given: Any, rng: np.random.Generator) -> Any:
    if isinstance(given, list):
        return given[rng.integers(len(given))]
    try:
        drawn = given.rvs(random_state=rng)
    except Exception as error:  # scipy's errors are of many kinds, and others' are not known
        expected = f"a distribution for {name!r} that can be drawn from by rvs(random_state=Generator)"
        got = f"{type(error).__name__}: {error}"
        raise ConfigurationError.expected("Random", expected, got) from error
    return plain_value("Random", name, drawn)


def plain_value(where: str, name: str, value: Any) -> Any:
    """`value` as JSON gives it back; `ConfigurationError` where JSON cannot hold it."""
    if isinstance(value, np.ma.MaskedArray):  # what it hides would become None
        remedy = "leave out what is masked: .compressed()"
        raise ConfigurationError.expected(where, f"values for {name!r}", "a masked one", remedy)
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain_value(where, name, item) for item in value]
    if isinstance(value, (int, float)) and not _is_finite(value):
        raise ConfigurationError.expected(where, f"finite values for {name!r}", shown(value))
    if not is_text(name) or (isinstance(value, str) and not is_text(value)):
        raise ConfigurationError.expected(where, f"texts that a file can hold for {name!r}", shown(value))
    if value is not None and not isinstance(value, (bool, int, float, str)):
        expected = f"numbers, strings, booleans, None or sequences of these for {name!r}"
        raise ConfigurationError.expected(
            where, expected, shown(value), "let the building function map a name"
        )
    return value


def _is_finite(number: float) -> bool:
    """Whether it is finite as a float, which an int may be too large for."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _distinct(configurations: Iterable[Configuration]) -> list[Configuration]:
    """Each once, where it first comes; copies, so that the caller's changes stay the caller's."""
    return [json.loads(text) for text in dict.fromkeys(map(json.dumps, configurations))]
