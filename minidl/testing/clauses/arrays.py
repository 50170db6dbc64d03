"""Clauses of a layer's arrays: whose they are, how they lie in memory, how long they last."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minidl.initializers import Array
from minidl.layers import Layer
from minidl.module import Module
from minidl.parameters import Parameter
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
from minidl.testing.state import arrays


def arguments_kept(case: LayerCase) -> None:
    """Neither x nor dy is written to; arrays that are read-only do."""
    layer, x = case.layer(), case.x()
    dy = case.dy(infer(case.layer(), x))
    x_before, dy_before = x.copy(), dy.copy()

    def kept(who: str) -> None:
        for name, array, before in (("x", x, x_before), ("dy", dy, dy_before)):
            require(array.tobytes() == before.tobytes(), f"{who} writes to {name}")

    layer.forward(x, training=False)
    kept("inference")
    layer.forward(x, training=True)
    kept("a training forward")
    layer.backward(dy)
    kept("backward")
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    kept("backward_parameters")
    expected = train(case.layer(), x, dy)
    x.flags.writeable = dy.flags.writeable = False
    try:
        infer(case.layer(), x)
        got = train(case.layer(), x, dy)
    except ValueError as error:
        raise ClauseError(f"a read-only x or dy is refused: {error}") from error
    require_same_pass(got, expected, "for read-only x and dy")


def memory_layout(case: LayerCase) -> None:
    """Fortran order, gaps, negative and zero strides in x and dy change nothing."""
    x = case.x(batch=max(case.batch, 2))
    dy = case.dy(infer(case.layer(), x))
    expected = train(case.layer(), x, dy)
    inferred = infer(case.layer(), x)
    for name, laid in _layouts(x):
        require_same("inference", infer(case.layer(), laid), inferred, f"for x {name}")
        require_same_pass(train(case.layer(), laid, dy), expected, f"for x {name}")
    for name, laid in _layouts(dy):
        require_same_pass(train(case.layer(), x, laid), expected, f"for dy {name}")
    flat = np.broadcast_to(dy[:1], dy.shape)
    expected = train(case.layer(), x, flat.copy())
    require_same_pass(train(case.layer(), x, flat), expected, "for dy with a stride of 0")


def _layouts(array: Array) -> Iterator[tuple[str, Array]]:
    yield "in Fortran order", np.asfortranarray(array)
    wide = np.full([2 * n for n in array.shape], -77, array.dtype)
    gaps = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    gaps[...] = array
    yield "with gaps", gaps
    every = tuple(slice(None, None, -1) for _ in array.shape)
    yield "with negative strides", array[every].copy()[every]


def output_not_cached(case: LayerCase) -> str | None:
    """Overwriting the output of a training forward, before backward, changes no gradient."""
    layer, x = case.layer(), case.x()
    y = layer.forward(x, training=True)
    if np.shares_memory(y, x) or not y.flags.writeable:
        return "the output is the input's memory"
    dy = case.dy(y)
    expected = train(case.layer(), x, dy)
    y.fill(1e3)
    require_same_gradients(finished(layer, x, expected.y, dy), expected, "once the output was overwritten")
    return None


def lent_until_next_forward(case: LayerCase) -> None:
    """A training forward's output outlives its backward, and both outlive inferences in between."""
    layer, x, other = case.layer(), case.x(0), case.x(1)
    y = layer.forward(x, training=True)
    y_before = y.copy()
    layer.forward(other, training=False)
    require_same("the output", y, y_before, "after an inference")
    dx = layer.backward(case.dy(y))
    require_same("the output", y, y_before, "after backward")
    dx_before = np.array(dx)
    layer.forward(other, training=False)
    require_same("dx", dx, dx_before, "after an inference")


def inference_gives(case: LayerCase) -> None:
    """Inference gives the caller's own array, or x itself: nothing the layer does later changes it."""
    layer, x = case.layer(), case.x(0)
    train(layer, x, case.dy(infer(layer, x)))
    first, second = layer.forward(x, training=False), layer.forward(case.x(1), training=False)
    if np.shares_memory(first, x):
        return
    require(not np.may_share_memory(first, second), "two inferences return the same memory")
    for path, array in arrays(layer):
        require(not np.may_share_memory(first, array), f"inference returns the memory of the layer's {path}")
    before = first.copy()
    train(layer, case.x(2), case.dy(first, 2))
    require_same("an inference's output", first, before, "after a training pass")


def _require_registered(layer: Layer) -> None:
    known = {id(part) for part in layer.modules()} | {id(p) for _, p in layer.named_parameters()}
    for module in layer.modules():
        for name, held in vars(module).items():
            parts = (
                held.values() if isinstance(held, dict) else held if isinstance(held, (list, tuple)) else ()
            )
            lost = any(isinstance(part, (Parameter, Module)) and id(part) not in known for part in parts)
            text = f"{name} holds a Parameter or Module inside a {type(held).__name__}, where it is not found"
            require(not lost or name.startswith("_"), f"{text}; assign each as an attribute")


def parameter_views(case: LayerCase) -> str:
    """Parameters are views of the net's vector, keep their identity, and forward reads them there."""
    layer, x = case.layer(), case.x()
    _require_registered(layer)
    named = dict(layer.named_parameters())
    if not named:
        return "no parameters"
    vector = layer.parameters
    dy = case.dy(infer(layer, x))
    held = {name: (p, p.value, p.grad) for name, p in named.items()}
    for _ in range(2):
        train(layer, x, dy)
        layer.forward(x, training=True)
        layer.backward_parameters(dy)
        infer(layer, x)
    require(layer.parameters is vector, "the parameter vector is replaced")
    require(list(dict(layer.named_parameters())) == list(named), "parameters come or go")
    for name, parameter in layer.named_parameters():
        kept = (
            parameter is held[name][0]
            and parameter.value is held[name][1]
            and parameter.grad is held[name][2]
        )
        require(kept, f"{name} is replaced in a training step, not written to")
        require(np.shares_memory(parameter.value, vector.values), f"{name}.value is no view of the vector")
        require(np.shares_memory(parameter.grad, vector.gradients), f"{name}.grad is no view of the vector")
    # Packed late, as a net does it, after a first use; then the values are set through the vector.
    late = case.raw()
    infer(late, x)
    late.parameters  # noqa: B018 - packs
    fresh = case.layer()
    for name, parameter in late.named_parameters():
        parameter.value[...] = fresh.parameters[name].value
    require_same("inference", infer(late, x), infer(fresh, x), "once the values changed in the vector")
    if not case.varies:
        require_same_pass(train(late, x, dy), train(fresh, x, dy), "once the values changed in the vector")
    return f"{len(named)} parameters"


def reproducible(case: LayerCase) -> None:
    """The same generator makes the same layer: parameters, and the random draws of training."""
    require(case.reproducible, "two layers built from one seed differ: draw from rng= alone")


def initialize(case: LayerCase) -> str | None:
    """``initialize(rng)`` draws every parameter as construction does, and clears the gradients."""
    layer, twin = case.layer(), case.layer()
    if not list(layer.named_parameters()):
        raise ClauseSkipped("no parameters")
    layer.initialize(0)
    twin.initialize(0)
    for name, parameter in layer.named_parameters():
        require_same(f"{name}.value", twin.parameters[name].value, parameter.value, "drawn again")
        require(not parameter.grad.any(), f"{name}.grad is not cleared")
    return None


ARRAYS = (
    arguments_kept, memory_layout, output_not_cached, lent_until_next_forward, inference_gives,
    parameter_views, reproducible, initialize,
)  # fmt: skip
