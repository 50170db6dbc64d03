"""What the clauses run on: fresh, reproducible subjects and inputs, and smaller ones after a failure."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.layers import Layer
from minidl.module import Module
from minidl.testing.demands import largest, require_made, require_same
from minidl.testing.reference import Reference
from minidl.testing.replay import forward_varies, same_bits
from minidl.testing.state import generators, named_arrays, replay_generators
from minidl.types import Array

LayerFactory = Callable[[np.random.Generator, Any], Layer]
MakeInput = Callable[[np.random.Generator, tuple[int, ...], Any], npt.ArrayLike]
_Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

_SHOWN = 12  # numbers of an input that a failure's text prints
_NUDGE = 0.1


class Pass(NamedTuple):
    """What one training pass gave, copied.

    Its `scale` is the largest number that went in or came out: what is far smaller than rounding
    of that, such as the gradient of a bias in front of a normalization, is 0.
    """

    y: Array
    dx: Array
    gradients: dict[str, Array]
    scale: float


@dataclass(frozen=True)
class LayerCase:
    """A layer's factory, and how its inputs are drawn.

    Attributes
    ----------
    batch : int
        Samples in the usual batch.
    min_batch : int
        The fewest that train.
    whole : bool
        Whether inputs are small whole numbers, which read well, instead of Gaussian draws.
    """

    factory: LayerFactory
    input_shape: tuple[int, ...]
    seed: int = 0
    batch: int = 5
    whole: bool = False
    make_input: MakeInput | None = None
    custom: Sequence[Callable[..., Any]] = ()
    batch_independent: bool = True
    allocation: bool = False
    reference: Reference | None = None
    training_reference: Reference | None = None
    min_batch: int = 1

    def raw(self, dtype: npt.DTypeLike = np.float64, seed: int | None = None) -> Layer:
        """A layer as the factory makes it, not packed."""
        rng = np.random.default_rng(self.seed if seed is None else seed)
        return require_made("check_layer", self.factory(rng, dtype), Layer)

    def layer(self, dtype: npt.DTypeLike = np.float64) -> Layer:
        """A fresh layer, packed as in a net; the same one every time.

        Pickled bytes make one in a third of the time; a clause that looks at how instances are made, or
        at what they share, takes one that is `built`.
        """
        kind = np.dtype(dtype)
        if kind not in self._pickled:
            self._pickled[kind] = pickled(self.built(dtype))
        content = self._pickled[kind]
        return self.built(dtype) if content is None else cast(Layer, pickle.loads(content))

    def built(self, dtype: npt.DTypeLike = np.float64, seed: int | None = None) -> Layer:
        """The same from the factory, or another one for another seed.

        Its parameters are moved a little from where they start: a gain of 1 or a bias of 0 hides
        that it was forgotten.
        """
        layer = copy.deepcopy(self._model) if self._unreproducible(dtype, seed) else self.raw(dtype, seed)
        for number, (_, parameter) in enumerate(layer.named_parameters()):
            parameter.value[...] += self._drawn(_nudges, parameter.shape, 1, number)
        if layer._vectors is None:
            layer.pack()
        return layer

    def x(self, draw: int = 0, *, batch: int | None = None, dtype: npt.DTypeLike = np.float64) -> Array:
        """The input number `draw`."""
        shape = (self.batch if batch is None else batch, *self.input_shape)
        if self.make_input is not None:
            made = self.make_input(np.random.default_rng([self.seed, 2, draw]), shape, dtype)
            return np.array(check_array("make_input", "an array", made, kinds="biufc"))
        return self._drawn(self._numbers, shape, 2, draw).astype(dtype)

    def dy(self, like: Array, draw: int = 0) -> Array:
        """A gradient by the output, of the shape and dtype of `like`."""
        return self._drawn(self._numbers, like.shape, 3, draw).astype(like.dtype)

    def smaller(self) -> Iterator[LayerCase]:
        """Simpler cases, the simplest first; for the failure's text."""
        for batch in (self.min_batch, self.min_batch + 1):
            yield replace(self, batch=batch, whole=True)
            yield replace(self, batch=batch)
        yield replace(self, whole=True)

    def describe(self) -> str:
        """The usual batch, as a failure's text shows it."""
        x = self.x()
        shown = np.array2string(x, precision=3, separator=", ").replace("\n", "") if x.size <= _SHOWN else ""
        return f"at a batch of {self.batch}, x " + (f"= {shown}" if shown else f"of shape {x.shape}")

    @cached_property
    def varies(self) -> bool:
        """Whether training forwards differ from call to call, as a dropout's do."""
        layer = self.layer()
        with np.errstate(all="ignore"):  # x anew for each call: one that is written to is no random draw
            return forward_varies(layer, lambda: np.array(layer.forward(self.x(), training=True)))

    @cached_property
    def reproducible(self) -> bool:
        """Whether the factory makes the same layer of the same generator."""
        one, two = self.raw(), self.raw()
        pairs = zip(named_arrays(one), named_arrays(two), strict=True)
        if not all(same_bits(a.value, b.value) for (_, a), (_, b) in pairs):
            return False
        with np.errstate(all="ignore"):
            outputs = [np.array(layer.forward(self.x(), training=True)) for layer in (one, two)]
            return same_bits(*outputs)

    @cached_property
    def _model(self) -> Layer:
        return self.raw()

    def _unreproducible(self, dtype: npt.DTypeLike, seed: int | None) -> bool:
        return seed is None and dtype is np.float64 and not self.reproducible

    @cached_property
    def _pickled(self) -> dict[Any, bytes | None]:
        return {}

    @cached_property
    def _draws(self) -> dict[Any, Array]:
        return {}

    def _drawn(self, draw: _Draw, shape: tuple[int, ...], *stream: int) -> Array:
        # Drawn once: clauses ask for the same numbers hundreds of times.
        if (stream, shape) not in self._draws:
            self._draws[stream, shape] = draw(np.random.default_rng([self.seed, *stream]), shape)
        return self._draws[stream, shape]

    def _numbers(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        drawn: Array = rng.standard_normal(shape)
        if self.whole:
            drawn = rng.integers(1, 4, shape) * rng.choice([-1.0, 1.0], shape)
        return drawn


def _nudges(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return _NUDGE * np.clip(rng.standard_normal(shape), -2, 2)


def layouts(array: Array) -> Iterator[tuple[str, Array]]:
    """Copies of `array` as it may lie in memory, each with the words for that."""
    yield "in Fortran order", array.copy(order="F")
    wide = np.full([2 * n for n in array.shape], -77, array.dtype)
    gaps = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    gaps[...] = array
    yield "with gaps", gaps
    every = tuple(slice(None, None, -1) for _ in array.shape)
    yield "with negative strides", array[every].copy()[every]


def pickled(layer: Layer) -> bytes | None:
    """The layer's bytes, where only `Module` has a say in them, which is proven; None for other layers."""
    for _, module in layer.named_modules():
        kind = type(module)
        plain = kind.__reduce_ex__ is object.__reduce_ex__ and kind.__reduce__ is object.__reduce__
        if not plain or (kind.__getstate__, kind.__setstate__) != (Module.__getstate__, Module.__setstate__):
            return None
    try:
        content = pickle.dumps(layer)
        pickle.loads(content)
    except Exception:  # it cannot be pickled, of which a clause tells
        return None
    return content


def train(layer: Layer, x: Array, dy: Array) -> Pass:
    """One training pass."""
    y = np.array(layer.forward(x, training=True))
    return finished(layer, x, y, dy)


def finished(layer: Layer, x: Array, y: Array, dy: Array) -> Pass:
    """The pass whose forward gave `y`, once its backward has run."""
    dx = np.array(layer.backward(dy))
    return Pass(y, dx, {name: p.grad.copy() for name, p in layer.named_parameters()}, largest(x, y, dy))


def infer(layer: Layer, x: Array) -> Array:
    """One inference, copied."""
    return np.array(layer.forward(x, training=False))


def twin_of(case: LayerCase, layer: Layer) -> Layer:
    """A fresh layer whose next training pass draws what that of the used `layer` will draw."""
    if case.varies and not generators(layer):
        return copy.deepcopy(layer)  # varies by a state that only a copy takes along
    twin = case.layer()
    if case.varies:
        replay_generators(layer, twin)
    return twin


def require_same_pass(got: Pass, expected: Pass, when: str, *, rtol: float = 1e-9) -> None:
    """Raise unless two passes gave the same."""
    require_same("the output", got.y, expected.y, when, rtol=rtol)
    require_same_gradients(got, expected, when, rtol=rtol)


def require_same_gradients(got: Pass, expected: Pass, when: str, *, rtol: float = 1e-9) -> None:
    """Raise unless dx and every parameter's gradient are the same."""
    found = {"dx": (got.dx, expected.dx)}
    found |= {f"{name}.grad": (got.gradients[name], g) for name, g in expected.gradients.items()}
    for name, (mine, theirs) in found.items():
        require_same(name, mine, theirs, when, rtol=rtol, scale=expected.scale)
