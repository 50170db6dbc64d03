"""A layer's arrays: those that are trained, and those that are only kept."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.advice import shown
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

    __slots__ = ("initializer", "value")
    value: Array

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
            self.value = np.zeros(shape, dtype)
            if not known:
                State.initialize(self, rng)
        except MemoryError as error:
            raise ConfigurationError.expected(kind, "a shape that memory holds", error) from None

    def __setattr__(self, name: str, value: Any) -> None:
        """An array stays the one that it is, for the net's vectors and others hold it, too."""
        # No properties, for steps read the arrays so often that a call for each would be felt.
        if name in ("value", "grad") and getattr(self, name, value) is not value:
            text = f"expected {name!r} to stay its array, got {shown(value)}; write {name}[...] = x"
            raise AttributeError(f"{type(self).__name__}: {text}")
        object.__setattr__(self, name, value)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.value.shape

    def initialize(self, rng: Rng) -> None:
        """Draw the values anew."""
        kind = type(self).__name__
        try:
            drawn = self.initializer(as_generator(rng), self.shape, self.value.dtype)
        except TypeError as error:  # such as np.ones, whose three arguments are others
            check_callable(kind, "initializer", self.initializer, "rng", "shape", "dtype")
            expected = "initializer(rng, shape, dtype) to draw an array, as those of minidl.initializers do"
            raise ConfigurationError.expected(kind, expected, f"TypeError: {error}") from error
        drawn = check_array(kind, "what its initializer draws", drawn)
        if drawn.shape != self.shape:
            raise ShapeError.expected(kind, f"its initializer to draw shape {self.shape}", drawn.shape)
        self.value[...] = drawn

    def _rebind(self, **vectors: Array) -> None:
        """Move the arrays of these names into the given 1-D ones, of which they are views from now on."""
        for name, vector in vectors.items():
            view = vector.reshape(self.shape)
            view[...] = getattr(self, name)
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape}, dtype={self.value.dtype})"


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

    __slots__ = ("_vector", "frozen", "grad", "regularized")
    grad: Array
    frozen: bool
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
        self._vector, self.frozen = None, False
        super().__init__(shape, initializer, rng=rng, dtype=dtype)
        self.grad = np.zeros_like(self.value)

    def __setattr__(self, name: str, value: Any) -> None:
        """As `State`'s; the vector of the net takes up what is frozen."""
        super().__setattr__(name, check_bool("Parameter", name, value) if name == "frozen" else value)
        if name == "frozen" and (vector := self._vector and self._vector()) is not None:
            vector.refresh()

    def initialize(self, rng: Rng) -> None:
        """Draw the values anew and clear the gradient."""
        super().initialize(rng)
        self.grad[...] = 0

    def __getstate__(self) -> dict[str, Any]:
        names = ("value", "initializer", "frozen", "grad", "regularized")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._vector = None  # that of the net that the copy will be part of
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, regularized={self.regularized})"
