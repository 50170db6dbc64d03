"""Arguments for kernels, drawn at random, and the comparison of both ways on them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl.types import Array

SPECIAL = (0.0, -0.0, math.inf, -math.inf, math.nan, 1e-40, -1e-45, 5e-324, 1e30, -1e-30, 1.0)
"""Numbers of which some stand among the others where special ones are asked for."""


@dataclass
class Draw:
    """Draws a kernel's arguments.

    Attributes
    ----------
    rng : Generator
    size : int
        About how many numbers the largest array may have.
    dtype : numpy.dtype
        float32 or float64.
    layout : "plain", "strided" or "shifted"
        Arrays in C order and aligned to their numbers; with gaps; in C order at any byte.
    special : bool
        Whether zeros of both signs, denormals, huge numbers, infinities and NaN are among them.
    """

    rng: np.random.Generator
    size: int
    dtype: np.dtype[Any]
    layout: str = "plain"
    special: bool = False

    def sizes(self, count: int) -> tuple[int, ...]:
        """So many sizes, whose product is about `size` and which are small numbers now and then."""
        left, sizes = float(self.size), []
        for remaining in range(count, 0, -1):
            most = max(int(left), 1) if remaining == 1 else max(int(left ** self.rng.uniform(0, 1)), 1)
            sizes.append(most if self.size else int(self.rng.integers(0, 3)))
            left /= max(most, 1)
        self.rng.shuffle(sizes)
        return tuple(sizes)

    def integer(self, low: int, high: int) -> int:
        """A Python integer in [low, high]."""
        return int(self.rng.integers(low, high + 1))

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """A Python float in [low, high)."""
        return float(self.rng.uniform(low, high))

    def array(self, *shape: int, scale: float = 1.0, special: bool | None = None) -> Array:
        """Normal numbers times `scale`, in the layout that is asked for."""
        numbers = self.rng.normal(0, scale, shape).astype(self.dtype)
        if (self.special if special is None else special) and numbers.size:
            places = self.rng.integers(0, numbers.size, 1 + numbers.size // 16)
            with np.errstate(over="ignore"):
                numbers.reshape(-1)[places] = self.rng.choice(SPECIAL, len(places)).astype(self.dtype)
        return self._laid(numbers)

    def positive(self, *shape: int) -> Array:
        """Numbers above 0, none of them special."""
        return self._laid((self.rng.random(shape) + 0.01).astype(self.dtype))

    def indices(self, count: int, below: int) -> Array:
        """`count` numbers of intp in [0, below)."""
        return self.rng.integers(0, below, count).astype(np.intp)

    def empty(self, *shape: int) -> Array:
        """An array of NaN to write into."""
        return self._laid(np.full(shape, np.nan, self.dtype))

    def lent(self, *shape: int) -> Array:
        """An array to write into that is plain, whatever the layout of the others."""
        return np.full(shape, np.nan, self.dtype)

    def _laid(self, array: Array) -> Array:
        if self.layout == "strided" and array.ndim:
            wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
            wide[..., ::2] = array
            return wide[..., ::2]
        if self.layout == "shifted":
            memory = np.zeros(array.nbytes + 1, np.uint8)
            shifted: Array = memory[1:].view(array.dtype).reshape(array.shape)
            shifted[...] = array
            return shifted
        return array


@dataclass(frozen=True)
class Case:
    """A kernel, the arguments to compare its two ways on, and how far apart they may be.

    Attributes
    ----------
    kernel : callable
    draw : callable
        Makes of a `Draw` the arguments, in their order.
    ulps : float
        Units in the last place of each number, or, where `of_array`, of the largest one of its array and of
        the arguments: so where numbers are added up that may cancel. They are those of the narrowest float
        dtype among the arguments.
    of_array : bool
    special : bool
        Whether both do the same with NaN, infinities and the rest.
    lends : bool
        Whether the last argument is memory for a result, which may lie in it in another order.
    work : int, optional
        The number of an argument of which only the first entry is a result.
    """

    kernel: Callable[..., Any]
    draw: Callable[[Draw], tuple[Any, ...]]
    ulps: float = 1.0
    of_array: bool = False
    special: bool = True
    lends: bool = False
    name: str = field(default="")
    work: int | None = None

    def __str__(self) -> str:
        return self.name or self.kernel.__name__


def faults(case: Case, draw: Draw) -> list[str]:
    """How the compiled way differs from that in NumPy on these arguments; empty where it does not."""
    arguments = case.draw(draw)
    copies = copy.deepcopy(list(arguments))  # in which one array in several places is one again
    largest = max([1e-300, *map(_largest, arguments)])
    numpy_way = getattr(case.kernel, "__self__", case.kernel)
    with np.errstate(all="ignore"):
        compared = slice(-1 if case.lends else None)
        expected = _collect(numpy_way(*copies), copies[compared], draw)
        got = _collect(case.kernel(*arguments), arguments[compared], draw)
    if case.work is not None:
        for given in (copies, arguments):
            given[case.work][1:] = 0
    coarsest = min(
        (a.dtype for a in copies if isinstance(a, np.ndarray) and a.dtype.kind == "f"),
        key=lambda dtype: dtype.itemsize,
        default=np.dtype(np.float64),
    )
    largest = max([largest, *map(_largest, expected)])
    pairs = zip(expected, got, strict=True)
    return [fault for i, (a, b) in enumerate(pairs) for fault in _differs(case, i, a, b, largest, coarsest)]


def _collect(result: Any, arguments: Any, draw: Draw) -> list[Array]:
    """All that a call has given or written: its results, and the arrays among its arguments.

    A Python float was added up from numbers of the drawn dtype, and is compared in it.
    """
    results = result if isinstance(result, tuple) else () if result is None else (result,)
    everything = (*results, *(a for a in arguments if isinstance(a, np.ndarray)))
    return [np.asarray(one, draw.dtype if type(one) is float else None) for one in everything]


def _largest(argument: Any) -> float:
    if not isinstance(argument, np.ndarray) or argument.dtype.kind != "f":
        return 0.0
    finite = np.abs(argument[np.isfinite(argument)])
    return float(finite.max(initial=0))


def _differs(
    case: Case, number: int, expected: Array, got: Array, largest: float, coarsest: np.dtype[Any]
) -> Iterator[str]:
    where = f"{case}: result {number}"
    if expected.shape != got.shape or expected.dtype != got.dtype:
        yield f"{where} is {got.dtype} {got.shape}, expected {expected.dtype} {expected.shape}"
    elif expected.dtype.kind != "f":
        if not np.array_equal(expected, got):
            yield f"{where} differs"
    else:
        odd = ~np.isfinite(expected)
        if not np.array_equal(expected[odd], got[odd], equal_nan=True) or not np.isfinite(got[~odd]).all():
            yield f"{where} is not finite where it should be, or the other way round"
            return
        apart = np.abs(expected[~odd].astype(np.longdouble) - got[~odd])
        scale = np.maximum(np.abs(expected[~odd]), largest if case.of_array else 0)
        limits = np.finfo(coarsest)
        ulps = apart / np.spacing(np.clip(scale, limits.tiny, limits.max / 2).astype(coarsest))
        if ulps.size and ulps.max() > case.ulps:
            yield f"{where} is off by {float(ulps.max()):.3g} units in the last place; {case.ulps:g} allowed"
