"""Modules in terms of JSON: their classes by name, and their constructors' arguments as they are now."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import CheckpointError, MinidlError
from minidl.module import Module
from minidl.parameters import IN_FILE
from minidl.storage.grammar import ARGUMENT as ARGUMENT
from minidl.storage.grammar import MOST_DEEP, read
from minidl.storage.registry import check_fits, check_found, find, known, name_of, signature
from minidl.storage.room import room
from minidl.types import Array


def describe(value: Any, arrays: dict[str, Array]) -> Any:
    """`value` in terms of JSON; arrays go into `arrays`, and the JSON holds their key.

    Raises
    ------
    CheckpointError
        For what no file can describe, or `build` would refuse.
    """
    try:
        described = _describe(value, arrays, "")
    except RecursionError:
        expected = f"layers and lists nested at most {MOST_DEEP} deep in JSON"
        raise CheckpointError.expected("save", expected, "deeper ones") from None
    for _ in read(described, arrays, where="save"):
        pass
    return described


def _describe(value: Any, arrays: dict[str, Array], path: str) -> Any:
    if isinstance(value, np.generic) and not isinstance(value, str):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(float(value))}  # JSON has no number for it
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.random.Generator, np.random.RandomState)):
        return None  # spent once the layer is made
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        key = f"{ARGUMENT}{path}"
        while key in arrays:  # a name with a dot in it is no path
            key += "'"
        arrays[key] = value
        return {"array": key}
    if isinstance(value, np.dtype) or (
        isinstance(value, type) and issubclass(value, (np.generic, float, int))
    ):
        return {"dtype": str(np.dtype(value))}
    if isinstance(value, (list, tuple)):
        items = [_describe(item, arrays, f"{path}.{index}") for index, item in enumerate(value)]
        return {type(value).__name__: items} if isinstance(value, tuple) else items
    if isinstance(value, slice):
        return {"slice": _describe([value.start, value.stop, value.step], arrays, path)}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": _describe_all(value, arrays, path)}
    if isinstance(value, Module):
        return {"module": name_of(type(value)), "arguments": _describe_all(value.config(), arrays, path)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and callable(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"call": name_of(type(value)), "arguments": _describe_all(fields, arrays, path)}
    if callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>":
        return {"function": name_of(value)}
    expected = "constructor arguments that are numbers, strings, lists, arrays, layers or named functions"
    raise CheckpointError.expected("save", expected, f"{shown(value)} as '{path}'", _remedy(value))


def _remedy(value: Any) -> str:
    """What to do about an argument that cannot be described."""
    if isinstance(value, (set, frozenset)):
        return "keep it as a list, as sorted(...) gives"
    if isinstance(value, dict):
        return "give it keys that are strings"
    if isinstance(value, np.ndarray):
        return "give an array of numbers, or a list of strings"
    if callable(value):
        return "define a function with def instead of lambda"
    return "build such objects inside the layer, from arguments that can be written"


def _describe_all(values: dict[str, Any], arrays: dict[str, Array], path: str) -> dict[str, Any]:
    return {name: _describe(value, arrays, f"{path}.{name}".strip(".")) for name, value in values.items()}


def check_names(net: Module) -> None:
    """Refuse two classes of one name, which a file could not tell from each other."""
    homes: dict[str, str] = {}
    for _, module in net.named_modules():
        kind = type(module)
        home = f"{kind.__module__}.{kind.__qualname__}"  # the same for a class that a notebook defines anew
        if homes.setdefault(name_of(kind), home) != home:
            expected = "every class in the net to have a name of its own"
            got = f"{homes[name_of(kind)]} and {home}"
            raise CheckpointError.expected("save", expected, got, "rename one of them")


def check_known(described: Any, custom: dict[str, Any]) -> None:
    """Refuse a description that names classes or functions that are neither minidl's nor in `custom`."""
    check_found(list(read(described)), custom)


def build(described: Any, arrays: dict[str, Array], custom: dict[str, Any]) -> Any:
    """What `describe` described; `custom` holds the classes and functions that are not minidl's.

    All of it is checked before anything is made. Parameters and states take no more memory than the `room`
    has that this is called in, or than `arrays` take, arguments left out; their values are any.

    Raises
    ------
    CheckpointError
        For a description that `describe` would not have written; for a class that fails.
    MinidlError
        What one of minidl's own constructors raises.
    """
    named = list(read(described, arrays))
    check_found(named, custom)
    for one in named:
        check_fits(one, custom)
    try:
        if IN_FILE.get():
            return _build(described, arrays, custom)
        with room(sum(array.nbytes for key, array in arrays.items() if not key.startswith(ARGUMENT))):
            return _build(described, arrays, custom)
    except RecursionError:
        expected = f"layers and lists nested at most {MOST_DEEP} deep in JSON"
        raise CheckpointError.expected("description", expected, "deeper ones") from None


def _build(described: Any, arrays: dict[str, Array], custom: dict[str, Any]) -> Any:
    if isinstance(described, list):
        return [_build(item, arrays, custom) for item in described]
    if not isinstance(described, dict):
        return described
    if "arguments" in described:
        name = described["module"] if "module" in described else described["call"]
        arguments = {key: _build(value, arrays, custom) for key, value in described["arguments"].items()}
        return _made(name, arguments, custom)
    ((kind, what),) = described.items()
    if kind == "array":
        return arrays[what]
    if kind == "float":
        return float(what)
    if kind == "dtype":
        return np.dtype(what)
    if kind == "tuple":
        return tuple(_build(what, arrays, custom))
    if kind == "slice":
        return slice(*what)
    if kind == "dict":
        return {key: _build(value, arrays, custom) for key, value in what.items()}
    return find(what, custom)


def _made(name: str, arguments: dict[str, Any], custom: dict[str, Any]) -> Any:
    """The object of that class, or an error that names it."""
    thing = find(name, custom)
    try:
        given, named = _in_order(thing, arguments)
        return thing(*given, **named)
    except MinidlError:
        raise
    except Exception as error:
        if known(name):
            expected = f"arguments that {name} takes"
            raise CheckpointError.expected("description", expected, shown(error)) from error
        expected = f"{thing.__name__} to take what it took when it was saved ({', '.join(arguments)})"
        remedy = "the class has changed since; load with the class as it was, or keep its old arguments"
        raise CheckpointError.expected("description", expected, repr(error), remedy) from error


def _in_order(thing: Any, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by position, and those by name."""
    star = next((name for name in arguments if name.startswith("*")), None)
    if star is None:
        return [], arguments
    # Arguments before ``*parts`` can only be given by position.
    before = list(signature(thing))
    before = before[: before.index(star[1:])]
    rest = {name: value for name, value in arguments.items() if name not in before and name != star}
    return [*(arguments[name] for name in before if name in arguments), *arguments[star]], rest
