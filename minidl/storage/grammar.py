"""What a description may say: checked as a whole, before anything is built from it."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
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

    waiting: list[_Waiting] = [(described, 1, None, "")]
    keys: set[str] = set()
    values = modules = places = 0
    while waiting:
        value, deep, owner, place = waiting.pop()
        values += 1
        if deep > MOST_DEEP:
            fail(f"layers and lists nested less than {MOST_DEEP} deep in JSON", "deeper ones")
        if values > MOST_VALUES:
            fail(f"at most {MOST_VALUES:,} values", "more", "keep many numbers in an array")
        inside: list[tuple[Any, str]] = []
        named: Named | None = None
        if isinstance(value, list):
            inside = [(item, "") for item in value]
        elif isinstance(value, dict):
            kind = next((kind for kind in _SHAPES if kind in value), None)
            if kind is None or set(value) != _SHAPES[kind]:
                kinds = ", ".join(_SHAPES)
                fail(f"one of {kinds}, with arguments where it is called", f"keys {shown(sorted(value))}")
            what = value[kind]
            if kind in ("module", "call", "function"):
                given = value.get("arguments", {})
                if not isinstance(what, str) or not _is_dict(given):
                    fail(f"a name as {kind}, and arguments by name", f"{shown(what)} and {shown(given)}")
                for name, argument in given.items():
                    if name.startswith("*"):
                        row = argument.get("tuple") if isinstance(argument, dict) else argument
                        if not isinstance(row, list):
                            fail(f"a list as {name!r} of {what}", shown(argument))
                if sum(name.startswith("*") for name in given) > 1:
                    fail(f"one list of arguments of {what} by position", shown(list(given)))
                depth = (owner.depth if owner else 0) + 1
                named = Named(kind, what, tuple(given), owner, place, depth)
                if kind != "function":
                    modules, places = modules + _WEIGHTS.get(what, 1), places + depth
                    if modules > MOST_MODULES or places > MOST_PLACES:
                        fail(f"at most {MOST_MODULES:,} modules, fewer where they are deeply nested", "more")
                yield named
                inside = [(argument, name) for name, argument in given.items()]
            elif kind == "array":
                if not isinstance(what, str) or not what.startswith(ARGUMENT) or what in keys:
                    fail(f"the name of an array, {ARGUMENT}..., that stands nowhere else", shown(what))
                if arrays is not None and what not in arrays:
                    fail(f"an array {what}", f"{len(arrays)} arrays, and none of that name")
                keys.add(what)
            elif kind == "tuple":
                if not isinstance(what, list):
                    fail("the items of a tuple as a list", shown(what))
                inside = [(what, "")]
            elif kind == "dict":
                if not _is_dict(what):
                    fail("a dict with words for keys", shown(what))
                inside = [(item, "") for item in what.values()]
            elif not _FITS[kind](what):
                fail(_SAID[kind], shown(what))
        elif not _is_plain(value):
            fail(f"None, True, False, a word, a finite number, an integer below 2**{MOST_BITS}", shown(value))
        waiting += [(item, deep + 1, named or owner, at) for item, at in reversed(inside)]


_SHAPES = {kind: {kind} for kind in ("function", "array", "tuple", "dict", "float", "dtype", "slice")} | {
    kind: {kind, "arguments"} for kind in ("module", "call")
}


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() <= MOST_BITS
    return value is None or isinstance(value, str) or (isinstance(value, float) and math.isfinite(value))


def _is_float(value: Any) -> bool:
    return isinstance(value, str) and value in ("inf", "-inf", "nan")


def _is_dtype(value: Any) -> bool:
    try:
        return bool(_DTYPE.fullmatch(value)) and np.dtype(value).kind in "fiubc"
    except TypeError:  # no word, or a dtype that this machine lacks
        return False


def _is_slice(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and all(map(_is_bound, value))


def _is_bound(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and _is_plain(value))


_FITS = {"float": _is_float, "dtype": _is_dtype, "slice": _is_slice}
_SAID = {
    "float": "inf, -inf or nan as float",
    "dtype": "the name of a dtype of numbers",
    "slice": "a slice's start, stop and step, integers or None",
}
