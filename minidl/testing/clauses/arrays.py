"""Clauses of a layer's arrays: whose they are, how they lie in memory, how long they last."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minidl.layers import Layer
from minidl.module import Module
from minidl.parameters import Parameter, State
from minidl.testing.cases import LayerCase, infer, layouts, require_same_pass, train
from minidl.testing.demands import require, require_same
from minidl.testing.lending import Lending
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseError
from minidl.testing.state import arrays, named_arrays


def arguments_kept(case: LayerCase) -> None:
    """Neither x nor dy is written to, in float32 and float64; arrays that are read-only do."""
    for kind in (np.float64, np.float32):
        layer, x = case.layer(kind), case.x(dtype=kind)
        dy = case.dy(infer(case.layer(kind), x.copy()))
        calls: dict[str, Callable[[], Any]] = {
            "inference": partial(layer.forward, x, training=False),
            "a training forward": partial(layer.forward, x, training=True),
            "backward": partial(layer.backward, dy),
            "a second training forward": partial(layer.forward, x, training=True),
            "backward_parameters": partial(layer.backward_parameters, dy),
            "a later inference": partial(layer.forward, x, training=False),
        }
        before = {"x": x.copy(), "dy": dy.copy()}
        for who, call in calls.items():
            call()
            for name, array in (("x", x), ("dy", dy)):
                require(same_bits(array, before[name]), f"{who} writes to {name}, which it was lent to read")
    x, dy = case.x(), case.dy(infer(case.layer(), case.x()))
    expected = train(case.layer(), x, dy)
    x.flags.writeable = dy.flags.writeable = False
    try:
        infer(case.layer(), x)
        got = train(case.layer(), x, dy)
    except ValueError as error:
        raise ClauseError(f"a read-only x or dy is refused: {error}") from error
    if not case.varies:
        require_same_pass(got, expected, "for read-only x and dy")


def memory_layout(case: LayerCase) -> None:
    """Fortran order, gaps, negative and zero strides in x and dy change nothing, and are only read."""
    x = case.x(batch=max(case.batch, 2))
    dy = case.dy(infer(case.layer(), x))
    expected = train(case.layer(), x, dy)
    inferred = infer(case.layer(), x)
    for name, laid in layouts(x):
        require_same("inference", infer(case.layer(), laid), inferred, f"for x {name}")
        require_same_pass(train(case.layer(), laid, dy), expected, f"for x {name}")
        require(same_bits(laid, x), f"x {name} is written to")
    for name, laid in layouts(dy):
        require_same_pass(train(case.layer(), x, laid), expected, f"for dy {name}")
        require(same_bits(laid, dy), f"dy {name} is written to")
    flat = np.broadcast_to(dy[:1], dy.shape)
    expected = train(case.layer(), x, flat.copy())
    require_same_pass(train(case.layer(), x, flat), expected, "for dy with a stride of 0")


def lent_until_next_forward(case: LayerCase) -> None:
    """What a training forward and its backward give stays as it is until the next training forward.

    So with what layers inside the layer give: whoever was lent it may have remembered it.
    """
    layer, x = case.layer(), case.x()
    dy = case.dy(infer(layer, case.x()))
    with Lending(layer) as lending:
        lending.lend("x", x)
        lending.lend("dy", dy)
        for backward in (layer.backward, layer.backward_parameters):
            layer.forward(x, training=True)
            backward(dy)
            layer.forward(case.x(1), training=False)
            for _, parameter in layer.named_parameters():
                parameter.value[...] *= 1.5
            lending.require_kept("a change of the parameters' values")


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
    known = {id(part) for _, part in (*layer.named_modules(), *named_arrays(layer))}
    for _, module in layer.named_modules():
        for name, held in vars(module).items():
            inside = (
                held.values() if isinstance(held, dict) else held if isinstance(held, (list, tuple)) else ()
            )
            lost = any(isinstance(part, (State, Module)) and id(part) not in known for part in inside)
            text = f"{name} holds a Parameter or Module inside a {type(held).__name__}, where it is not found"
            require(not lost or name.startswith("_"), f"{text}; assign each as an attribute")
            unknown = isinstance(held, (State, Module)) and id(held) not in known
            require(not unknown, f"{name} is not registered; assign it by Module's own __setattr__")


def parameter_views(case: LayerCase) -> str:
    """Parameters and states are views of the net's vectors, stay the same, and forward reads them there."""
    layer, x = case.built(), case.x()
    _require_registered(layer)
    named = dict(named_arrays(layer))
    if not named:
        return "no parameters"
    vectors = layer.parameters, layer.state
    dy = case.dy(infer(layer, x))
    held = {name: (p, p.value, getattr(p, "grad", None)) for name, p in named.items()}
    for _ in range(2):
        train(layer, x, dy)
        layer.forward(x, training=True)
        layer.backward_parameters(dy)
        infer(layer, x)
    kept = layer.parameters is vectors[0] and layer.state is vectors[1]
    require(kept, "the vector of parameters or of states is replaced")
    require(list(dict(named_arrays(layer))) == list(named), "parameters come or go")
    for name, part in named_arrays(layer):
        now = part, part.value, getattr(part, "grad", None)
        kept = all(one is other for one, other in zip(now, held[name], strict=True))
        require(kept, f"{name} is replaced in a training step, not written to")
    for name, part in named_arrays(layer):
        values = vectors[not isinstance(part, Parameter)].values
        require(np.shares_memory(part.value, values), f"{name}.value is no view of the vector")
        if isinstance(part, Parameter):
            within = np.shares_memory(part.grad, vectors[0].gradients)
            require(within, f"{name}.grad is no view of the vector")
    # Packed late, as a net does it, after a first use; then the values are set through the vector.
    late = case.raw()
    infer(late, x)
    fresh = case.layer()
    for mine, theirs in ((late.parameters, fresh.parameters), (late.state, fresh.state)):
        for name, part in mine.items():
            part.value[...] = theirs[name].value
    require_same("inference", infer(late, x), infer(fresh, x), "once the values changed in the vector")
    if not case.varies:
        require_same_pass(train(late, x, dy), train(fresh, x, dy), "once the values changed in the vector")
    return f"{len(named)} parameters"


def reproducible(case: LayerCase) -> None:
    """The same generator makes the same layer: parameters, and the random draws of training."""
    require(case.reproducible, "two layers built from one seed differ: draw from rng= alone")
