"""Modules in terms of JSON: their classes by name, and their constructors' arguments as they are now."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import CheckpointError, MinidlError
from minidl.module import Module
from minidl.storage.registry import known
from minidl.types import Array

ARGUMENT = "argument:"
"""Begins the keys of arrays that are constructor arguments, not parameters."""


def describe(value: Any, arrays: dict[str, Array], path: str = "") -> Any:
    """`value` in terms of JSON; arrays go into `arrays`, and the JSON holds their key."""
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
        arrays[key] = value
        return {"array": key}
    if isinstance(value, np.dtype) or (
        isinstance(value, type) and issubclass(value, (np.generic, float, int))
    ):
        return {"dtype": str(np.dtype(value))}
    if isinstance(value, (list, tuple)):
        items = [describe(item, arrays, f"{path}.{index}") for index, item in enumerate(value)]
        return {type(value).__name__: items} if isinstance(value, tuple) else items
    if isinstance(value, slice):
        return {"slice": describe([value.start, value.stop, value.step], arrays, path)}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": _describe_all(value, arrays, path)}
    if isinstance(value, Module):
        return {"module": _name(type(value)), "arguments": _describe_all(value.config(), arrays, path)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and callable(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"call": _name(type(value)), "arguments": _describe_all(fields, arrays, path)}
    if callable(value) and getattr(value, "__name__", "<lambda>") != "<lambda>":
        return {"function": _name(value)}
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
    return {name: describe(value, arrays, f"{path}.{name}".strip(".")) for name, value in values.items()}


def check_names(net: Module) -> None:
    """Refuse two classes of one name, which a file could not tell from each other."""
    homes: dict[str, str] = {}
    for _, module in net.named_modules():
        kind = type(module)
        home = f"{kind.__module__}.{kind.__qualname__}"  # the same for a class that a notebook defines anew
        if homes.setdefault(_name(kind), home) != home:
            expected = "every class in the net to have a name of its own"
            got = f"{homes[_name(kind)]} and {home}"
            raise CheckpointError.expected("save", expected, got, "rename one of them")


def _name(thing: Any) -> str:
    name: str = thing.__name__
    return name if known(name) is thing else f"custom {name}"


def build(described: Any, arrays: dict[str, Array], custom: dict[str, Any]) -> Any:
    """What `describe` described; `custom` holds the classes and functions that are not minidl's."""
    if isinstance(described, list):
        return [build(item, arrays, custom) for item in described]
    if not isinstance(described, dict):
        return described
    if "array" in described:
        return arrays[described["array"]]
    if "float" in described:
        return float(described["float"])
    if "dtype" in described:
        return np.dtype(described["dtype"])
    if "tuple" in described:
        return tuple(build(described["tuple"], arrays, custom))
    if "slice" in described:
        return slice(*described["slice"])
    if "dict" in described:
        return {name: build(value, arrays, custom) for name, value in described["dict"].items()}
    if "function" in described:
        return _find(described["function"], custom)
    thing = _find(described["module"] if "module" in described else described["call"], custom)
    arguments = {name: build(value, arrays, custom) for name, value in described["arguments"].items()}
    given, named = _in_order(thing, arguments)
    try:
        return thing(*given, **named)
    except MinidlError:
        raise
    except Exception as error:
        if thing not in custom.values():
            raise
        expected = f"{thing.__name__} to take what it took when it was saved ({', '.join(arguments)})"
        remedy = "the class has changed since; load with the class as it was, or keep its old arguments"
        raise CheckpointError.expected("description", expected, repr(error), remedy) from error


def _in_order(thing: Any, arguments: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by position, and those by name."""
    if not any(name.startswith("*") for name in arguments):
        return [], arguments
    # Arguments before ``*parts`` can only be given by position.
    star = next(name for name in arguments if name.startswith("*"))
    before = list(inspect.signature(thing).parameters)
    before = before[: before.index(star[1:])]
    rest = {name: value for name, value in arguments.items() if name not in before and name != star}
    return [*(arguments[name] for name in before if name in arguments), *arguments[star]], rest


def check_known(described: Any, custom: dict[str, Any]) -> None:
    """Refuse a description that names classes or functions that are neither minidl's nor in `custom`."""
    missing = {name: None for name in _names(described) if _find(name, custom) is None}
    if missing:
        names = [name.removeprefix("custom ") for name in missing]
        it = "it" if len(names) == 1 else "them"
        remedy = f"name {it}: minidl.load(path, custom=[{', '.join(names)}])"
        got = ", ".join(map(repr, names))
        raise CheckpointError.expected("description", "only classes that are known", got, remedy)


def _names(described: Any) -> Iterator[str]:
    """The classes and functions that a description names, in order."""
    if isinstance(described, list):
        for item in described:
            yield from _names(item)
    elif isinstance(described, dict):
        inside: Any = described.get("dict", described.get("arguments", {}))  # whose keys are a user's own
        yield from (described[kind] for kind in ("module", "call", "function") if kind in described)
        yield from _names([*inside.values(), described.get("tuple")])


def _find(name: str, custom: dict[str, Any]) -> Any:
    return known(name) or custom.get(name.removeprefix("custom "))
