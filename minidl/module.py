"""Module: what layers and losses have in common.

A module finds the parameters and modules assigned to it, lends workspace arrays, remembers what
a backward pass needs, and packs everything it holds into one `ParameterVector`.
"""

from __future__ import annotations

import copy
import inspect
import math
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

import numpy as np

from minidl.checks import as_generator, check_kind, check_shape, shown
from minidl.errors import DTypeError, MinidlError, StateError, StructureError
from minidl.parameters import Parameter, ParameterVector
from minidl.types import Array, Rng

if TYPE_CHECKING:
    import numpy.typing as npt

_PACKING = threading.Lock()
_NONE = np.empty(0, np.void)


class Module:
    """The base of `Layer` and `Loss`.

    Assigning a `Parameter` or a `Module` to an attribute registers it under that name; nothing
    else is needed, and ``super().__init__()`` need not be called.
    """

    _path: str  # the place in the net, such as "residual0.affine0"; "" while it stands alone
    _arguments: tuple[tuple[Any, ...], dict[str, Any]]
    _parameters: dict[str, Parameter]
    _children: dict[str, Module]
    _buffers: dict[str, Array]  # views, each of all of its memory or of the beginning
    _remembered: tuple[Any, ...] | None
    _vector: ParameterVector | None
    __signature__: ClassVar[inspect.Signature]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Prepare the module, so that a subclass's constructor need not."""
        self = super().__new__(cls)
        # The arguments are the module's description: `save` writes them, `load` calls the class
        # with them. The generator is spent by then, and would drag its whole state along.
        arguments = {name: _as_it_is_now(value) for name, value in kwargs.items() if name != "rng"}
        self.__dict__.update(
            _path="",
            _arguments=(tuple(map(_as_it_is_now, args)), arguments),
            _parameters={},
            _children={},
            _buffers={},
            _remembered=None,
            _vector=None,
        )
        return self

    def __init__(self) -> None:
        """Take no arguments, unless a subclass does."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # `__new__` takes anything, so `help` and `inspect` are told what the class really takes.
        signature = inspect.signature(cls.__init__)
        cls.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    # ---------------------------------------------------------------- structure

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Parameter, Module)):
            self._register(name, value)
        elif name in self._parameters or name in self._children:
            self.fail(StructureError, f"a Parameter or Module for {name!r}", type(value).__name__)
        object.__setattr__(self, name, value)

    def _register(self, name: str, part: Parameter | Module) -> None:
        if self._vector is not None:
            self.fail(StateError, f"no new part {name!r} once the parameters are packed", repr(part))
        if isinstance(part, Parameter):
            self._parameters[name] = part
            return
        if part._path:
            remedy = "one instance stands in one place; give copy.deepcopy of it"
            expected = f"a new module as {name!r}"
            self.fail(StructureError, expected, f"one that already stands as '{part._path}'", remedy)
        part._vector = None
        self._children[name] = part
        part._place(f"{self._path}.{name}" if self._path else name)

    def _place(self, path: str) -> None:
        self.__dict__["_path"] = path
        for name, child in self._children.items():
            child._place(f"{path}.{name}" if path else name)

    def modules(self) -> Iterator[Module]:
        """The module itself and all modules inside it, in order."""
        yield self
        for child in self._children.values():
            yield from child.modules()

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Pairs of path (relative to this module) and parameter, in the net's order."""
        yield from self._parameters.items()
        for name, child in self._children.items():
            for path, parameter in child.named_parameters():
                yield f"{name}.{path}", parameter

    @property
    def parameters(self) -> ParameterVector:
        """All parameters in one vector, packed at first use; the structure is closed from then on.

        Raises
        ------
        StateError
            For a module inside a net: its parameters are part of the net's vector.
        """
        if self._vector is None:
            if self._path:
                self.fail(StateError, "the whole net", "a part of it", "read the net's parameters instead")
            with _PACKING:
                if self._vector is None:
                    self.__dict__["_vector"] = ParameterVector(dict(self.named_parameters()))
        return self._vector  # type: ignore[return-value]

    def initialize(self, rng: Rng) -> None:
        """Draw every parameter anew, in the net's order, and clear the gradients."""
        generator = as_generator(rng)
        for _, parameter in self.named_parameters():
            parameter.initialize(generator)

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
        for child in self._children.values():
            child.forget()

    def buffer(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """A workspace array for a training pass, with arbitrary content.

        The same memory for the same `name` every time, so that a step allocates nothing once
        warm; it grows when a larger batch comes and is kept when a smaller one does.
        """
        try:
            view = self._buffers.get(name, _NONE)
            if view.shape == shape and (view.dtype is dtype or view.dtype == dtype):
                return view
        except Exception:  # an argument is of a wrong kind, as the checks say
            pass
        check_kind(self.label, "a buffer's name", name, str)
        shape = check_shape(self.label, "a buffer's shape", shape)
        try:
            dtype = np.dtype(dtype)
        except Exception:
            self.fail(DTypeError, "a buffer's dtype", shown(dtype))
        size = math.prod(shape)
        memory = self._buffers.get(name, _NONE).base
        if memory is None or memory.size < size or memory.dtype != dtype:
            memory = np.empty(size, dtype)
        self._buffers[name] = view = memory[:size].reshape(shape)
        return view

    # ---------------------------------------------------------------- copies and errors

    def __getstate__(self) -> dict[str, Any]:
        # Views of the vector are copied as arrays of their own; the copy packs itself again.
        return {**self.__dict__, "_buffers": {}, "_remembered": None, "_vector": self._vector is not None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.pop("_vector")
        self.__dict__.update(state, _vector=None)
        self._place("")  # children learn their paths from whoever holds the copy
        if packed:
            self.parameters  # noqa: B018 - packs

    @property
    def label(self) -> str:
        """How errors name this module: ``Affine 'affine0'``, or ``Affine`` while it stands alone."""
        return f"{type(self).__name__} '{self._path}'" if self._path else type(self).__name__

    def fail(self, error: type[MinidlError], expected: object, got: object, remedy: str = "") -> NoReturn:
        """Raise `error` with this module's label: ``LABEL: expected …, got …; remedy``."""
        raise error.expected(self.label, expected, got, remedy)

    def arguments(self) -> dict[str, Any]:
        """What the constructor was given, by name; without `rng`, and ``*parts`` under "*parts"."""
        args, kwargs = self._arguments
        named: dict[str, Any] = {}
        for name, value in self.__signature__.bind(*args, **kwargs).arguments.items():
            kind = self.__signature__.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            else:
                named[f"*{name}" if kind is inspect.Parameter.VAR_POSITIONAL else name] = value
        named.pop("rng", None)
        return named

    def __repr__(self) -> str:
        shown = []
        for name, value in self.arguments().items():
            parameter = self.__signature__.parameters.get(name)
            if name.startswith("*"):
                shown += [_brief(item) for item in value]
            elif (
                parameter
                and parameter.default is parameter.empty
                and parameter.kind is not parameter.KEYWORD_ONLY
            ):
                shown.append(_brief(value))
            else:
                shown.append(f"{name}={_brief(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def _as_it_is_now(value: Any) -> Any:
    """A copy of what its owner may go on to change; the modules in it stay the same."""
    return copy.copy(value) if isinstance(value, (np.ndarray, list, dict)) else value


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"<{value.shape} {value.dtype}>"
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if isinstance(value, np.dtype):
        return value.name
    return getattr(value, "__name__", None) or repr(value)
