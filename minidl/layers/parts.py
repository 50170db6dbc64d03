"""What containers have in common: the names of their parts, and gradients that come together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import TypeAlias

import numpy as np

from minidl.advice import as_object, shown
from minidl.errors import StructureError
from minidl.layers.layer import Layer
from minidl.layers.shapes import Shape
from minidl.module import Module
from minidl.net import Net
from minidl.types import Array

Part: TypeAlias = "Layer | tuple[str, Layer]"


def add_layers(container: Module, parts: Sequence[object], expected: str = "layers") -> tuple[Layer, ...]:
    """Register layers, or pairs of name and layer; unnamed ones are numbered per type.

    Raises
    ------
    StructureError
        For what is no layer, for a net with a loss, for a name that is none or stands twice, for no layer
        at all. A layer that stands elsewhere already is refused by the module itself.
    """
    numbers: dict[str, int] = {}
    layers: list[Layer] = []
    for position, part in enumerate(parts):
        name, layer = part if isinstance(part, tuple) and len(part) == 2 else ("", part)
        if not isinstance(layer, Layer):
            got = f"{shown(layer)} as part {position} of {len(parts)}"
            kind = type(container).__name__
            remedy = (
                f"unpack them: {kind}(*layers)"
                if isinstance(layer, (list, tuple))
                else as_object(layer, Module)
            )
            container.fail(StructureError, expected, got, remedy)
        if isinstance(layer, Net) and layer.head is not None:
            what = f"no loss inside a nested {type(layer).__name__}"
            container.fail(StructureError, what, repr(layer.head))
        if isinstance(name, str) and not name:
            name = _numbered(layer, numbers)
        elif not (isinstance(name, str) and name.isidentifier()):
            container.fail(StructureError, "a part's name to be an identifier", shown(name))
        if name in container._parts or name == "head":
            got = "'head', the loss's" if name == "head" else f"{name!r} twice"
            remedy = f'give this one another, as in ("my_{name}", {type(layer).__name__}(...))'
            container.fail(StructureError, "every part to have a name of its own", got, remedy)
        container._register(name, layer)
        layers.append(layer)
    if not layers:
        container.fail(StructureError, "at least one layer", "none")
    return tuple(layers)


def as_given(container: Module, layers: Iterable[Layer]) -> tuple[Part, ...]:
    """The `layers` of a container as it was given them: those of names of their own as (name, layer)."""
    numbers: dict[str, int] = {}
    names = {id(layer): name for name, layer in container.children()}
    parts: list[Part] = []
    for layer in layers:
        name, numbered = names[id(layer)], _numbered(layer, before := dict(numbers))
        if numbered == name:
            numbers = before
        parts.append(layer if numbered == name else (name, layer))
    return tuple(parts)


def _numbered(layer: Layer, numbers: dict[str, int]) -> str:
    """The name of an unnamed layer: its type and how many of these there were."""
    kind = type(layer).__name__.lower()
    numbers[kind] = numbers.get(kind, -1) + 1
    return f"{kind}{numbers[kind]}"


def add_up(layer: Layer, name: str, arrays: Sequence[Array], *, lend: bool) -> Array:
    """The sum of `arrays` of one shape and dtype; to be lent, it lies in the buffer `name` of `layer`."""
    total, *rest = arrays
    out = layer.buffer(name, total.shape, total.dtype) if lend else None
    for array in rest:
        total = out = np.add(total, array, out)
    return total


def join(layer: Layer, outputs: Sequence[Array], axis: int, *more: object, training: bool) -> Array:
    """`outputs` one behind the other along `axis`; in training lent by `layer`, which remembers `more`."""
    if not training:
        return np.concatenate(outputs, axis)
    lengths = [y.shape[axis] for y in outputs]
    shape = (*outputs[0].shape[:axis], sum(lengths), *outputs[0].shape[axis + 1 :])
    layer.remember(shape, lengths, *more)
    return np.concatenate(outputs, axis, out=layer.buffer("y", shape, outputs[0].dtype))


def split(layer: Layer, dy: Array, axis: int, shape: Shape, lengths: Iterable[int]) -> list[Array]:
    """The parts of `dy` for what `join` joined to this shape; contiguous, or a product would copy them."""
    if not isinstance(dy, np.ndarray) or dy.shape != shape:
        layer.check_batch("dy", dy, shape[1:], batch=shape[0])
    parts = []
    for start, end in pairwise(accumulate(lengths, initial=0)):
        part = dy[(slice(None),) * axis + (slice(start, end),)]
        parts.append(layer.buffer(f"dy from {start}", part.shape, part.dtype))
        np.copyto(parts[-1], part)
    return parts
