"""What clauses demand: that something holds, that arrays are the same up to rounding, that a call raises."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minidl.errors import StateError, StructureError
from minidl.testing.replay import same_bits
from minidl.testing.reports import ClauseError
from minidl.types import Array

T = TypeVar("T")


def require_made(checker: str, made: T, kind: Any) -> T:
    """What a factory made; `StructureError` of its `checker` where it is of another class than `kind`."""
    if not isinstance(made, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        expected = f"a factory that returns {article} {kind.__name__}"
        raise StructureError.expected(checker, expected, repr(made))
    return made


def require_same(
    what: str, got: Array, expected: Array, when: str, *, rtol: float = 1e-9, scale: float = 0.0
) -> None:
    """Raise `ClauseError` unless two arrays are the same up to rounding; names the worst element.

    Rounding is relative to the largest number in `expected`, or to `scale` if that is larger.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        raise ClauseError(f"{what} has shape {got.shape} {when}, expected {expected.shape}")
    if same_bits(got, expected):
        return
    atol = rtol * max(largest(expected), scale)
    wrong = ~np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    if wrong.any():
        with np.errstate(all="ignore"):
            off = np.where(wrong, np.nan_to_num(np.abs(got - expected), nan=np.inf), -1)
        index = tuple(int(i) for i in np.unravel_index(int(np.argmax(off)), off.shape))
        place = f"{what}{list(index)}" if index else what
        raise ClauseError(f"{place} is {got[index]:.9g} {when}, expected {expected[index]:.9g}")


def require_state_error(call: Callable[[], Any], text: str) -> None:
    """Raise `ClauseError`, beginning with `text`, unless `call` raises `StateError`."""
    try:
        call()
    except StateError:
        return
    except Exception as error:
        raise ClauseError(f"{text} raises {type(error).__name__}, not StateError") from error
    raise ClauseError(f"{text} raises no StateError")


def largest(*arrays: Array) -> float:
    """The largest magnitude of a finite number in `arrays`."""
    return max(_magnitude(a) for a in arrays)


def _magnitude(array: Array) -> float:
    largest = float(np.max(np.abs(array), initial=0.0))
    if math.isfinite(largest):
        return largest
    return float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))


def require(kept: Any, otherwise: str) -> None:
    """Raise `ClauseError` with the text `otherwise` unless `kept`."""
    if not kept:
        raise ClauseError(otherwise)
