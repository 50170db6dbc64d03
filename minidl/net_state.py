"""The state of a module: its arrays, its generators, and what of it is frozen."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from minidl.code import without_addresses
from minidl.errors import StateError, StructureError
from minidl.generators import generator_state, load_generator_state
from minidl.module import Module
from minidl.parameters import State
from minidl.stateful import check_keys

_KEYS = ("parameters", "states", "generators", "frozen")
_LONG = 200  # characters


class StatefulModule(Module):
    """A module that gives and takes the state of all that is in it."""

    def state_dict(self) -> dict[str, Any]:
        """What training changes, by path, as copies.

        Returns
        -------
        dict
            ``parameters`` and ``states``: arrays; ``generators``: what `minidl.generators` says of each;
            ``frozen``: the paths of the parameters that are.
        """
        return {
            "parameters": {path: part.value.copy() for path, part in self.named_parameters()},
            "states": {path: part.value.copy() for path, part in self.named_states()},
            "generators": {path: generator_state(rng) for path, rng in self._generators().items()},
            "frozen": [path for path, part in self.named_parameters() if part.frozen],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave, of this net or one that is built alike.

        Raises
        ------
        StateError
            Names, shapes or dtypes are others: all of them are told. Nothing has changed then.
        """
        check_keys(self.label, state, _KEYS)
        own: dict[str, dict[str, Any]] = {
            "parameters": dict(self.named_parameters()),
            "states": dict(self.named_states()),
            "generators": dict(self._generators()),
        }
        problems = [text for kind, held in own.items() for text in _differences(kind, held, state[kind])]
        if not (
            isinstance(state["frozen"], list) and {*map(str, state["frozen"])} <= own["parameters"].keys()
        ):
            problems.append(f"frozen {state['frozen']}")
        if problems:
            remedy = "build the net as it was built when this was saved"
            raise StateError.expected(self.label, "the state of such a net", "; ".join(problems), remedy)
        before = {path: generator_state(rng) for path, rng in own["generators"].items()}
        try:
            for path, rng in own["generators"].items():
                load_generator_state(f"{self.label}, {path}", rng, state["generators"][path])
        except StateError:
            for path, rng in own["generators"].items():
                load_generator_state(path, rng, before[path])
            raise
        given = {**state["parameters"], **state["states"]}
        for path, part in self._named_arrays():
            part.value[...] = given[path]
        for path, parameter in own["parameters"].items():
            if parameter.frozen != (path in state["frozen"]):
                parameter.frozen = not parameter.frozen

    def _generators(self) -> dict[str, np.random.Generator]:
        return {
            f"{path}.{name}".strip("."): part
            for path, module in self.named_modules()
            for name, part in module._parts.items()
            if isinstance(part, np.random.Generator)
        }


def made(net: Module) -> dict[str, str]:
    """The class and the arguments of each module in a net, by path, as text."""
    return {path: _made(module) for path, module in net.named_modules()}


def made_otherwise(own: dict[str, str], given: Any) -> list[str]:
    """In words, which modules are `given` as others than the own ones."""
    if not (isinstance(given, dict) and all(isinstance(text, str) for text in given.values())):
        return ["made that is no dict of text"]
    return [
        f"{path or 'the net'} made as {given.get(path)} and not as {own.get(path)}"
        for path in dict.fromkeys([*own, *given])
        if own.get(path) != given.get(path)
    ]


def _made(module: Module) -> str:
    """A module's class and arguments, but for the modules among them."""
    try:
        arguments = module.config()
    except StructureError:  # an argument is not kept
        arguments = {}
    texts = [f"{name}={_told(value)}" for name, value in arguments.items() if not _has_module(value)]
    return f"{type(module).__name__}({', '.join(texts)})"


def _has_module(value: Any) -> bool:
    if isinstance(value, dict):
        value = [*value.values()]
    return isinstance(value, Module) or (isinstance(value, (list, tuple)) and any(map(_has_module, value)))


def _told(value: Any) -> str:
    """A value as code, without addresses in memory; a long one by its hash."""
    if isinstance(value, np.ndarray):
        text = f"{value.dtype} {value.shape} {np.ascontiguousarray(value).tobytes().hex()}"
    else:
        text = without_addresses(repr(value))
    return text if len(text) < _LONG else f"{text[:40]}… {hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _differences(kind: str, own: dict[str, Any], given: Any) -> list[str]:
    """In words, what of a kind is missing, what is too many, and what has another shape or dtype."""
    if not isinstance(given, dict):
        return [f"{kind} that are no dict"]
    found = [f"no {path}" for path in own if path not in given]
    found += [f"{path}, which the net does not have" for path in given if path not in own]
    for path, part in own.items():
        if isinstance(part, State) and path in given:
            array, value = given[path], part.value
            if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (value.shape, value.dtype):
                got = f"{array.shape} {array.dtype}" if isinstance(array, np.ndarray) else repr(array)[:80]
                found.append(f"{path} of {got} and not {value.shape} {value.dtype}")
    return found
