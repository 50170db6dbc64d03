"""Looking through a net: what each of its layers does with a batch, and a table of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, NamedTuple

from minidl.losses import Loss
from minidl.module import Module
from minidl.tables import table
from minidl.types import Array


class Traced(NamedTuple):
    """What one layer did with a batch; its path in the net, the layer, what went in and came out."""

    path: str
    layer: Module
    x: Array
    y: Array


def trace(net: Any, x: Array, *, training: bool = False) -> list[Traced]:
    """What each layer in `net` makes of `x`, which is in the net's dtype; in training, lent by a copy."""
    traced: list[Traced] = []
    # The layers of a copy are wrapped, so that the net itself may predict meanwhile.
    twin, own = copy.deepcopy(net), dict(net.named_modules())

    def wrap(path: str, layer: Any) -> None:
        forward = layer.forward

        def record(x: Array, *, training: bool) -> Array:
            y = forward(x, training=training)
            traced.append(Traced(path, own[path], getattr(x, "matrix", x), y))
            return y  # type: ignore[no-any-return]

        layer.forward = record

    for path, layer in list(twin.named_modules())[1:]:
        if not isinstance(layer, Loss):
            wrap(path, layer)
    twin.forward(x, training=training)
    return traced


def summary(net: Module, traced: Iterable[Traced]) -> str:
    """The table of `net`, with the shapes of the outputs that were `traced`."""
    outputs = {one.path: str(one.y.shape[1:]) for one in traced}
    rows = []
    for path, module in list(net.named_modules())[1:]:
        own = list(module.named_parameters())
        frozen = " (frozen)" if own and all(p.frozen for _, p in own) else ""
        count = f"{sum(p.value.size for _, p in own):,}{frozen}" if own else ""
        rows.append([path, type(module).__name__, outputs.get(path, ""), count])
    rows.append(["total", "", "", f"{net.parameters.count:,}"])
    return table(("", "layer", "output", "parameters"), rows)
