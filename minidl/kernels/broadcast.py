"""A row taken together with each row of an array."""

from __future__ import annotations

import numpy as np

from minidl.types import Array

_LONG = (1 << 12) + 1
"""Numbers of a row from which NumPy uses it where it lies: shorter ones it first copies, some at a time,
into a buffer of 8,192 numbers, and takes 1.6 times as long in all."""


def long_rows(row: Array) -> Array:
    """`row` (...) as often as makes it long, of shape (count, size); a number, of no dimensions, as it is."""
    if row.ndim == 0:
        return row
    repeated = np.empty((-(-_LONG // max(row.size, 1)), row.size), row.dtype)
    repeated[...] = row.reshape(-1)
    return repeated


def apply_to_rows(ufunc: np.ufunc, y: Array, rows: Array) -> Array:
    """``ufunc(y, row)`` in place, for contiguous `y` (samples, ...) and what `long_rows` made of the row."""
    if rows.ndim == 0:
        ufunc(y, rows, out=y)
        return y
    whole = len(y) - len(y) % len(rows)
    if whole:
        many = y[:whole].reshape(-1, rows.size)
        ufunc(many, rows.reshape(-1), out=many)
    if whole < len(y):
        rest = y[whole:].reshape(len(y) - whole, -1)
        ufunc(rest, rows[0], out=rest)
    return y
