"""Module: what layers and losses have in common.

A module finds the arrays and modules assigned to it, lends workspace arrays, remembers what a
backward pass needs, packs all it holds into vectors, and describes how it is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from minidl.advice import shown
from minidl.checks import as_generator, check_kind, check_shape
from minidl.code import Constructing, ConstructorSignature, arguments, call_as_code
from minidl.errors import DTypeError, MinidlError, StateError, StructureError
from minidl.parameters import Parameter, State
from minidl.types import Array, Rng
from minidl.vectors import ParameterVector, StateVector

if TYPE_CHECKING:
    import numpy.typing as npt

_MOST_VIEWS = 100
"""Buffers that a module keeps the views of, where batches come in ever new sizes."""


class Module(metaclass=Constructing):
    """The base of `Layer` and `Loss`.

    Assigning a `Parameter`, a `State`, a `Module` or a `numpy.random.Generator` to an attribute
    registers it under that name, for good; ``super().__init__()`` need not be called. A constructor
    keeps each of its arguments, but for `rng`, as an attribute of the same name: this is what
    `config` reads, and so what a file holds.
    """

    __signature__ = ConstructorSignature()
    _path: str  # the place in the net, such as "residual0.affine0"; "" while it stands alone
    _parts: dict[str, Parameter | State | Module | np.random.Generator]
    _buffers: dict[Any, Array]  # memory by name, and views of its beginning by name, shape and dtype
    _remembered: tuple[Any, ...] | None
    _vectors: tuple[ParameterVector, StateVector] | None
    _closed: bool  # whether the parts are packed, be it as parts of a net

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Prepare the module, so that a subclass's constructor need not."""
        self = super().__new__(cls)
        self.__dict__.update(_path="", _parts={}, _buffers={}, _remembered=None, _vectors=None, _closed=False)
        return self

    def __init__(self) -> None:
        """Take no arguments, unless a subclass does."""

    # ---------------------------------------------------------------- structure

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._parts:
            if value is self._parts[name]:
                return
            remedy = "write part.value[...] = x, build a new module, or give the part another name"
            self.fail(StructureError, f"{name!r} to stay what it is", shown(value), remedy)
        if isinstance(value, (State, Module, np.random.Generator)):
            self._register(name, value)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._parts:
            self.fail(StructureError, f"{name!r} to stay", "del", "build a new module without it")
        object.__delattr__(self, name)

    def _register(self, name: str, part: State | Module | np.random.Generator) -> None:
        if self._closed:
            remedy = "assign all parts in the constructor"
            self.fail(StateError, f"no new part {name!r} once the parameters are packed", shown(part), remedy)
        if isinstance(part, Module):
            if part._path:
                remedy = "one instance stands in one place; give copy.deepcopy of it"
                expected = f"a new module as {name!r}"
                self.fail(StructureError, expected, f"one that already stands as '{part._path}'", remedy)
            part._place(f"{self._path}.{name}" if self._path else name)
            part.__dict__["_vectors"] = None
        self._parts[name] = part

    def _place(self, path: str) -> None:
        self.__dict__["_path"] = path
        for name, child in self.children():
            child._place(f"{path}.{name}" if path else name)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Pairs of name and module, of those assigned to this one."""
        return ((name, part) for name, part in self._parts.items() if isinstance(part, Module))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Pairs of path (relative to this module, whose own is "") and module, in order."""
        yield "", self
        for name, child in self.children():
            for path, module in child.named_modules():
                yield f"{name}.{path}" if path else name, module

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Pairs of path (relative to this module) and parameter, in the net's order."""
        return ((path, part) for path, part in self._named_arrays() if isinstance(part, Parameter))

    def named_states(self) -> Iterator[tuple[str, State]]:
        """Pairs of path (relative to this module) and `State`, in the net's order."""
        return ((path, part) for path, part in self._named_arrays() if not isinstance(part, Parameter))

    def _named_arrays(self) -> Iterator[tuple[str, State]]:
        for path, module in self.named_modules():
            for name, part in module._parts.items():
                if isinstance(part, State):
                    yield f"{path}.{name}" if path else name, part

    @property
    def parameters(self) -> ParameterVector:
        """All parameters in one vector; a module that stands alone is packed at the first use.

        Raises
        ------
        StateError
            For a module inside a net: its parameters are part of the net's vector.
        """
        return (self._vectors or self.pack())[0]

    @property
    def state(self) -> StateVector:
        """All `State` in one vector, as `parameters`."""
        return (self._vectors or self.pack())[1]

    def pack(self) -> tuple[ParameterVector, StateVector]:
        """Move all arrays into vectors, after which there can be no new parts."""
        if self._path:
            self.fail(StateError, "the whole net", "a part of it", "read the net's parameters instead")
        arrays = list(self._named_arrays())
        if len({id(array) for _, array in arrays}) < len(arrays):
            remedy = "give each place an array of its own"
            self.fail(StructureError, "each array in one place", [path for path, _ in arrays], remedy)
        for _, module in self.named_modules():
            module.__dict__["_closed"] = True
        vectors = ParameterVector(dict(self.named_parameters())), StateVector(dict(self.named_states()))
        self.__dict__["_vectors"] = vectors
        return vectors

    def initialize(self, rng: Rng) -> None:
        """Draw every parameter and state anew, in the net's order, and clear the gradients."""
        generator = as_generator(rng)
        for _, part in self._named_arrays():
            part.initialize(generator)

    def freeze(self, frozen: bool = True) -> None:
        """Keep training from changing any parameter in here; `False` lets it change them again."""
        for _, parameter in self.named_parameters():
            parameter.frozen = frozen

    # ---------------------------------------------------------------- training's memory

    def remember(self, *values: Any) -> None:
        """Keep what `backward` needs from this training forward; replaces what was kept before."""
        self.__dict__["_remembered"] = values

    def recall(self) -> tuple[Any, ...]:
        """Take what the last training forward remembered; a second call raises `StateError`."""
        values = self._remembered
        if values is None:
            remedy = "each backward needs its own forward with training=True"
            self.fail(StateError, "a training forward before backward", "none", remedy)
        self.__dict__["_remembered"] = None
        return values

    def forget(self) -> None:
        """Drop what this module and those inside it remember."""
        self.__dict__["_remembered"] = None
        for part in self._parts.values():
            if isinstance(part, Module):
                part.forget()

    def buffer(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """A workspace array for a training pass, with arbitrary content.

        The same memory for the same `name` every time, so that a step allocates nothing once
        warm; it grows when a larger batch comes and is kept when a smaller one does.
        """
        try:
            return self._buffers[name, shape, dtype]
        except (KeyError, TypeError):
            return self._new_buffer(name, shape, dtype)

    def _new_buffer(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """A view that is asked for the first time, of the memory that there is under this name or of more."""
        check_kind(self.label, "a buffer's name", name, str)
        shape = check_shape(self.label, "a buffer's shape", shape)
        try:
            dtype = np.dtype(dtype)
        except Exception:
            self.fail(DTypeError, "a buffer's dtype", shown(dtype))
        size, memory = math.prod(shape), self._buffers.get(name)
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = np.empty(size, dtype)
            self._drop_views()
        elif len(self._buffers) > _MOST_VIEWS:
            self._drop_views()
        self._buffers[name] = memory
        view = self._buffers[name, shape, dtype] = memory[:size].reshape(shape)
        return view

    def _drop_views(self) -> None:
        self.__dict__["_buffers"] = {key: kept for key, kept in self._buffers.items() if isinstance(key, str)}

    # ---------------------------------------------------------------- copies, description, errors

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_buffers": {}, "_remembered": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._vectors is None:
            self.__dict__["_closed"] = False  # a part's copy, which is free to stand elsewhere
        self._place("")  # children learn their paths from whoever holds the copy

    @property
    def label(self) -> str:
        """How errors name this module: ``Affine 'affine0'``, or ``Affine`` while it stands alone."""
        return f"{type(self).__name__} '{self._path}'" if self._path else type(self).__name__

    def fail(self, error: type[MinidlError], expected: object, got: object, remedy: str = "") -> NoReturn:
        """Raise `error` with this module's label: ``LABEL: expected …, got …; remedy``."""
        raise error.expected(self.label, expected, got, remedy)

    def config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as they are now; without `rng`, ``*parts`` under "*parts".

        Raises
        ------
        StructureError
            An argument is not kept as an attribute of its name.
        """
        try:
            return arguments(self, type(self).__signature__)
        except AttributeError as error:
            remedy = f"write self.{error.name} = {error.name} in the constructor"
            expected = f"the constructor's argument {error.name!r} to be kept as an attribute"
            self.fail(StructureError, expected, "none of that name", remedy)

    def __repr__(self) -> str:
        try:
            return call_as_code(type(self).__name__, type(self).__signature__, self.config())
        except StructureError:  # an argument is not kept
            return f"{type(self).__name__}(...)"
