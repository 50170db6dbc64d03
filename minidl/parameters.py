"""Parameters, and the two flat vectors that hold all parameters and gradients of a net."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import (
    as_generator,
    check_array,
    check_bool,
    check_callable,
    check_dtype,
    check_kind,
    check_shape,
    shown,
)
from minidl.errors import ConfigurationError, DTypeError, MissingPartError, ShapeError
from minidl.types import Array, Initializer, Rng

if TYPE_CHECKING:
    import numpy.typing as npt

ALIGNMENT = 64
"""Bytes; a cache line, and the widest vector register of the CPUs in use."""


class Parameter:
    """One trainable array of a layer and its gradient.

    Parameters
    ----------
    shape : tuple of int
    initializer : callable ``(rng, shape, dtype) -> array``
        Draws the values, at construction and in `initialize`.
    rng : Generator, seed or None
    dtype : float32 or float64
    decay : bool
        Whether a penalty such as `L2` covers it: true for weights, false for biases.

    Attributes
    ----------
    value, grad : ndarray of `shape` and `dtype`
        Written in place (``parameter.value[...] = x``). Once the net is packed they are views
        into its `ParameterVector` and keep their identity for good.
    """

    __slots__ = ("_grad", "_value", "decay", "initializer")

    def __init__(
        self,
        shape: tuple[int, ...],
        initializer: Initializer,
        *,
        rng: Rng = None,
        dtype: npt.DTypeLike = np.float32,
        decay: bool = False,
    ) -> None:
        dtype = check_dtype("Parameter", dtype)
        shape = check_shape("Parameter", "shape", shape)
        self.initializer = initializer
        self.decay = check_bool("Parameter", "decay", decay)
        try:
            self._value: Array = np.zeros(shape, dtype)
            self._grad: Array = np.zeros(shape, dtype)
            self.initialize(rng)
        except MemoryError as error:
            raise ConfigurationError.expected("Parameter", "a shape that memory holds", error) from None

    # Read several times a step: `attrgetter` takes half of a lambda's time.
    value = property(attrgetter("_value"), doc="The values; assign with ``value[...] =``.")
    grad = property(attrgetter("_grad"), doc="The gradient of the loss; a backward assigns it.")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of value and gradient."""
        return self._value.shape

    def initialize(self, rng: Rng) -> None:
        """Draw the values anew and clear the gradient."""
        try:
            drawn = self.initializer(as_generator(rng), self.shape, self._value.dtype)
        except TypeError:
            check_callable("Parameter", "initializer", self.initializer, "rng", "shape", "dtype")
            raise
        drawn = check_array("Parameter", "what its initializer draws", drawn)
        if drawn.shape != self.shape:
            raise ShapeError.expected("Parameter", f"its initializer to draw shape {self.shape}", drawn.shape)
        self._value[...] = drawn
        self._grad[...] = 0

    def rebind(self, value: Array, grad: Array) -> None:
        """Move into the given 1-D arrays; `value` and `grad` are views of them from now on."""
        for name, array in (("value", value), ("grad", grad)):
            if check_kind("Parameter", name, array, np.ndarray).shape != (self._value.size,):
                raise ShapeError.expected("Parameter", f"{name} of shape ({self._value.size},)", array.shape)
            if check_array("Parameter", name, array).dtype != self._value.dtype:
                raise DTypeError.expected("Parameter", f"{name} of dtype {self._value.dtype}", array.dtype)
        value, grad = value.reshape(self.shape), grad.reshape(self.shape)
        value[...] = self._value
        grad[...] = self._grad
        self._value, self._grad = value, grad

    def __repr__(self) -> str:
        return f"Parameter(shape={self.shape}, dtype={self._value.dtype}, decay={self.decay})"


class ParameterVector:
    """All parameters of a net as one vector of values and one of gradients.

    Reads like a dict from a parameter's path (``affine0.weight``) to the `Parameter`, in the
    net's order; ``values`` is the vector, though, not a method.

    Attributes
    ----------
    values, gradients : ndarray of shape (size,)
        Contiguous; each parameter's part starts on a 64-byte boundary, and the few numbers of
        padding between parts stay 0.
    regularized : slice
        The leading part of the two that holds the parameters with ``decay=True``.
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        dtypes = {parameter.value.dtype for parameter in parameters.values()}
        if len(dtypes) > 1:
            names = {str(p.value.dtype): name for name, p in parameters.items()}
            raise DTypeError.expected("net", "one dtype for all parameters", names)
        dtype = dtypes.pop() if dtypes else np.dtype(np.float32)
        step = ALIGNMENT // dtype.itemsize
        # A stable sort: penalized parameters first, each group in the net's order.
        ordered = sorted(parameters.values(), key=lambda parameter: not parameter.decay)
        extents = [-(-parameter.value.size // step) * step for parameter in ordered]
        ends = np.cumsum([0, *extents]).tolist()
        self._parameters = dict(parameters)
        self.values = _aligned_zeros(ends[-1], dtype)
        self.gradients = _aligned_zeros(ends[-1], dtype)
        self.regularized = slice(0, ends[sum(parameter.decay for parameter in ordered)])
        for parameter, start in zip(ordered, ends[:-1], strict=True):
            part = slice(start, start + parameter.value.size)
            parameter.rebind(self.values[part], self.gradients[part])

    def __getitem__(self, name: str) -> Parameter:
        if not isinstance(name, str) or name not in self._parameters:
            known = ", ".join(self._parameters)
            raise MissingPartError.expected("parameters", f"one of {known or 'no names'}", shown(name))
        return self._parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parameters)

    def __len__(self) -> int:
        return len(self._parameters)

    def keys(self) -> KeysView[str]:
        """The parameters' paths."""
        return self._parameters.keys()

    def items(self) -> ItemsView[str, Parameter]:
        """Pairs of path and `Parameter`."""
        return self._parameters.items()

    @property
    def count(self) -> int:
        """How many numbers the parameters hold, padding not counted."""
        return sum(parameter.value.size for parameter in self._parameters.values())

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {parameter.shape}" for name, parameter in self.items())
        return f"ParameterVector({shapes})"


def check_vector(where: str, parameters: object) -> None:
    """`ConfigurationError` for what is no `ParameterVector`, such as the net itself."""
    check_kind(where, "parameters", parameters, ParameterVector, remedy="give net.parameters")


def _aligned_zeros(size: int, dtype: np.dtype[Any]) -> Array:
    raw = np.zeros(size * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size * dtype.itemsize].view(dtype)
