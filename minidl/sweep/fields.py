"""What a journal's lines may hold: checks of values that come from a file."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

from minidl.advice import shown
from minidl.errors import CheckpointError

Field: TypeAlias = tuple[str, Callable[[Any], bool]]
"""What is expected, in words, and whether a value is that."""

_MOST = 1 << 53  # a larger count is none: it is a number that not every program reads as it is
_HALF = re.compile("[\ud800-\udfff]")


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


def is_text(value: Any) -> bool:
    """Whether it is a text that every file takes: without halves of characters, which JSON can hold."""
    return isinstance(value, str) and (value.isascii() or not _HALF.search(value))


def is_object(value: Any, holds: Callable[[Any], bool]) -> bool:
    """Whether it is an object, all of its values such as `holds` says."""
    return isinstance(value, dict) and all(map(is_text, value)) and all(map(holds, value.values()))


def is_plain(value: Any) -> bool:
    """Whether all numbers and texts in it, as it came from JSON, are those above."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    return isinstance(value, bool) or is_figure(value) or is_text(value) or is_object(value, is_plain)


def whole_text(text: str) -> str:
    """`text` as every file takes it: a file's name that is no UTF-8 comes with halves of characters."""
    return text.encode(errors="backslashreplace").decode()
