"""Rows of a table: taken by their numbers, and added up at their numbers."""

from __future__ import annotations

import numpy as np

from minidl.kernels.constants import CONSTANTS
from minidl.kernels.way import compiled
from minidl.types import Array

_BLOCK_NUMBERS = 1 << 14
"""Numbers that are added to a table at once; for each of them, its place takes eight bytes."""


@compiled
def bag_means(table: Array, bags: Array, out: Array, work: Array | None = None) -> Array:
    """The mean of the rows of `table` (V, D) that each of the `bags` (N, L >= 1) names, in `out` (N, D).

    Parameters
    ----------
    bags : ndarray of intp
        In [0, V).
    work : ndarray of shape (N, D), optional
        Contiguous, of the dtype of `table`, as `out` is; to compute in.
    """
    table.take(bags[:, 0], 0, out, "clip")  # which writes right into `out`
    for place in range(1, bags.shape[1]):
        out += table.take(bags[:, place], 0, work, "clip")
    out /= bags.shape[1]
    return out


def bag_means_definition(table: Array, bags: Array) -> Array:
    """What `bag_means` computes."""
    return table[bags].mean(axis=1)  # type: ignore[no-any-return]


@compiled
def add_rows(table: Array, indices: Array, rows: Array) -> None:
    """Add each of the `rows` (M, D) to the row of `table` (V, D) that it has the index of.

    Parameters
    ----------
    table : ndarray
        Contiguous, of the dtype of `rows`.
    indices : ndarray of shape (M,)
        intp, in [0, V); rows of one index are added up.
    """
    width = table.shape[1]
    step = max(_BLOCK_NUMBERS // max(width, 1), 1)
    columns = CONSTANTS["arange", width, np.dtype(np.intp)]
    # `add.at` takes single numbers a hundred times as fast as it takes rows.
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        places = indices[block, None] * width
        np.add.at(table.reshape(-1), (places + columns).reshape(-1), rows[block].reshape(-1))


def add_rows_definition(table: Array, indices: Array, rows: Array) -> None:
    """What `add_rows` does."""
    for index, row in zip(indices, rows, strict=True):
        table[index] += row


@compiled
def add_bags(table: Array, bags: Array, rows: Array, work: Array | None = None) -> None:
    """Add each of the `rows` (N, D), divided by L, to the L rows of `table` (V, D) that its bag names.

    Parameters
    ----------
    table : ndarray
        Contiguous, of the dtype of `rows`.
    bags : ndarray of shape (N, L >= 1)
        intp, in [0, V); what goes to one index is added up.
    work : ndarray of shape (N, D), optional
        Of the dtype of `rows`; to compute in.
    """
    shares = np.divide(rows, bags.shape[1], work)
    for place in range(bags.shape[1]):
        add_rows(table, bags[:, place], shares)


def add_bags_definition(table: Array, bags: Array, rows: Array) -> None:
    """What `add_bags` does."""
    for bag, row in zip(bags, rows, strict=True):
        for index in bag:
            table[index] += row / len(bag)
