"""Recipes: what a random test drew, as code that rebuilds it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.types import Array

_WIDTH = 80


@dataclass(frozen=True, repr=False)
class Recipe:
    """A class and the arguments to call it with; its repr is the code of that call.

    Attributes
    ----------
    make : callable
        Usually a class.
    args : tuple
        Numbers, strings, lists and further recipes, also in tuples and dicts.
    options : tuple of (name, value)
        Keyword arguments.

    Examples
    --------
    >>> from minidl import Affine
    >>> recipe = Recipe(Affine, (3, 2), (("rng", 0), ("dtype", np.float64)))
    >>> recipe
    Affine(3, 2, rng=0, dtype=np.float64)
    >>> recipe().weight.shape
    (3, 2)
    """

    make: Callable[..., Any]
    args: tuple[Any, ...] = ()
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self) -> Any:
        """What the code builds."""
        return self.factory(None, None)

    def factory(self, rng: np.random.Generator | None, dtype: npt.DTypeLike | None) -> Any:
        """The same with another generator and dtype wherever the recipe has one: for `check_layer`."""
        given = {name: value for name, value in (("rng", rng), ("dtype", dtype)) if value is not None}

        def made(value: Any) -> Any:
            if isinstance(value, Recipe):
                return value.factory(rng, dtype)
            if isinstance(value, dict):
                return {key: made(item) for key, item in value.items()}
            return tuple(map(made, value)) if isinstance(value, tuple) else value

        options = {name: given.get(name, made(value)) for name, value in self.options}
        return self.make(*map(made, self.args), **options)

    def code(self) -> str:
        """Python that builds it, given minidl's names and ``np``."""
        parts = [_code(arg) for arg in self.args]
        parts += [f"{name}={_code(value)}" for name, value in self.options]
        return _bracketed(f"{self.make.__name__}(", parts, ")")

    def __repr__(self) -> str:
        return self.code()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis prints dataclasses field by field unless told otherwise.
        _print(printer, self.code())


@dataclass(frozen=True, repr=False)
class NetRecipe(Recipe):
    """A whole net's recipe, with the shape of one sample and the number of classes.

    Attributes
    ----------
    vocabulary : int
        Its samples are whole numbers from 0 up to this one, that one not included; 0 for real numbers.

    Examples
    --------
    >>> from minidl import Affine, Sequential, SoftmaxCrossEntropy
    >>> parts = (Recipe(Affine, (1, 2), (("rng", 0),)), Recipe(SoftmaxCrossEntropy))
    >>> NetRecipe(Sequential, parts, input_shape=(1,), num_classes=2)
    Sequential(Affine(1, 2, rng=0), SoftmaxCrossEntropy())
    """

    input_shape: tuple[int, ...] = (1,)
    num_classes: int = 2
    vocabulary: int = 0

    def make_input(
        self, rng: np.random.Generator, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float64
    ) -> Array:
        """What the net takes, as `check_net` asks for it: `shape` is a batch's."""
        if self.vocabulary:
            return rng.integers(self.vocabulary, size=shape)
        return rng.standard_normal(shape).astype(dtype)


@dataclass(frozen=True, repr=False)
class Batch:
    """A batch as a shape and a seed; its repr is the code that draws it."""

    shape: tuple[int, ...]
    seed: int = 0

    def array(self, dtype: npt.DTypeLike = np.float64) -> Array:
        """Gaussian numbers."""
        return np.random.default_rng(self.seed).standard_normal(self.shape).astype(dtype)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"np.random.default_rng({self.seed}).standard_normal({self.shape})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        _print(printer, repr(self))


@dataclass(frozen=True, repr=False)
class Labels:
    """Labels as a size, a number of classes and a seed; its repr is the code that draws them."""

    size: int
    num_classes: int
    seed: int = 0

    def array(self) -> Array:
        """Integers from 0 up to `num_classes`, that one not included."""
        return np.random.default_rng(self.seed).integers(0, self.num_classes, self.size)

    def __repr__(self) -> str:
        return f"np.random.default_rng({self.seed}).integers(0, {self.num_classes}, {self.size})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        _print(printer, repr(self))


def _print(printer: Any, text: str) -> None:
    first, *rest = text.splitlines()
    printer.text(first)
    for line in rest:
        printer.break_()
        printer.text(line)


def _code(value: Any) -> str:
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    if isinstance(value, dict):
        return _bracketed("{", [f"{_code(key)}: {_code(item)}" for key, item in value.items()], "}")
    if isinstance(value, tuple) and any(isinstance(item, Recipe) for item in value):
        return _bracketed("(", list(map(_code, value)), ")")
    return repr(value)


def _bracketed(start: str, parts: list[str], end: str) -> str:
    """The parts on one line, or each on lines of its own."""
    line = f"{start}{', '.join(parts)}{end}"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    body = textwrap.indent(",\n".join(parts), "    ")
    return f"{start}\n{body},\n{end}"
