"""Arrays of any layout, read at the cost of the rows that are asked for.

Where a row's numbers are scattered (Fortran order, the values of a pandas frame), each of them takes a
cache line of its own, and in a mapped file a page: many rows are read together, one stretch of memory
after the other, and a mapped file's pages are given back behind each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.types import Array

MOST_COPIED = 1 << 28
"""Bytes up to which an array in memory is copied for the sake of its layout."""

_SPAN = 1 << 24
"""Bytes of a scattered array's memory that are read before the next."""

_BLOCK = 1 << 22
"""Bytes that are looked at together."""

_PIECE = 1 << 18
"""Bytes of rows that NumPy selects into an array of its own: few enough to stay in the cache."""


def rows_are_whole(array: Array) -> bool:
    """Whether each row's numbers lie side by side, in order."""
    return array[:1].flags.c_contiguous


def rows_are_scattered(array: Array) -> bool:
    """Whether other rows' numbers lie between a row's own."""
    return not rows_are_whole(array) and _memory_order(array)[0] != 0


def with_whole_rows(array: Array) -> Array:
    """`array`, or a copy in C order where rows are not whole, it lies in memory and is small enough."""
    if rows_are_whole(array) or array.nbytes > MOST_COPIED or _mapped(array) is not None:
        return array
    return np.ascontiguousarray(array)


def take_rows(array: Array, rows: slice | Array, out: Array | None = None) -> Array:
    """``array[rows]`` in C order, in `out` if given; a view of `array` where a slice lies so.

    `rows` is a slice, or an array of whole numbers in [0, N). What it takes beside its result is
    bounded.
    """
    if isinstance(rows, slice) and (part := array[rows]).flags.c_contiguous:
        return part
    if out is None:
        count = len(part) if isinstance(rows, slice) else len(rows)
        out = np.empty((count, *array.shape[1:]), array.dtype)
    if isinstance(rows, np.ndarray) and array.flags.c_contiguous:
        # mode="clip" only spares `take` a copy through a buffer. An array of another layout it would
        # first copy whole.
        return array.take(rows, axis=0, out=out, mode="clip")
    if rows_are_scattered(array):
        order = _memory_order(array)
        _gather(array.transpose(order), out.transpose(order), order.index(0), rows, _releaser(array))
    elif isinstance(rows, slice):
        out[...] = part
    else:
        step = max(_PIECE // max(array[:1].nbytes, 1), 1)
        for start in range(0, len(rows), step):
            out[start : start + step] = array[rows[start : start + step]]
    return out


def row_blocks(array: Array, multiple: int = 1) -> Iterator[tuple[slice, Array]]:
    """All rows, a few megabytes (and a `multiple` of rows) at a time, each block in C order."""
    size = 2 * _BLOCK if rows_are_scattered(array) else _BLOCK
    count = max(size // max(array[:1].nbytes, 1) // multiple, 1) * multiple
    release = _releaser(array)
    for start in range(0, len(array), count):
        rows = slice(start, start + count)
        yield rows, take_rows(array, rows)
        release()


def memory_blocks(array: Array) -> Iterator[Array]:
    """All numbers, a few megabytes at a time, in the order of memory."""
    array = array.transpose(_memory_order(array))
    step, release = max(_BLOCK // max(array[:1].nbytes, 1), 1), _releaser(array)
    for start in range(0, len(array), step):
        yield array[start : start + step]
        release()


def first_not_finite(array: Array) -> tuple[int, Any] | None:
    """The first row that holds a NaN or an infinity, and which; None where all is finite."""
    if all(np.isfinite(block).all() for block in memory_blocks(array)):
        return None
    for rows, block in row_blocks(array):
        finite = np.isfinite(block)
        if not finite.all():
            bad = int(np.argmin(finite.reshape(len(block), -1).all(axis=1)))
            return rows.start + bad, block[bad][~finite[bad]][0]
    return None


def _memory_order(array: Array) -> list[int]:
    """The axes, from the one whose entries lie farthest apart to the one whose entries are neighbours."""
    return sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis]) * (array.shape[axis] > 1))


def _gather(
    source: Array, target: Array, axis: int, rows: slice | Array, release: Callable[[], None]
) -> None:
    """`rows`, taken along `axis` of `source`, into `target`; the axes of both in the order of memory."""
    entry = source[:1].nbytes
    if axis > 1 and entry > _SPAN:
        for inner, its_target in zip(source, target, strict=True):
            _gather(inner, its_target, axis - 1, rows, release)
        return
    step = max(_SPAN // max(entry, 1), 1)
    for start in range(0, len(source), step):
        block = slice(start, start + step)
        target[block] = source[(block, *[slice(None)] * (axis - 1), rows)]
        release()


def _mapped(array: Array) -> np.memmap[Any, Any] | None:
    """The mapped file that `array` is a view of."""
    base: object = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base


def _releaser(array: Array) -> Callable[[], None]:
    """Gives back to the system the pages of the file that `array` is mapped from, if it is from one.

    Read again, they come from the system's cache; kept, the process would seem to hold the file.
    """
    mapped = _mapped(array)
    # A private mapping ("c") would lose what was written to it.
    if mapped is not None and mapped.mode in ("r", "r+", "w+"):
        import mmap

        file: Any = mapped
        while isinstance(file, np.ndarray):
            file = file.base
        if hasattr(file, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
            return lambda: file.madvise(mmap.MADV_DONTNEED)
    return lambda: None
