"""Looking through a net: what each of its layers does with a batch, a table of them, and what is lost."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.errors import DTypeError, StructureError
from minidl.losses import Loss
from minidl.module import Module
from minidl.parameters import State
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
            try:
                y = forward(x, training=training)
            except Exception:
                own[path].check_sample(x.shape[1:])
                raise
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


def check_found(net: Module) -> None:
    """Refuse parts of `net` that nothing would train, save or copy, for they are no attributes of their own.

    Raises
    ------
    StructureError
        For a `State`, a `Parameter` or a module inside a list, a tuple, a set or a dict, at any depth, that
        is no module's attribute.
    """
    modules = [module for _, module in net.named_modules()]
    known = {id(part) for module in modules for part in (module, *module._parts.values())}
    for module in modules:
        for name, held in vars(module).items():
            for part in _parts_in(held):
                if id(part) not in known:
                    expected = "every Parameter, State and layer to be an attribute of its own"
                    where = f"inside the {type(held).__name__} {name!r}, where it is not found"
                    remedy = f'assign each as an attribute, as setattr(self, f"{name}{{i}}", part) does'
                    module.fail(StructureError, expected, f"{type(part).__name__} {where}", remedy)


def _parts_in(held: object) -> Iterator[State | Module]:
    """The arrays and modules in lists and the like, of any depth."""
    waiting, seen = [held], set[int]()
    while waiting:
        one = waiting.pop()
        if isinstance(one, (State, Module)):
            yield one
        elif isinstance(one, (list, tuple, set, frozenset, dict)) and id(one) not in seen:
            seen.add(id(one))  # a list may hold itself
            waiting += one.values() if isinstance(one, dict) else one


def common_dtype(net: Module) -> np.dtype[Any] | None:
    """The one dtype of the arrays and layers in `net`; `DTypeError` if there are two."""
    dtypes = {path: parameter.value.dtype for path, parameter in net.named_parameters()}
    for _, module in net.named_modules():
        if module is not net and (dtype := getattr(module, "dtype", None)):
            dtypes[module.label] = np.dtype(dtype)
    if len(set(dtypes.values())) > 1:
        found = ", ".join(f"{dtype} in {path}" for path, dtype in dtypes.items())
        net.fail(DTypeError, "one dtype in all layers", found, "give them the same dtype=")
    return next(iter(dtypes.values()), None)
