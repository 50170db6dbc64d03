"""Clauses of how a layer describes itself: its constructor's arguments, and parts that stay in place."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minidl.errors import StructureError
from minidl.initializers import zeros
from minidl.layers import Layer
from minidl.module import Module
from minidl.parameters import Parameter
from minidl.testing.cases import LayerCase, infer, train
from minidl.testing.demands import require
from minidl.testing.reports import ClauseError
from minidl.testing.state import changes, named_arrays, snapshot


def output_shape(case: LayerCase) -> str:
    """`output_shape` and `sample_shape`, by which a net is put together, say what forward gives and takes."""
    layer, x = case.layer(), case.x()
    taken, y = layer.sample_shape, infer(layer, x)
    fits = taken is None or taken == case.input_shape
    require(fits, f"sample_shape is {taken}, and it takes samples of shape {case.input_shape}")
    if type(layer).output_shape is Layer.output_shape:
        return "found by an inference"
    found = layer.output_shape(case.input_shape)
    text = f"output_shape({case.input_shape}) gives {found!r}, and forward samples of shape {y.shape[1:]}"
    require(found == y.shape[1:], text)
    return f"{case.input_shape} -> {found}"


def config(case: LayerCase) -> None:
    """``config()`` gives all arguments of the constructor as they are now, and what it makes has the same."""
    layer, x = case.layer(), case.x()
    train(layer, x, case.dy(infer(layer, x)))
    for _, module in layer.named_modules():
        found = _config(module)
        _require_complete(module, found)
        try:
            made = _made(type(module), copy.deepcopy(found))
        except Exception as error:
            text = f"{type(module).__name__} cannot be made of its config()"
            raise ClauseError(f"{text}: {type(error).__name__}: {error}") from error
        other = changes(_form(found), _form(_config(made)))
        where = f"made of its config(), {type(module).__name__} has another"
        require(not other, f"{where} {', '.join(other[:4])}: keep arguments as they are given")
        other = changes(_arrays(module), _arrays(made))
        require(not other, f"{where} array {', '.join(other[:4])}")
        _require_live(module)


def parts_stay(case: LayerCase) -> None:
    """A part cannot be replaced by another `Parameter`, `State` or `Module`, nor added to a packed layer."""
    layer = case.built()
    for _, module in layer.named_modules():
        for name, part in list(module._parts.items()):
            _assign(module, name, copy.deepcopy(part))
            stays = module._parts.get(name) is part and getattr(module, name, part) is part
            require(
                stays, f"{module.label} lets another take the place of its {name}; nothing may replace a part"
            )
        added = Parameter((1,), zeros)
        _assign(module, "one_more", added)
        lost = getattr(module, "one_more", None) is added
        require(
            not lost, f"{module.label} takes a new Parameter once the net is packed, and nothing trains it"
        )


def _assign(module: Module, name: str, value: Any) -> None:
    try:
        setattr(module, name, value)
    except Exception:  # as it should be
        return


def _config(module: Module) -> dict[str, Any]:
    try:
        return module.config()
    except StructureError as error:
        raise ClauseError(f"its config() is not complete: {error}") from error


def _require_complete(module: Module, found: Mapping[str, Any]) -> None:
    for name, parameter in type(module).__signature__.parameters.items():
        generator = isinstance(getattr(module, name, None), np.random.Generator)
        if name == "rng" or generator or parameter.kind is parameter.VAR_KEYWORD:
            continue
        key = f"*{name}" if parameter.kind is parameter.VAR_POSITIONAL else name
        require(key in found, f"config() of {module.label} leaves out the argument {name!r}")
    inside = {id(part) for _, part in module.named_modules()}
    for name, value in found.items():
        stale = any(id(part) not in inside for part in _modules(value))
        require(not stale, f"config() of {module.label} gives as {name!r} a module that is no part of it")


def _require_live(module: Module) -> None:
    """Raise where an attribute that stands for an argument changes, and what `config` gives does not."""
    for name, value in _config(module).items():
        if name not in vars(module) or any(_modules(value)):
            continue
        before = _form({name: value})
        kept = vars(module)[name]
        vars(module)[name] = object()
        try:
            live = bool(changes(before, _form({name: module.config().get(name)})))
        except Exception:  # it reads the attribute, and expects something else there
            live = True
        finally:
            vars(module)[name] = kept
        require(live, f"config() of {module.label} gives {name!r} as it once was, not as it is now")


def _made(cls: type[Module], arguments: dict[str, Any]) -> Module:
    star = next((name for name in arguments if name.startswith("*")), None)
    if star is None:
        return cls(**arguments)
    # Arguments before ``*parts`` can only be given by position.
    names = list(cls.__signature__.parameters)
    before = [arguments.pop(name) for name in names[: names.index(star[1:])] if name in arguments]
    return cls(*before, *arguments.pop(star), **arguments)


def _arrays(module: Module) -> dict[str, Any]:
    return {name: (part.shape, part.value.dtype.str) for name, part in named_arrays(module)}


def _form(value: Any) -> dict[str, Any]:
    """The leaves of a configuration by path; a module in it is its class and its own configuration."""
    return snapshot(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, Module):
        return {"class": type(value), **_plain(_config(value))}
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _modules(value: Any) -> Iterator[Module]:
    if isinstance(value, Module):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _modules(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _modules(item)
