"""A layer's arrays, and the flat vectors in which a net keeps all of them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from minidl.advice import shown
from minidl.checks import (
    as_generator,
    check_array,
    check_bool,
    check_callable,
    check_dtype,
    check_kind,
    check_shape,
)
from minidl.errors import ConfigurationError, DTypeError, MissingPartError, ShapeError
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt

ALIGNMENT = 64
"""Bytes; a cache line, and the widest vector register of the CPUs in use."""


class State:
    """An array that a layer keeps and nothing differentiates, such as running statistics.

    Parameters
    ----------
    shape : tuple of int
    initializer : callable ``(rng, shape, dtype) -> array``
        Draws the values, at construction and in `initialize`.
    rng : Generator, seed or None
    dtype : float32 or float64

    Attributes
    ----------
    value : ndarray of `shape` and `dtype`
        Written in place (``state.value[...] = x``). Once the net is packed it is a view into a vector
        of the net's and keeps its identity for good.
    """

    __slots__ = ("_value", "initializer")

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: Initializer,
        *,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> None:
        kind, dtype = type(self).__name__, check_dtype(type(self).__name__, dtype)
        self.initializer = initializer
        try:
            self._value: Array = np.zeros(check_shape(kind, "shape", shape), dtype)
            self.initialize(rng)
        except MemoryError as error:
            raise ConfigurationError.expected(kind, "a shape that memory holds", error) from None

    # Read several times a step: `attrgetter` takes half of a lambda's time.
    value = property(attrgetter("_value"), doc="The values; assign with ``value[...] =``.")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self._value.shape

    def initialize(self, rng: Rng) -> None:
        """Draw the values anew."""
        kind = type(self).__name__
        try:
            drawn = self.initializer(as_generator(rng), self.shape, self._value.dtype)
        except TypeError:
            check_callable(kind, "initializer", self.initializer, "rng", "shape", "dtype")
            raise
        drawn = check_array(kind, "what its initializer draws", drawn)
        if drawn.shape != self.shape:
            raise ShapeError.expected(kind, f"its initializer to draw shape {self.shape}", drawn.shape)
        self._value[...] = drawn

    def _view(self, vector: Array, old: Array) -> Array:
        """`vector`, 1-D, in this shape, holding what `old` held."""
        if check_kind(type(self).__name__, "a vector", vector, np.ndarray).shape != (old.size,):
            expected = f"a vector of shape ({old.size},)"
            raise ShapeError.expected(type(self).__name__, expected, vector.shape)
        if vector.dtype != old.dtype:
            raise DTypeError.expected(type(self).__name__, f"a vector of dtype {old.dtype}", vector.dtype)
        view = vector.reshape(self.shape)
        view[...] = old
        return view

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self._value.dtype})"


class Parameter(State):
    """A trainable array and its gradient.

    Parameters
    ----------
    shape, initializer, rng, dtype
        As those of `State`.
    regularized : bool
        Whether a penalty such as `L2` covers it: true for weights, false for biases.

    Attributes
    ----------
    value, grad : ndarray of `shape` and `dtype`
        Written in place, as a `State`'s. A backward assigns `grad`.
    frozen : bool
        Whether training leaves it as it is: no gradient is computed, no penalty added, no update made.
    """

    __slots__ = ("_frozen", "_grad", "_vector", "regularized")
    # Weak, or a net would be freed by the garbage collector alone.
    _vector: weakref.ref[ParameterVector] | None

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: Initializer,
        *,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        regularized: bool = False,
    ) -> None:
        self.regularized = check_bool("Parameter", "regularized", regularized)
        self._frozen, self._vector = False, None
        self._grad: Array = np.zeros(())  # until the shape is checked
        super().__init__(shape, initializer, rng=rng, dtype=dtype)
        self._grad = np.zeros_like(self._value)

    grad = property(attrgetter("_grad"), doc="The gradient of the loss; a backward assigns it.")

    def _freeze(self, frozen: bool) -> None:
        self._frozen = check_bool("Parameter", "frozen", frozen)
        vector = self._vector() if self._vector else None
        if vector is not None:
            vector.refresh()

    frozen = property(attrgetter("_frozen"), _freeze, doc="Whether training leaves it as it is.")

    def initialize(self, rng: Rng) -> None:
        """Draw the values anew and clear the gradient."""
        super().initialize(rng)
        self._grad[...] = 0

    def rebind(self, value: Array, grad: Array) -> None:
        """Move into the given 1-D arrays; `value` and `grad` are views of them from now on."""
        self._value, self._grad = self._view(value, self._value), self._view(grad, self._grad)

    def __getstate__(self) -> dict[str, Any]:
        names = ("_value", "initializer", "_frozen", "_grad", "regularized")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._vector = None  # that of the net that the copy will be part of
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, regularized={self.regularized})"


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
            state._value = state._view(self.values[part], state._value)


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
                parameter.rebind(self.values[place], np.empty_like(self.gradients[place]))
                parameter.grad[...] = self.gradients[place] = 0
            else:
                parameter.rebind(self.values[place], self.gradients[place])
        self.trainable = self._runs(lambda parameter: not parameter.frozen)
        self.penalized = self._runs(lambda parameter: parameter.regularized and not parameter.frozen)

    def _runs(self, chosen: Callable[[Parameter], bool]) -> tuple[slice, ...]:
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
