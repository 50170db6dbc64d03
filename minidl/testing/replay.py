"""Training passes of one layer or net that all see the same random draws."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minidl.layers import Layer
from minidl.testing.reports import GradientError
from minidl.testing.state import changes, generators, position, set_position, snapshot
from minidl.types import Array

_MANY = 64  # numbers of an output that random draws will not give twice


class Replay:
    """Calls of `module` that start from the same state.

    One whose training forward varies from call to call (dropout) has its generators put back before
    each, or is deep-copied where they are not all that makes it vary, which takes far longer.

    Parameters
    ----------
    module : Module
    forward : callable ``module -> array``
        The output that gradients are taken of.
    arguments : mapping of str to array
        What the calls are given, by name; one that wrote to it would seem to be random.
    name : str
        What `forward` is called when it writes to an argument.
    """

    def __init__(
        self,
        module: Any,
        forward: Callable[[Any], Array],
        arguments: Mapping[str, Array] | None = None,
        name: str = "forward",
    ) -> None:
        self._module = module
        self._forward = forward
        self._arguments = arguments or {}
        self._generators: list[tuple[Any, Any]] = []
        self._copied = False
        with np.errstate(all="ignore"):
            first = np.array(self.run(forward, name))
            if forward_varies(module, self.forward):
                self._generators = [(g, position(g)) for g in generators(module).values()]
                self._copied = forward_varies(None, self.forward)
                if self._copied and forward_varies(None, self.forward):
                    reason = "its training forward is random and a copy of it does not replay the draws"
                    raise GradientError(f"{module.label}: {reason}; keep the Generator as an attribute")
        if not np.isfinite(first).all():
            raise GradientError(f"{module.label}: forward gives NaN or infinity here; give another x")

    def run(self, call: Callable[[Any], Any], name: str = "backward") -> Any:
        """`call` of the module, or of a copy where it varies; `GradientError` if it writes to an argument."""
        before = {argument: array.copy() for argument, array in self._arguments.items()}
        given = self._call(call)
        for argument, array in self._arguments.items():
            if not same_bits(array, before[argument]):
                text = f"{name} writes to {argument}, which it was lent to read"
                raise GradientError(f"{self._module.label}: {text}")
        return given

    def forward(self) -> Array:
        """The output, an array of its own."""
        return np.array(self._call(self._forward))

    def _call(self, call: Callable[[Any], Any]) -> Any:
        for generator, where in self._generators:
            set_position(generator, where)
        return call(copy.deepcopy(self._module) if self._copied else self._module)


def forward_varies(module: Any, forward: Callable[[], Array]) -> bool:
    """Whether calls of `forward` differ: they draw from a generator of `module`, or just differ.

    The generators are looked at because draws for a few numbers may well agree by chance.
    """
    before = snapshot(generators(module))
    first = forward()
    if changes(before, snapshot(generators(module))):
        return True
    calls = 1 if first.size > _MANY else 8
    return not all(same_bits(first, forward()) for _ in range(calls))


def same_bits(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same; NaN equals itself, and so does what is no array of numbers."""
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def backward_of(layer: Layer, x: Array, dy: Array) -> dict[str, Array]:
    """One training pass's gradients, ``"x"`` and each parameter's, copied."""
    layer.forward(x, training=True)
    _fill_gradients(layer)
    dx = np.array(layer.backward(dy.copy()))
    if dx.shape != x.shape:
        text = f"expected backward to return shape {x.shape}, that of x, got {dx.shape}"
        raise GradientError(f"{layer.label}: {text}")
    return {"x": dx} | _gradients(layer)


def backward_parameters_of(layer: Layer, x: Array, dy: Array) -> dict[str, Array]:
    """The same by `backward_parameters`: no ``"x"``."""
    layer.forward(x, training=True)
    _fill_gradients(layer)
    layer.backward_parameters(dy.copy())
    return _gradients(layer)


def _gradients(layer: Layer) -> dict[str, Array]:
    return {name: part.grad.copy() for name, part in layer.named_parameters() if not part.frozen}


def _fill_gradients(layer: Layer) -> None:
    for _, parameter in layer.named_parameters():
        parameter.grad.fill(np.nan)  # whatever backward forgets to write stays NaN
