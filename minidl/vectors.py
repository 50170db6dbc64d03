"""The flat vectors in which a net keeps all of its layers' arrays."""

from __future__ import annotations

import weakref
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from minidl.advice import shown
from minidl.checks import check_kind
from minidl.errors import DTypeError, MissingPartError
from minidl.parameters import Parameter, State
from minidl.types import Array

ALIGNMENT = 64
"""Bytes; a cache line, and the widest vector register of the CPUs in use."""

_Part = TypeVar("_Part", bound=State)


class _Vector(Generic[_Part]):
    """Arrays by their path in the net, and the vector that holds them; reads like a dict."""

    def __init__(self, parts: Mapping[str, _Part]) -> None:
        self._parts = dict(parts)
        dtypes = {str(part.value.dtype): name for name, part in parts.items()}
        if len(dtypes) > 1:
            raise DTypeError.expected("net", "one dtype for all parameters", dtypes)
        self._dtype = np.dtype(next(iter(dtypes), np.float32))

    def _layout(self, parts: list[_Part]) -> tuple[list[slice], list[int]]:
        """Where each of the parts lies, the first byte on a boundary; and where each one's extent ends."""
        step = ALIGNMENT // self._dtype.itemsize
        ends = np.cumsum([0, *(-(-part.value.size // step) * step for part in parts)]).tolist()
        return [slice(a, a + part.value.size) for a, part in zip(ends[:-1], parts, strict=True)], ends

    def _zeros(self, size: int) -> Array:
        count = size * self._dtype.itemsize
        raw = np.zeros(count + ALIGNMENT, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        return raw[start : start + count].view(self._dtype)

    def __getitem__(self, name: str) -> _Part:
        if not isinstance(name, str) or name not in self._parts:
            known = ", ".join(self._parts)
            raise MissingPartError.expected(type(self).__name__, f"one of {known or 'no names'}", shown(name))
        return self._parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def keys(self) -> KeysView[str]:
        """The paths, such as ``affine0.weight``."""
        return self._parts.keys()

    def items(self) -> ItemsView[str, _Part]:
        """Pairs of path and part."""
        return self._parts.items()

    @property
    def count(self) -> int:
        """How many numbers the parts hold, padding not counted."""
        return sum(part.value.size for part in self._parts.values())

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._parts,)  # a copy packs its own parts

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {part.shape}" for name, part in self.items())
        return f"{type(self).__name__}({shapes})"


class StateVector(_Vector[State]):
    """All `State` of a net as one vector, `values`; a dict from path to `State` besides."""

    def __init__(self, states: Mapping[str, State]) -> None:
        super().__init__(states)
        parts, ends = self._layout(list(states.values()))
        self.values = self._zeros(ends[-1])
        for state, part in zip(states.values(), parts, strict=True):
            state._rebind(value=self.values[part])


class ParameterVector(_Vector[Parameter]):
    """All parameters of a net as one vector of values and one of gradients.

    Reads like a dict from a parameter's path (``affine0.weight``) to the `Parameter`, in the
    net's order; ``values`` is the vector, though, not a method.

    Attributes
    ----------
    values, gradients : ndarray of shape (size,)
        Contiguous; each parameter's part starts on a 64-byte boundary, and the few numbers of
        padding between parts stay 0.
    regularized : slice
        The leading part of the two that holds the parameters with ``regularized=True``.
    trainable, penalized : tuple of slice
        The parts of the two, and those of `regularized`, that training changes: all of it while
        nothing is frozen.
    """

    trainable: tuple[slice, ...]
    penalized: tuple[slice, ...]

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        super().__init__(parameters)
        # A stable sort: regularized parameters first, each group in the net's order.
        self._ordered = sorted(parameters.values(), key=lambda parameter: not parameter.regularized)
        self._places, self._ends = self._layout(self._ordered)
        self.values, self.gradients = self._zeros(self._ends[-1]), self._zeros(self._ends[-1])
        count = sum(parameter.regularized for parameter in self._ordered)
        self.regularized = slice(0, self._ends[count])
        for parameter in self._ordered:
            parameter._vector = weakref.ref(self)
        self.refresh()

    def refresh(self) -> None:
        """Take up which parameters are frozen: their gradients are kept outside of the vector."""
        for parameter, place in zip(self._ordered, self._places, strict=True):
            if parameter.frozen:
                parameter._rebind(value=self.values[place], grad=np.empty_like(self.gradients[place]))
                parameter.grad[...] = self.gradients[place] = 0
            else:
                parameter._rebind(value=self.values[place], grad=self.gradients[place])
        self.trainable = self.runs(lambda parameter: not parameter.frozen)
        self.penalized = self.runs(lambda parameter: parameter.regularized and not parameter.frozen)

    def runs(self, chosen: Callable[[Parameter], bool]) -> tuple[slice, ...]:
        """The extents of the parameters that are `chosen`, neighbours joined."""
        runs: list[slice] = []
        for index, parameter in enumerate(self._ordered):
            start, end = self._ends[index : index + 2]
            if chosen(parameter):
                joins = bool(runs) and runs[-1].stop == start
                runs = [*runs[:-1], slice(runs[-1].start, end)] if joins else [*runs, slice(start, end)]
        return tuple(runs)


def check_vector(where: str, parameters: object) -> None:
    """`ConfigurationError` for what is no `ParameterVector`, such as the net itself."""
    check_kind(where, "parameters", parameters, ParameterVector, remedy="give net.parameters")
