"""What a sweep that goes beyond what its directory holds keeps, and what it may change."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from minidl.errors import ConfigurationError
from minidl.sweep.header import differences, in_words
from minidl.sweep.row import Row
from minidl.sweep.space import Configuration

Section: TypeAlias = tuple[dict[str, Any], list[Row]]
"""A header and the rows below it, up to the next header."""

_UNITS = ("steps", "epochs")
_SPACE = {"trials", "configurations", "keys"}


def numbered(configurations: Sequence[Configuration], earlier: Sequence[Row]) -> dict[int, Configuration]:
    """Every trial's configuration: the earlier rows' by their own numbers, the others by the free ones.

    A configuration is known by its values. Without earlier rows, its number is its position.
    """
    if not earlier:
        return dict(enumerate(configurations))
    found = {row.trial: row.configuration for row in earlier}
    known = set(map(_identity, found.values()))
    free = (number for number in itertools.count() if number not in found)
    new = (each for each in configurations if _identity(each) not in known)
    return dict(sorted({**found, **{number: each for each, number in zip(new, free, strict=False)}}.items()))


def rows_of_length(sections: Sequence[Section], header: dict[str, Any]) -> list[Row]:
    """The rows of trials as long as those of `header`."""
    same = (rows for found, rows in sections if _length(found) == _length(header))
    return list(itertools.chain.from_iterable(same))


def check_extends(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """`ConfigurationError` unless the two differ in their spaces and in how long trials are, if at all."""
    where = f"Sweep on {path}, to be extended"
    if found.get("halving") or wanted.get("halving"):
        expected, remedy = "a sweep without halving", "give another directory"
        got = "one with it, where what is stopped depends on all that were there from the start"
        raise ConfigurationError.expected(where, expected, got, remedy)
    adaptive = found.get("sampler") or wanted.get("sampler")
    growing = set() if adaptive else _SPACE
    for name in (*_UNITS, *(["trials"] if adaptive else [])):
        if name in found and name in wanted:
            if wanted[name] < found[name]:
                expected, got = f"{name} {found[name]} or more", f"{name} {wanted[name]}"
                raise ConfigurationError.expected(where, expected, got, "give another directory")
            growing = growing | {name}
    pairs = differences(found, {**wanted, **{name: found.get(name) for name in growing}})
    if pairs:
        expected, got = in_words(pairs)
        remedy = "only the values of a grid, the number of draws, steps and epochs may be others"
        raise ConfigurationError.expected(where, expected, got, remedy)


def _length(header: dict[str, Any]) -> list[Any]:
    return [header.get(unit) for unit in _UNITS]


def _identity(configuration: Configuration) -> str:
    return json.dumps(configuration, sort_keys=True)
