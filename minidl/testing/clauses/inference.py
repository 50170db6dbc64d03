"""Clauses of a layer's inference and of its copies, in memory and on disk."""

from __future__ import annotations

import copy
import pickle
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minidl.errors import CheckpointError
from minidl.layers import Layer
from minidl.module import Module
from minidl.testing.cases import (
    LayerCase,
    finished,
    infer,
    require,
    require_same,
    require_same_gradients,
    require_same_pass,
    train,
)
from minidl.testing.reports import ClauseError, ClauseSkipped
from minidl.testing.state import changes, snapshot
from minidl.training import load, save

_THREADS = 8
_ROUNDS = 100


def inference_repeats(case: LayerCase) -> None:
    """Inference of the same x gives the same, to the bit, whatever was inferred before."""
    layer, x = case.layer(), case.x(0)
    first = infer(layer, x)
    infer(layer, case.x(1, batch=case.batch + 1))
    for who, again in (("again", infer(layer, x)), ("by a fresh layer", infer(case.layer(), x))):
        require(np.array_equal(first, again, equal_nan=True), f"inference of the same x differs {who}")


def inference_is_training(case: LayerCase) -> None:
    """Inference gives what a training forward gives, where that neither draws nor keeps statistics."""
    if case.varies:
        raise ClauseSkipped("a training forward draws at random")
    layer, x = case.layer(), case.x()
    before = snapshot(layer)
    y = np.array(layer.forward(x, training=True))
    changed = changes(before, snapshot(layer))
    kept = [name for name in changed if name.rpartition(".")[2] not in ("cache", "workspace")]
    if kept:
        raise ClauseSkipped(f"a training forward changes {', '.join(kept[:3])}")
    require_same("inference", infer(case.layer(), x), y, "where a training forward gives other numbers")


def inference_pure(case: LayerCase) -> None:
    """Inference changes nothing of the layer: parameters, cache, workspace, attributes, generators."""
    layer, x = case.layer(), case.x(0)
    train(layer, x, case.dy(infer(layer, x)))
    layer.forward(x, training=True)
    for name, used in (("a used layer", layer), ("a fresh layer", case.layer())):
        before = snapshot(used)
        used.forward(case.x(1, batch=case.batch + 1), training=False)
        used.forward(x, training=False)
        changed = changes(before, snapshot(used))
        require(not changed, f"inference changes {', '.join(changed[:4])} of {name}")


def inference_between(case: LayerCase) -> None:
    """An inference may come between a training forward and its backward."""
    layer, x = case.layer(), case.x(0)
    dy = case.dy(infer(layer, x))
    expected = train(case.layer(), x, dy)
    layer.forward(x, training=True)
    infer(layer, case.x(1, batch=case.batch + 1))
    infer(layer, case.x(2))
    require_same_gradients(finished(layer, x, expected.y, dy), expected, "with an inference before backward")


def inference_threads(case: LayerCase) -> None:
    """Eight threads may infer with one layer at once."""
    layer = case.layer()
    inputs = [case.x(draw, batch=case.batch + draw % 2) for draw in range(_THREADS)]
    expected = [infer(layer, x) for x in inputs]
    problems: list[str] = []
    finished: list[int] = []
    barrier = threading.Barrier(_THREADS)

    def work(number: int) -> None:
        barrier.wait()
        # On and on until the last thread is through, so that each has met all others.
        for attempt in range(_ROUNDS * _THREADS):
            if problems or len(finished) == _THREADS:
                return
            if attempt == _ROUNDS:
                finished.append(number)
            try:
                got = layer.forward(inputs[number], training=False)
                if not np.array_equal(got, expected[number], equal_nan=True):
                    problems.append("gives wrong outputs")
            except Exception as error:
                problems.append(f"raises {type(error).__name__}: {error}")

    with _fast_switching():
        threads = [threading.Thread(target=work, args=(number,)) for number in range(_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if problems:
        raise ClauseError(f"inference in {_THREADS} threads {problems[0]}")


@contextmanager
def _fast_switching() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def deep_copies(case: LayerCase) -> None:
    """``copy.deepcopy`` gives a whole and independent layer, whose parameters are views of its own vector."""
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
    values = {n: p.value.copy() for n, p in layer.named_parameters()}
    twin.parameters.values[...] *= 1.5
    for n, p in layer.named_parameters():
        require(np.array_equal(p.value, values[n]), f"writing to {name} changes the original's {n}")
    require_same("the original's inference", infer(layer, x), before, f"after {name}'s values changed")
    layer.parameters.values[...] *= 1.5
    require_same(
        "inference", infer(twin, x), infer(layer, x), f"by {name}, once both had their values changed"
    )


def _require_own_vector(layer: Layer, twin: Layer, name: str) -> None:
    theirs, ours = twin.parameters, layer.parameters
    require(list(theirs) == list(ours), f"{name} has parameters {list(theirs)}, expected {list(ours)}")
    for path, parameter in twin.named_parameters():
        own = np.shares_memory(parameter.value, theirs.values) and np.shares_memory(
            parameter.grad, theirs.gradients
        )
        require(own, f"{path} of {name} is no view of the copy's own vector")
        apart = not np.may_share_memory(parameter.value, ours.values)
        require(apart, f"{path} of {name} shares the original's memory")


def saved_and_loaded(case: LayerCase) -> str:
    """`minidl.save` and `minidl.load` give the layer back: class, parameters, what training left in it."""
    layer, x = case.layer(), case.x(0)
    dy = case.dy(infer(layer, x))
    train(layer, x, dy)
    custom = [*_foreign(layer), *case.custom]
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
    for name, parameter in layer.named_parameters():
        same = loaded.parameters[name].value.tobytes() == parameter.value.tobytes()
        require(same, f"{name} comes back with other values")
    require_same("inference", infer(loaded, x), infer(layer, x), "by the loaded layer")
    if not case.varies:
        require_same_pass(train(loaded, x, dy), train(layer, x, dy), "by the loaded layer")
    return f"{size} bytes"


def _foreign(layer: Layer) -> list[Callable[..., Any]]:
    """The classes and functions in the layer's description that are not minidl's own."""
    found: dict[str, Callable[..., Any]] = {}
    for module in layer.modules():
        found[type(module).__name__] = type(module)
        args, kwargs = module._arguments
        for value in _spread([*args, *kwargs.values()]):
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


INFERENCE = (
    inference_repeats, inference_is_training, inference_pure, inference_between, inference_threads,
    deep_copies, pickled_copies, saved_and_loaded,
)  # fmt: skip
