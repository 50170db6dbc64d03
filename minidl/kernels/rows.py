"""Rows of arrays of any memory layout, read at the cost of the rows that are asked for.

In an array in Fortran order, as the values of a pandas frame are, the numbers of one row lie far apart: to
read one row alone, each of its numbers takes a cache line of its own, and in a mapped file a page. So many
rows are read together, one stretch of memory after the other. The pages of a mapped file are given back to
the system once they have been read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minidl.kernels.sparse import is_csr, take_sparse_rows
from minidl.kernels.way import compiled
from minidl.types import Array

MOST_COPIED = 1 << 28
"""Bytes of an array in memory up to which it is copied into C order."""

_SPAN_BYTES = 1 << 24
"""Memory of a scattered array that is read, for all rows that are asked for, before the next stretch is."""

_BLOCK_BYTES = 1 << 22
"""A block, as the walks over a whole array take it."""

_PIECE_BYTES = 1 << 18
"""Rows that NumPy selects at once into an array of its own: few enough to stay in the cache."""


def rows_are_whole(array: Array) -> bool:
    """Whether the numbers of each row lie side by side, in C order."""
    return array[:1].flags.c_contiguous


def rows_are_scattered(array: Array) -> bool:
    """Whether numbers of other rows lie between those of a row."""
    return not rows_are_whole(array) and _memory_order(array)[0] != 0


def with_whole_rows(array: Array) -> Array:
    """`array`, or a copy in C order if its rows are not whole.

    Arrays in mapped files, and those larger than `MOST_COPIED`, are returned as they are.
    """
    if rows_are_whole(array) or array.nbytes > MOST_COPIED or _mapped(array) is not None:
        return array
    return np.ascontiguousarray(array)


@compiled
def gather(array: Array, indices: Array, out: Array) -> Array:
    """``array[indices]``, in `out`.

    Parameters
    ----------
    array : ndarray of shape (N, ...)
        Of any layout and dtype. The memory needed beside `out` is bounded.
    indices : ndarray
        Whole numbers in [0, N).
    out : ndarray of shape (*indices.shape, ...)
        Of the dtype of `array`.
    """
    if array.flags.c_contiguous:
        # With mode="clip", `take` writes right into `out`. Another layout it would first copy as a whole.
        return array.take(indices, 0, out, "clip")
    if rows_are_scattered(array):
        _take_scattered(array, indices, out)
    else:
        step = max(_PIECE_BYTES // max(array[:1].nbytes, 1), 1)
        for start in range(0, len(indices), step):
            out[start : start + step] = array[indices[start : start + step]]
    return out


def gather_definition(array: Array, indices: Array) -> Array:
    """What `gather` computes."""
    return array[indices]


def take_rows(array: Array, rows: slice | Array, out: Array | None = None) -> Array:
    """``array[rows]`` in C order.

    Parameters
    ----------
    array : ndarray of shape (N, ...)
        Of any layout and dtype; or a CSR matrix, of which the rows are one, too.
    rows : slice or ndarray
        Whole numbers in [0, N).
    out : ndarray, optional
        Where the rows go. It is not used for a slice that is in C order as it is.

    Returns
    -------
    ndarray
        `out`, or a view of `array` for a slice that is in C order, or a new array. The memory needed beside
        it is bounded.
    """
    if is_csr(array):
        return take_sparse_rows(array, rows)  # type: ignore[no-any-return]
    if isinstance(rows, slice) and (part := array[rows]).flags.c_contiguous:
        return part
    if out is None:
        count = len(part) if isinstance(rows, slice) else len(rows)
        out = np.empty((count, *array.shape[1:]), array.dtype)
    if not isinstance(rows, slice):
        return gather(array, rows, out)
    if rows_are_scattered(array):
        _take_scattered(array, rows, out)
    else:
        out[...] = part
    return out


def row_blocks(array: Array, multiple: int = 1) -> Iterator[tuple[slice, Array]]:
    """Pairs of a slice and its rows in C order, for all rows, a few megabytes at a time.

    Each block but the last has a `multiple` of rows.
    """
    size = 2 * _BLOCK_BYTES if rows_are_scattered(array) else _BLOCK_BYTES
    count = max(size // max(array[:1].nbytes, 1) // multiple, 1) * multiple
    release = _releaser(array)
    for start in range(0, len(array), count):
        rows = slice(start, start + count)
        yield rows, take_rows(array, rows)
        release()


def memory_blocks(array: Array) -> Iterator[Array]:
    """All numbers of `array`, a few megabytes at a time, in the order in which they lie in memory."""
    array = array.transpose(_memory_order(array))
    step, release = max(_BLOCK_BYTES // max(array[:1].nbytes, 1), 1), _releaser(array)
    for start in range(0, len(array), step):
        yield array[start : start + step]
        release()


def first_not_finite(array: Array) -> tuple[int, Any] | None:
    """The number of the first row that holds a NaN or an infinity, and the value; None if all is finite."""
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


def _take_scattered(array: Array, rows: slice | Array, out: Array) -> None:
    order = _memory_order(array)
    _gather(array.transpose(order), out.transpose(order), order.index(0), rows, _releaser(array))


def _gather(
    source: Array, target: Array, axis: int, rows: slice | Array, release: Callable[[], None]
) -> None:
    """Copy `rows`, taken along `axis` of `source`, into `target`.

    The axes of both are in the order of the memory of `source`, so that it is read from front to end.
    """
    entry = source[:1].nbytes
    if axis > 1 and entry > _SPAN_BYTES:
        for inner, its_target in zip(source, target, strict=True):
            _gather(inner, its_target, axis - 1, rows, release)
        return
    step = max(_SPAN_BYTES // max(entry, 1), 1)
    for start in range(0, len(source), step):
        block = slice(start, start + step)
        target[block] = source[(block, *[slice(None)] * (axis - 1), rows)]
        release()


def _mapped(array: Array) -> np.memmap[Any, Any] | None:
    """The mapped file that `array` is a view of, if it is one."""
    base: object = array
    while base is not None and not isinstance(base, np.memmap):
        base = getattr(base, "base", None)
    return base


def _releaser(array: Array) -> Callable[[], None]:
    """A function that gives the pages of a mapped file back to the system; it does nothing for other arrays.

    If they were kept, the process would seem to need as much memory as the file has. If they are read again,
    they come from the system's cache.
    """
    mapped = _mapped(array)
    # A private mapping (mode "c") would lose what was written to it.
    if mapped is not None and mapped.mode in ("r", "r+", "w+"):
        import mmap

        file: Any = mapped
        while isinstance(file, np.ndarray):
            file = file.base
        if hasattr(file, "madvise") and hasattr(mmap, "MADV_DONTNEED"):
            return lambda: file.madvise(mmap.MADV_DONTNEED)
    return lambda: None
