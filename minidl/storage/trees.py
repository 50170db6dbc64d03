"""States, which are dicts of arrays and plain values, in terms of JSON and named arrays."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import CheckpointError, StateError
from minidl.types import Array

_SCALARS = {
    "bool", *(f"float{bits}" for bits in (16, 32, 64)),
    *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)),
}  # fmt: skip
"""NumPy's numbers that are no array, by their dtype: sums of them are rounded as it says."""

_ODD = re.compile(r"[^\w.' -]", re.ASCII)
_LONGEST, _DEEPEST, _MOST_BITS = 200, 100, 8192
"""Of an array's name, of dicts and lists in each other, of an int: what is read again everywhere."""


def encode(value: Any, arrays: dict[str, Array], path: str = "", depth: int = 0) -> Any:
    """`value` in terms of JSON; arrays go into `arrays`, named by their path, and the JSON holds the name.

    Raises
    ------
    StateError
        It holds something else than arrays of numbers or text, numbers, strings, None, lists, tuples, and
        dicts with strings for keys; or a subclass of these, which would come back as another class; is
        nested more than a hundred deep; or has an int above 2**8192.
    """
    if isinstance(value, np.generic) and value.dtype.name in _SCALARS:
        return {value.dtype.name: encode(value.item(), arrays, path)}
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if value is None or type(value) in (bool, str):
        return value
    if type(value) is int and value.bit_length() <= _MOST_BITS:
        return value
    if type(value) is np.ndarray and value.dtype.kind in "fiubU":
        name = _ODD.sub("_", path)[-_LONGEST:]  # for a name in a zip cannot be anything
        while name in arrays:  # a dict's keys may hold dots, too
            name += "'"
        arrays[name] = value
        return {"array": name}
    if type(value) in (list, tuple) and depth < _DEEPEST:
        items = [encode(item, arrays, f"{path}.{place}", depth + 1) for place, item in enumerate(value)]
        return {"tuple": items} if type(value) is tuple else items
    if type(value) is dict and depth < _DEEPEST and all(type(key) is str for key in value):
        paths = {key: f"{path}.{key}".strip(".") for key in value}
        return {"dict": {key: encode(item, arrays, paths[key], depth + 1) for key, item in value.items()}}
    expected = "a state of arrays, numbers, strings, None, and lists, tuples and dicts of them"
    remedy = "make what else there is anew, or name in state_names what is to be kept"
    raise StateError.expected("save", expected, f"{shown(value)} as '{path[:_LONGEST]}'", remedy)


def decode(tree: Any, arrays: dict[str, Array]) -> Any:
    """What `encode` encoded; CheckpointError for what it could not have written."""
    if isinstance(tree, list):
        return [decode(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kind, content = next(iter(tree.items()), ("", None))
    if len(tree) == 1:
        if kind == "array" and isinstance(content, str) and content in arrays:
            return arrays[content]
        if kind == "float" and content in ("nan", "inf", "-inf"):
            return float(content)
        if kind in _SCALARS:
            return _scalar(kind, decode(content, arrays))
        if kind == "tuple" and isinstance(content, list):
            return tuple(decode(content, arrays))
        if kind == "dict" and isinstance(content, dict):
            return {key: decode(item, arrays) for key, item in content.items()}
    raise CheckpointError.expected("state", "arrays, floats, tuples and dicts by their kind", shown(tree))


def _scalar(dtype: str, value: Any) -> Any:
    """A number of NumPy's own; CheckpointError where this dtype does not hold it."""
    if type(value) in (bool, int, float):
        with np.errstate(all="ignore"), suppress(OverflowError, ValueError):
            number = np.dtype(dtype).type(value)
            if type(number.item()) is type(value) and (number == value or value != value):
                return number
    raise CheckpointError.expected("state", f"a number of {dtype}", shown(value))
