"""Clauses of a layer's copies, in memory and on disk, and of its parameters drawn anew."""

from __future__ import annotations

import copy
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import CheckpointError, StructureError
from minidl.layers import Layer
from minidl.module import Module
from minidl.parameters import Parameter
from minidl.storage import load, save
from minidl.testing.cases import LayerCase, infer, require_same_pass, train
from minidl.testing.demands import require, require_same
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, named_arrays, snapshot
from minidl.vectors import ParameterVector


def initialize(case: LayerCase) -> None:
    """``initialize(rng)`` draws every parameter and state anew, and clears the gradients."""
    layer, twin = case.layer(), case.layer()
    if not list(named_arrays(layer)):
        raise ClauseSkipped("no parameters")
    train(layer, case.x(), case.dy(infer(layer, case.x())))
    layer.initialize(0)
    twin.initialize(0)
    for (name, part), (_, other) in zip(named_arrays(layer), named_arrays(twin), strict=True):
        require_same(f"{name}.value", other.value, part.value, "drawn again")
        require(not (isinstance(part, Parameter) and part.grad.any()), f"{name}.grad is not cleared")


def deep_copies(case: LayerCase) -> None:
    """``copy.deepcopy`` gives a whole and independent layer, whose arrays are views of its own vectors."""
    _require_copies(case, copy.deepcopy, "a deep copy")


def pickled_copies(case: LayerCase) -> None:
    """So do ``pickle.dumps`` and ``loads``, as between processes."""

    def copied(layer: Layer) -> Any:
        try:
            return pickle.loads(pickle.dumps(layer))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ClauseError(f"it cannot be pickled: {error}") from error

    _require_copies(case, copied, "a pickled copy")


def _require_copies(case: LayerCase, copied: Callable[[Layer], Any], name: str) -> None:
    layer, x = case.layer(), case.x(0)
    dy = case.dy(infer(layer, x))
    train(layer, x, dy)
    twin = copied(layer)
    require(type(twin) is type(layer), f"{name} is of {type(twin)}")
    _require_own_vector(layer, twin, name)
    require_same("inference", infer(twin, x), infer(layer, x), f"by {name}")
    # A pass that is under way in the original goes on undisturbed while the copy trains.
    y = layer.forward(x, training=True)
    y_before = y.copy()
    mate = copied(layer) if case.varies else twin
    train(mate, case.x(1), case.dy(y, 1))
    require_same("the original's output", y, y_before, f"after {name} trained")
    layer.backward(dy)
    twin = copied(layer)
    require_same_pass(train(twin, x, dy), train(layer, x, dy), f"by {name}")
    before = infer(layer, x)
    values = {n: p.value.copy() for n, p in named_arrays(layer)}
    for vector in (twin.parameters, twin.state):
        vector.values[...] *= 1.5
    for n, p in named_arrays(layer):
        require(np.array_equal(p.value, values[n]), f"writing to {name} changes the original's {n}")
    require_same("the original's inference", infer(layer, x), before, f"after {name}'s values changed")
    for vector in (layer.parameters, layer.state):
        vector.values[...] *= 1.5
    require_same(
        "inference", infer(twin, x), infer(layer, x), f"by {name}, once both had their values changed"
    )


def _require_own_vector(layer: Layer, twin: Layer, name: str) -> None:
    for theirs, ours in ((twin.parameters, layer.parameters), (twin.state, layer.state)):
        require(list(theirs) == list(ours), f"{name} has parameters {list(theirs)}, expected {list(ours)}")
        found = dict(named_arrays(twin))
        for path in theirs:
            own = np.shares_memory(found[path].value, theirs.values)
            if isinstance(theirs, ParameterVector):
                own = own and np.shares_memory(theirs[path].grad, theirs.gradients)
            require(own, f"{path} of {name} is no view of the copy's own vector")
            apart = not np.may_share_memory(found[path].value, ours.values)
            require(apart, f"{path} of {name} shares the original's memory")


def saved_and_loaded(case: LayerCase) -> str:
    """`minidl.save` and `minidl.load` give the layer back: class, parameters, states."""
    layer, x = case.layer(), case.x(0)
    dy = case.dy(infer(layer, x))
    train(layer, x, dy)
    try:
        custom = [*_foreign(layer), *case.custom]
    except StructureError as error:
        raise ClauseError(f"it cannot be saved: {error}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.npz")
        try:
            save(layer, path)
            loaded = load(path, custom=custom)
        except CheckpointError as error:
            raise ClauseError(
                f"it cannot be saved and loaded: {str(error).removeprefix(f'{path}: ')}"
            ) from error
        size = path.stat().st_size
    require(type(loaded) is type(layer), f"a loaded one is of {type(loaded)}")
    found = dict(named_arrays(loaded))
    for name, part in named_arrays(layer):
        same = found[name].value.tobytes() == part.value.tobytes()
        require(same, f"{name} comes back with other values")
    try:
        require_same("inference", infer(loaded, x), infer(layer, x), "by the loaded layer")
    except ClauseError as error:
        raise ClauseError("\n".join([str(error), *_lost(layer, loaded)])) from error
    if not case.varies:
        require_same_pass(train(loaded, x, dy), train(layer, x, dy), "by the loaded layer")
    return f"{size} bytes"


def _lost(layer: Layer, loaded: Layer) -> list[str]:
    """A sentence on the plain arrays and numbers of a trained layer that a loaded one has otherwise."""
    lost = []
    for (path, module), (_, other) in zip(layer.named_modules(), loaded.named_modules(), strict=True):
        for name, held in vars(module).items():
            plain = isinstance(held, (np.ndarray, np.generic, int, float)) and not name.startswith("_")
            if plain and changes(snapshot(held), snapshot(vars(other).get(name))):
                lost.append(f"self.{path}.{name}" if path else f"self.{name}")
    text = "changed in training, and no file holds that: make it a State, and write it in place"
    return [f"{' and '.join(lost)} {text}"] if lost else []


def _foreign(layer: Layer) -> list[Callable[..., Any]]:
    """The classes and functions in the layer's description that are not minidl's own."""
    found: dict[str, Callable[..., Any]] = {}
    for _, module in layer.named_modules():
        found[type(module).__name__] = type(module)
        for value in _spread([*module.config().values()]):
            thing = value if hasattr(value, "__name__") else type(value)
            if callable(value) and not isinstance(value, Module):
                found.setdefault(thing.__name__, thing)
    return [thing for thing in found.values() if not str(thing.__module__).startswith(("minidl.", "numpy"))]


def _spread(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _spread(value)
        elif isinstance(value, Mapping):
            yield from _spread(list(value.values()))
        elif not isinstance(value, np.ndarray):
            yield value
