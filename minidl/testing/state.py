"""Everything that an object holds, by path: to see what a call changed, and to find its generators."""

from __future__ import annotations

import re
import types
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.module import Module
from minidl.parameters import State
from minidl.types import Array

_GENERATORS = (np.random.Generator, np.random.RandomState)
_VALUES = (type(None), bool, int, float, complex, str, bytes, range, slice, np.dtype, type)
_OPAQUE = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType, np.ufunc)


def walk(root: Any) -> Iterator[tuple[str, Any]]:
    """Pairs of path and leaf: arrays, generators, numbers, strings, and whatever is opaque."""
    yield from _walk(root, "", {})


def snapshot(root: Any) -> dict[str, Any]:
    """All leaves by path, copied, so that `changes` can compare them later."""
    return {path: _freeze(leaf) for path, leaf in walk(root)}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The attributes that came, went or have another value."""
    paths = [*before, *(path for path in after if path not in before)]
    changed = [path for path in paths if before.get(path, walk) != after.get(path, walk)]
    # Which of a list's items changed is more than a person wants to know.
    return list(dict.fromkeys(re.split(r"[\[ ]", path)[0] or path for path in changed))


def arrays(root: Any) -> list[tuple[str, Array]]:
    """All arrays of numbers that `root` holds."""
    return [(path, leaf) for path, leaf in walk(root) if isinstance(leaf, np.ndarray)]


def generators(root: Any) -> dict[str, Any]:
    """All random generators that `root` holds."""
    return {path: leaf for path, leaf in walk(root) if isinstance(leaf, _GENERATORS)}


def replay_generators(source: Any, target: Any) -> None:
    """Put the generators of `target` where those of `source`, its twin, stand."""
    theirs = generators(target)
    for path, generator in generators(source).items():
        set_position(theirs[path], position(generator))


def position(generator: Any) -> Any:
    """Where a generator stands."""
    legacy = isinstance(generator, np.random.RandomState)
    return generator.get_state() if legacy else generator.bit_generator.state


def set_position(generator: Any, where: Any) -> None:
    """Put a generator back where one of its kind stood."""
    if isinstance(generator, np.random.RandomState):
        generator.set_state(where)
    else:
        generator.bit_generator.state = where


def named_arrays(module: Module) -> Iterator[tuple[str, State]]:
    """Pairs of path and part, of a module's parameters and states."""
    yield from module.named_parameters()
    yield from module.named_states()


@contextmanager
def values_kept(module: Module) -> Iterator[None]:
    """Put parameters and states back, which training forwards may move."""
    saved = [(part, part.value.copy()) for _, part in named_arrays(module)]
    try:
        yield
    finally:
        for part, value in saved:
            part.value[...] = value


def _freeze(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        return (leaf.dtype.str, leaf.shape, leaf.tobytes())
    if isinstance(leaf, np.generic):
        return (leaf.dtype.str, leaf.tobytes())
    if isinstance(leaf, np.random.Generator):
        sequence = leaf.bit_generator.seed_seq
        return (repr(leaf.bit_generator.state), getattr(sequence, "n_children_spawned", 0))
    if isinstance(leaf, np.random.RandomState):
        return repr([str(part) for part in leaf.get_state(legacy=True)])
    # By repr, for which NaN equals itself; opaque things by identity.
    return repr(leaf) if isinstance(leaf, _VALUES) else id(leaf)


def _walk(thing: Any, path: str, seen: dict[int, Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, (*_VALUES, *_OPAQUE, np.generic)):
        yield path, thing
        return
    if id(thing) in seen:
        return
    seen[id(thing)] = thing  # held, so that no other object takes over its id
    numbers = isinstance(thing, np.ndarray) and thing.dtype != object
    if numbers or isinstance(thing, _GENERATORS):
        yield path, thing
    elif isinstance(thing, Mapping):
        yield f"{path} (length)", len(thing)
        for key, value in list(thing.items()):
            yield from _walk(value, f"{path}[{key!r}]", seen)
    elif isinstance(thing, (list, tuple, deque, np.ndarray)):
        yield f"{path} (length)", len(thing)
        for index, value in enumerate(thing):
            yield from _walk(value, f"{path}[{index}]", seen)
    elif isinstance(thing, (set, frozenset)):
        yield path, str(sorted(map(repr, thing)))
    else:
        found = list(_attributes(thing))
        for name, value in found:
            yield from _walk(value, f"{path}.{name}" if path else name, seen)
        if not found:
            yield path, thing


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    held = dict(getattr(thing, "__dict__", {}))
    if isinstance(thing, Module):
        # First under the names that a person knows them by.
        yield from held.pop("_parts", {}).items()
        yield "workspace", held.pop("_buffers", None)
        yield "cache", held.pop("_remembered", None)
        held.pop("_vectors", None)  # the parts' arrays once more
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name.lstrip("_"), getattr(thing, name)
        if not cls.__module__.startswith(("minidl.", "builtins", "abc")) or "testing" in cls.__module__:
            # State kept on a class is shared by all its instances.
            for name, value in list(vars(cls).items()):
                if isinstance(value, (list, dict, set, np.ndarray)) and not name.startswith("__"):
                    yield f"{cls.__name__}.{name}", value
    yield from held.items()
