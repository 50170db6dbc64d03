"""What a journal's lines may hold: checks of values that come from a file."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from minidl.advice import shown
from minidl.errors import CheckpointError

Field: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What is expected, in words, and whether a value is that."""

_MOST = 1 << 53  # a larger count is none: it is a number that not every program reads as it is


def check_fields(
    where: str,
    found: Any,
    fields: Mapping[str, Field],
    *,
    needed: Collection[str],
    of: str,
    others: bool = False,
) -> dict[str, Any]:
    """`found`, or `CheckpointError` unless it is an object of these fields, each with what is expected.

    Parameters
    ----------
    needed : collection of str
        The fields that must be there.
    of : str
        What the object is, in words.
    others : bool
        Whether there may be more fields, of plain values.
    """
    if not isinstance(found, dict):
        raise CheckpointError.expected(where, of, shown(found))
    for name in needed:
        if name not in found:
            raise CheckpointError.expected(where, f"{of} with {name!r}", f"one with {', '.join(found)}"[:200])
    for name, value in found.items():
        if name not in fields and not others:
            raise CheckpointError.expected(where, f"{of} without {name!r:.50}", shown(value))
        expected, holds = fields.get(name, ("of plain values", is_plain))
        if not holds(value):
            raise CheckpointError.expected(where, f"{name:.50} to be {expected}", shown(value))
    return found


def is_count(value: Any) -> bool:
    """Whether it is a whole number of at least 0."""
    return type(value) is int and 0 <= value < _MOST


def is_number(value: Any) -> bool:
    """Whether it is a number that is finite as a float, too."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:
        return False


def is_figure(value: Any) -> bool:
    """Whether it is a finite number, or None."""
    return value is None or is_number(value)


def is_plain(value: Any) -> bool:
    """Whether all numbers in it are finite; from JSON, all else is plain."""
    if isinstance(value, dict):
        return all(map(is_plain, value.values()))
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, (str, bool)) or is_figure(value)
