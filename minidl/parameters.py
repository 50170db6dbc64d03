"""A layer's arrays: those that are trained, and those that are only kept."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import as_generator, check_array, check_bool, check_callable, check_dtype, check_shape
from minidl.errors import ConfigurationError, ShapeError
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt


IN_FILE: ContextVar[Any] = ContextVar("IN_FILE", default=None)
"""While a net is built from a file: a function of kind, shape, dtype, initializer and rng. It refuses arrays
for which the file has no room, and says whether one need not be drawn, for the file's values are to come."""


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
        self.initializer, shape = initializer, check_shape(kind, "shape", shape)
        try:
            known = (in_file := IN_FILE.get()) and in_file(kind, shape, dtype, initializer, rng)
            self._value: Array = np.zeros(shape, dtype)
            if not known:
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
        except TypeError as error:  # such as np.ones, whose three arguments are others
            check_callable(kind, "initializer", self.initializer, "rng", "shape", "dtype")
            expected = "initializer(rng, shape, dtype) to draw an array, as those of minidl.initializers do"
            raise ConfigurationError.expected(kind, expected, f"TypeError: {error}") from error
        drawn = check_array(kind, "what its initializer draws", drawn)
        if drawn.shape != self.shape:
            raise ShapeError.expected(kind, f"its initializer to draw shape {self.shape}", drawn.shape)
        self._value[...] = drawn

    def _view(self, vector: Array, old: Array) -> Array:
        """`vector`, 1-D, in this shape, holding what `old` held."""
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
    _vector: Callable[[], Any] | None  # weak, or a net would be freed by the garbage collector alone

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

    def _rebind(self, value: Array, grad: Array) -> None:
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
