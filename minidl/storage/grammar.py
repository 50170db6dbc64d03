"""What a description may say: checked as a whole, before anything is built from it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple, NoReturn, TypeAlias

import numpy as np

from minidl.advice import shown
from minidl.errors import CheckpointError
from minidl.files import MAX_DEPTH

ARGUMENT = "argument:"
"""Begins the keys of arrays that are constructor arguments, not parameters."""

MOST_DEEP, MOST_VALUES, MOST_BITS = MAX_DEPTH - 10, 1 << 19, 1 << 10
"""How deep a description may be nested, what leaves room in the JSON around it; how many numbers, words and
the like it may hold; and the bits of an integer, above those of a float."""

MOST_MODULES, MOST_PLACES = 10_000, 50_000
"""Modules, and the depths of all modules added up, for each one that holds others looks through them all."""

_WEIGHTS = {"Standardize": 20}
"""Modules that take so many times the memory of another, 3 KB, for what they compute from their arguments."""

_DTYPE = re.compile(
    "bool|u?int(8|16|32|64)|float(16|32|64|96|128)|complex(64|128|192|256)|longdouble|[<>][fiuc][0-9]{1,2}"
)


class Named(NamedTuple):
    """A place where a description names a class or a function.

    Attributes
    ----------
    kind : "module", "call" or "function"
    name : str
    arguments : tuple of str
        The names of the arguments that it is called with.
    owner : Named or None
        Whose argument it is, or is part of.
    place : str
        The name of that argument; "" for a part of one.
    depth : int
        How many modules it stands in, itself counted.
    """

    kind: str
    name: str
    arguments: tuple[str, ...]
    owner: Named | None
    place: str
    depth: int


_Waiting: TypeAlias = "tuple[Any, int, Named | None, str]"


def read(
    described: Any, arrays: Collection[str] | None = None, *, where: str = "description"
) -> Iterator[Named]:
    """The classes and functions that a description names, in order.

    Parameters
    ----------
    described : what JSON can say
    arrays : collection of str, optional
        The keys of the arrays that there are.

    Raises
    ------
    CheckpointError
        For what `minidl.storage.description.describe` would not have written.
    """

    def fail(expected: str, got: object, remedy: str = "") -> NoReturn:
        raise CheckpointError.expected(where, expected, got, remedy)

    waiting: list[_Waiting] = [([described], 0, None, "")]
    keys: set[str] = set()
    values = modules = places = 0
    while waiting:
        value, deep, owner, place = waiting.pop()
        if deep > MOST_DEEP:
            fail(f"layers and lists nested at most {MOST_DEEP} deep in JSON", "deeper ones")
        named: Named | None = None
        inside: dict[str, Any] | list[Any] = []
        if isinstance(value, list):
            inside = value
        else:
            kind = next((kind for kind in _SHAPES if kind in value), "")
            if set(value) != _SHAPES.get(kind):
                kinds = ", ".join(_SHAPES)
                fail(f"one of {kinds}, with arguments where it is called", f"keys {shown(list(value))}")
            what = value[kind]
            if not _FITS[kind](what):
                fail(_SAID[kind], shown(what))
            if kind in ("tuple", "dict"):
                inside = what
            elif kind == "array":
                if what in keys:
                    fail("every array in one place", f"{what} in two")
                if arrays is not None and what not in arrays:
                    fail(f"an array {what}", f"{len(arrays)} arrays, and none of that name")
                keys.add(what)
            elif kind in ("module", "call", "function"):
                inside = value.get("arguments", {})
                if not _are_arguments(inside):
                    fail(f"arguments of {what} by name, and after a * one list", shown(inside))
                depth = (owner.depth if owner else 0) + 1
                named = Named(kind, what, tuple(inside), owner, place, depth)
                if kind != "function":
                    modules, places = modules + _WEIGHTS.get(what, 1), places + depth
                    if modules > MOST_MODULES or places > MOST_PLACES:
                        fail(f"at most {MOST_MODULES:,} modules, fewer where they are deeply nested", "more")
                yield named
        values += len(inside)
        if values > MOST_VALUES:
            fail(f"at most {MOST_VALUES:,} values", "more", "keep many numbers in an array")
        parts: list[_Waiting] = []
        for at, item in inside.items() if isinstance(inside, dict) else (("", item) for item in inside):
            if isinstance(item, (list, dict)):
                parts.append((item, deep + 1 + isinstance(value, dict), named or owner, at if named else ""))
            elif not _is_plain(item):
                expected = f"None, True, False, words, finite numbers, integers below 2**{MOST_BITS}"
                fail(expected, shown(item))
        waiting += reversed(parts)


def _are_arguments(given: Any) -> bool:
    if not _is_dict(given) or sum(name.startswith("*") for name in given) > 1:
        return False
    rows = (value for name, value in given.items() if name.startswith("*"))
    return all(isinstance(row.get("tuple") if isinstance(row, dict) else row, list) for row in rows)


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= MOST_BITS
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


def _is_dtype(value: Any) -> bool:
    try:
        return bool(_DTYPE.fullmatch(value)) and np.dtype(value).kind in "fiubc"
    except TypeError:  # no word, or a dtype that this machine lacks
        return False


def _is_slice(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(map(_is_bound, value))


def _is_bound(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and _is_plain(value))


_FITS: dict[str, Callable[[Any], bool]] = {
    "module": lambda what: isinstance(what, str),
    "call": lambda what: isinstance(what, str),
    "function": lambda what: isinstance(what, str),
    "array": lambda what: isinstance(what, str) and what.startswith(ARGUMENT),
    "tuple": lambda what: isinstance(what, list),
    "dict": _is_dict,
    "float": lambda what: isinstance(what, str) and what in ("inf", "-inf", "nan"),
    "dtype": _is_dtype,
    "slice": _is_slice,
}
_SAID = {
    "module": "a name as module",
    "call": "a name as call",
    "function": "a name as function",
    "array": f"the name of an array, {ARGUMENT}...",
    "tuple": "the items of a tuple as a list",
    "dict": "a dict with words for keys",
    "float": "inf, -inf or nan as float",
    "dtype": "the name of a dtype of numbers",
    "slice": "a slice's start, stop and step, integers or None",
}
_SHAPES = {kind: {kind, "arguments"} if kind in ("module", "call") else {kind} for kind in _FITS}
