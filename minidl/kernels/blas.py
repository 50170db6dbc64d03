"""What the walks over the vectors need and NumPy has no function for.

NumPy makes ``y += a * x`` in two passes over the memory, with an array in between. The BLAS makes it in one.
It has axpy for this, which OpenBLAS divides among all of its threads from 10,000 numbers on: on a machine
whose cores are busy, each call then waits for a thread to get its turn, ten thousand times as long as its
work takes. So it is called as the axpby with b = 1 where there is one, which OpenBLAS keeps on one thread.
The library that is called is the one that NumPy itself computes with, found
through NumPy's own module: a second one would bring threads of its own, and the two would get in each
other's way.
"""

from __future__ import annotations

import ctypes
import functools
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from minidl.types import Array


def _int32(count: int) -> Any:
    """`count` as an integer of 32 bits, or `ValueError` where it does not fit: ctypes would cut it off."""
    if count >= 1 << 31:
        raise ValueError
    return ctypes.c_int(count)


# What NumPy's builds call the routines, and the integers they take: NumPy's own wheels, others with
# long integers, Apple's Accelerate, and the standard's name.
_NAMES = (
    ("scipy_cblas_{}64_", ctypes.c_int64),
    ("scipy_cblas_{}", _int32),
    ("cblas_{}64_", ctypes.c_int64),
    ("cblas_{}$NEWLAPACK$ILP64", ctypes.c_int64),
    ("cblas_{}", _int32),
)
_REALS: dict[np.dtype[Any], tuple[str, Any]] = {
    np.dtype(np.float32): ("s", ctypes.c_float),
    np.dtype(np.float64): ("d", ctypes.c_double),
}
_Routine: TypeAlias = tuple[Any, Any, Any, Any]

_BLOCK_NUMBERS = 1 << 16
"""What NumPy works on at once, where the BLAS is not found: few enough to stay in the cache."""

_first_byte: Any = ctypes.c_char.from_buffer
_reference = ctypes.byref


def axpby(a: float, x: Array, b: float, y: Array) -> None:
    """``y = a * x + b * y``.

    Parameters
    ----------
    a, b : float
    x, y : ndarray of shape (size,)
        Contiguous and writable vectors of float32 or float64 go through NumPy's BLAS. All else, and
        everything where that is not found, is left to NumPy's operators, which may round otherwise.
    """
    dtype = x.dtype
    found = _ROUTINES["axpby", dtype]
    if found is not None and x.shape == y.shape and y.dtype == dtype:
        routine, integer, real, one = found
        try:
            size, source, target = integer(x.size), _reference(_first_byte(x)), _reference(_first_byte(y))
        except (TypeError, ValueError):
            pass  # not contiguous, read-only, empty or too long
        else:
            # Without `argtypes`, which take half as long again.
            routine(size, real(a), source, one, real(b), target, one)
            return
    if b != 1:
        y *= b  # not every BLAS goes beyond the standard
    _axpy(a, x, y)


def axpby_definition(a: float, x: Array, b: float, y: Array) -> Array:
    """What `axpby` leaves in `y`."""
    return a * x + b * y


def _axpy(a: float, x: Array, y: Array) -> None:
    """``y += a * x``, where the BLAS has no axpby, or takes no such vectors."""
    dtype = x.dtype
    found = _ROUTINES["axpy", dtype]
    if found is not None and x.shape == y.shape and y.dtype == dtype:
        routine, integer, real, one = found
        try:
            size, source, target = integer(x.size), _reference(_first_byte(x)), _reference(_first_byte(y))
        except (TypeError, ValueError):
            pass
        else:
            routine(size, real(a), source, one, target, one)
            return
    for start in range(0, len(y), _BLOCK_NUMBERS):
        y[start : start + _BLOCK_NUMBERS] += a * x[start : start + _BLOCK_NUMBERS]


def is_found() -> bool:
    """Whether NumPy's BLAS was found; without it, all is right but slower."""
    return all(_ROUTINES["axpby", dtype] or _ROUTINES["axpy", dtype] for dtype in _REALS)


def _find(name: str, dtype: np.dtype[Any]) -> _Routine | None:
    """NumPy's routine for the dtype, the types of its integers and reals, and the integer 1."""
    if dtype not in _REALS:
        return None
    letter, real = _REALS[dtype]
    for library in _libraries():
        for template, integer in _NAMES:
            routine = getattr(library, template.format(letter + name), None)
            if routine is not None:
                routine.restype = None
                return routine, integer, real, integer(1)
    return None


def threads_address() -> int:
    """The address of the function that says how many threads NumPy's BLAS uses: OpenBLAS's; else 0."""
    for library in _libraries():
        for name in (
            "scipy_openblas_get_num_threads64_",
            "scipy_openblas_get_num_threads",
            "openblas_get_num_threads64_",
            "openblas_get_num_threads",
        ):
            function: Any = getattr(library, name, None)
            if function is not None:
                return ctypes.cast(function, ctypes.c_void_p).value or 0
    return 0


class _Routines(dict[tuple[str, np.dtype[Any]], _Routine | None]):
    """What `_find` found, by name and dtype; a lookup costs less than a call."""

    def __missing__(self, key: tuple[str, np.dtype[Any]]) -> _Routine | None:
        self[key] = found = _find(*key)
        return found


_ROUTINES = _Routines()


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    """NumPy's module: a name is looked up in what it was linked with, too, but for Windows.

    For that the library itself, where NumPy's wheels have it.
    """
    package = Path(np.__file__).parent
    modules = (package / "_core").glob("_multiarray_umath.*")
    found = []
    for path in (*modules, *package.with_name("numpy.libs").glob("*openblas*")):
        with suppress(OSError):  # no library
            found.append(ctypes.CDLL(str(path)))
    return tuple(found)
