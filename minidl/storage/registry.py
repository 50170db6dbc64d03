"""What a net's file may name: minidl's own layers, losses and initializers, and what its reader hands in."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from minidl import initializers, layers, losses
from minidl.errors import CheckpointError
from minidl.module import Module
from minidl.storage.grammar import Named

_CUSTOM = "custom "
"""Begins the name of what is not minidl's."""

_KINDS = {
    "module": "a layer or a loss",
    "call": "an initializer with arguments, a dataclass",
    "function": "a function",
}


def kind_of(thing: Any) -> str | None:
    """What a file may do with it: build a "module", "call" an initializer's class, or name a "function"."""
    if not isinstance(thing, type):
        return "function" if callable(thing) else None
    if inspect.isabstract(thing):
        return None
    if issubclass(thing, Module):
        return "module"
    return "call" if dataclasses.is_dataclass(thing) and callable(thing.__dict__.get("__call__")) else None


def known(name: str) -> Any:
    """What minidl calls so, or None: what it offers under no such name, or as a base of others."""
    for room in (initializers, layers, losses):
        if name in room.__all__:  # what else a module holds, such as what it imports, is no part of a net
            thing = getattr(room, name)
            return thing if kind_of(thing) else None
    return None


def name_of(thing: Any) -> str:
    """How a file names a class or a function."""
    name: str = thing.__name__
    return name if known(name) is thing else f"{_CUSTOM}{name}"


def find(name: str, custom: Mapping[str, Any]) -> Any:
    """What a file names, minidl's or among `custom`, by their names; None for anything else."""
    own = name.removeprefix(_CUSTOM)
    return known(name) or (custom.get(own) if own else None)  # "" is no name, but that of a partial, say


def signature(thing: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The arguments that it takes."""
    return inspect.signature(thing).parameters


def check_found(named: Iterable[Named], custom: Mapping[str, Any]) -> None:
    """Refuse names of what is neither minidl's nor in `custom`."""
    missing = {one.name: None for one in named if find(one.name, custom) is None}
    if missing:
        names = [name.removeprefix(_CUSTOM) for name in missing]
        it = "it" if len(names) == 1 else "them"
        remedy = f"name {it}: minidl.load(path, custom=[{', '.join(names)}])"
        got = ", ".join(map(repr, names))
        raise CheckpointError.expected("description", "only classes that are known", got, remedy)


def check_fits(one: Named, custom: Mapping[str, Any]) -> None:
    """Refuse to do with a thing what nobody does with one of its kind; nothing is called for it.

    Classes of minidl take their own arguments alone, and among these functions and what is called as
    initializers alone. What the classes in `custom` take is theirs to say.
    """
    thing = find(one.name, custom)
    own, owner = known(one.name) is not None, one.owner
    among_own = owner is not None and known(owner.name) is not None
    if own:
        fits = kind_of(thing) == one.kind or (one.kind == "function" and not among_own)
    else:  # a class of one's own may be handed on like a function
        fits = callable(thing) if one.kind == "function" else isinstance(thing, type)
        fits = fits and (one.kind != "module" or issubclass(thing, Module))
        fits = fits and (one.kind != "call" or dataclasses.is_dataclass(thing))
    if not fits:
        raise CheckpointError.expected("description", f"{one.name!r} to be {_KINDS[one.kind]}", repr(thing))
    if among_own and owner and one.kind != "module" and one.place != "initializer":
        expected = f"functions in {owner.name} as its initializer alone"
        raise CheckpointError.expected("description", expected, f"{one.name!r} as {one.place or 'a part'!r}")
    if own and one.kind != "function":
        taken = [
            f"*{name}" if parameter.kind is parameter.VAR_POSITIONAL else name
            for name, parameter in signature(thing).items()
            if name != "rng"
        ]
        if foreign := [name for name in one.arguments if name not in taken]:
            expected = f"{one.name} with {', '.join(taken) or 'no arguments'}"
            raise CheckpointError.expected("description", expected, ", ".join(map(repr, foreign)))
