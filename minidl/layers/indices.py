"""What `Embedding` gets: bags of counts, as the rows of a CSR matrix are, and indices out of range."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.errors import DataError, StructureError
from minidl.kernels.sparse import SparseBatch, row_shares
from minidl.types import Array


def shares_of(layer: Any, counts: SparseBatch) -> SparseBatch:
    """The share of each of V words in each bag, a `SparseBatch` (N, V) as `counts` is; an empty bag has none.

    Raises
    ------
    StructureError
        The `layer` takes no bags.
    ShapeError, DataError
        For other than V columns; for a count below 0.
    """
    if layer.mode is None:
        remedy = "build it with mode='mean', or give it the indices themselves"
        layer.fail(StructureError, "mode='mean' for bags of counts, which a sparse x is", None, remedy)
    layer.check_batch("x", counts, (layer.num_embeddings,))
    matrix = counts.matrix
    if matrix.data.min(initial=0) < 0:
        layer.fail(DataError, "counts >= 0", f"{matrix.data.min()}")
    return SparseBatch(row_shares(matrix, layer.dtype))


def refuse_index(layer: Any, x: Array) -> None:
    """Raise `DataError` for the first of the indices `x` that is no number from 0 to V - 1."""
    wrong = (x < 0) | (x >= layer.num_embeddings)
    place = np.unravel_index(int(wrong.argmax()), x.shape)
    expected = f"indices from 0 to {layer.num_embeddings - 1}, one for each of num_embeddings"
    where = ", ".join(map(str, place))
    layer.fail(DataError, expected, f"{x[place]} at x[{where}]", "number what they stand for 0, 1, 2, ...")
