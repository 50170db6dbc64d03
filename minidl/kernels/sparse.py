"""Batches that are rows of a CSR matrix of SciPy's: recognized, checked, multiplied.

Nothing here imports SciPy: whoever has such a matrix has imported it. Its products allocate their results,
for there is no public way to give it an `out`.
"""

from __future__ import annotations

import sys
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from minidl.advice import is_sparse
from minidl.checks import check_array
from minidl.errors import DataError, DTypeError, MinidlError, ShapeError
from minidl.types import Array

_BLOCK_NUMBERS = 1 << 18
"""Numbers of a product that SciPy computes at once: fewer take more calls, more take more memory."""


def is_batch(value: object) -> TypeGuard[SparseBatch]:
    """Whether `value` is a `SparseBatch`."""
    return value.__class__ is SparseBatch


def is_csr(value: object) -> bool:
    """Whether `value` is a ``csr_matrix`` or a ``csr_array`` of ``scipy.sparse``."""
    sparse = sys.modules.get("scipy.sparse") if is_sparse(value) else None
    return sparse is not None and isinstance(value, (sparse.csr_matrix, sparse.csr_array))


def check_csr(
    where: str,
    name: str,
    matrix: Any,
    *,
    dtype_error: type[MinidlError] = DTypeError,
    shape_error: type[MinidlError] = ShapeError,
) -> Any:
    """A matrix of the class of `matrix`, sparse, that shares its arrays and whose indices are in range.

    Raises
    ------
    DataError
        It is of another format, or its indices would let SciPy read memory of others.
    DTypeError, ShapeError
        It is not of real numbers, or not two-dimensional.
    """
    if not is_csr(matrix):
        got = f"a sparse {type(matrix).__name__}"
        remedy = "convert it with .tocsr()"
        raise DataError.expected(where, f"{name} to be an array or a CSR matrix of scipy.sparse", got, remedy)
    if matrix.ndim != 2:
        raise shape_error.expected(where, f"a sparse {name} of shape (samples, features)", matrix.shape)
    if matrix.dtype.kind not in "biuf":
        raise dtype_error.expected(
            where, f"{name} of a real dtype", matrix.dtype, "give .real or abs() of it"
        )
    try:
        own = _like(matrix, matrix.data, matrix.indices, matrix.indptr, matrix.shape)
        own.check_format(full_check=True)
    except Exception as error:  # SciPy raises this and that
        remedy = "build it anew, as with csr_array((numbers, (rows, columns)), shape)"
        raise DataError.expected(where, f"{name} to be a sound CSR matrix", error, remedy) from None
    return own


def _like(matrix: Any, data: Array, indices: Array, indptr: Array, shape: tuple[int, int]) -> Any:
    """A CSR matrix of these arrays, which are not copied: a csr_matrix, if that is what `matrix` is."""
    sparse = sys.modules["scipy.sparse"]
    kind = sparse.csr_matrix if isinstance(matrix, sparse.csr_matrix) else sparse.csr_array
    return kind((data, indices, indptr), shape=shape)


def arrays_of(features: Any) -> list[Array]:
    """The arrays that `features` consist of: themselves, or the three of a CSR matrix."""
    return [features.data, features.indices, features.indptr] if is_csr(features) else [features]


class SparseBatch:
    """A CSR matrix where a layer expects an array (batch, features): ``np.dot`` takes it.

    ``np.dot(batch, weight)`` and ``np.dot(batch.T, dy)``, with or without `out`, are dense, and NumPy hands
    them to SciPy through the protocol that it has for that, so that a dense batch pays for nothing. For all
    else there is `matrix`.

    Attributes
    ----------
    matrix : csr_matrix or csr_array
        Not to be written to.
    """

    __slots__ = ("matrix", "transposed")
    __array_ufunc__ = None
    ndim = 2
    flags = np.empty(0).flags  # as of an array in C order: its rows are whole

    def __init__(self, matrix: Any, transposed: bool = False) -> None:
        self.matrix, self.transposed = matrix, transposed

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the numbers."""
        return self.matrix.dtype  # type: ignore[no-any-return]

    @property
    def shape(self) -> tuple[int, ...]:
        """(batch, features), or turned around."""
        return tuple(self.matrix.shape[::-1] if self.transposed else self.matrix.shape)

    @property
    def T(self) -> SparseBatch:  # noqa: N802 - as an array's
        """The transposed matrix, of which only the product can be had."""
        return SparseBatch(self.matrix, not self.transposed)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> SparseBatch:
        return SparseBatch(take_sparse_rows(self.matrix, rows))

    def astype(self, dtype: npt.DTypeLike) -> SparseBatch:
        """The same in another dtype."""
        return SparseBatch(self.matrix.astype(dtype))

    def dot(self, dense: Array) -> Array:
        """``np.dot(self, dense)``."""
        return np.dot(self, dense)  # type: ignore[no-any-return]

    def __array__(self, *args: Any, **options: Any) -> Array:
        raise TypeError("a sparse batch is not made dense; np.dot(batch, weight) takes it")

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.may_share_memory:
            return False
        if function is not np.dot or args[0] is not self:
            return NotImplemented
        product = transposed_sparse_dot if self.transposed else sparse_dot
        return product(self.matrix, *args[1:], **options)

    def __repr__(self) -> str:
        return f"SparseBatch of shape {self.shape} and dtype {self.dtype}"


def as_batch(net: Any, x: object) -> Array:
    """The input `x` of `net` as an array, or as a `SparseBatch`, which passes for one, if it is a CSR matrix.

    Raises
    ------
    DataError
        `x` is sparse, and the first layer of `net` does not take that.
    """
    if isinstance(x, SparseBatch):
        return x  # type: ignore[return-value]
    if not is_sparse(x):
        return check_array(net.label, "x", x)
    if not net.accepts_sparse:
        expected = f"x to be a dense array, for {next(iter(net.innermost())).label} comes first"
        remedy = "convert it with .toarray(), or put an Affine first"
        raise DataError.expected(net.label, expected, f"a sparse {type(x).__name__}", remedy)
    return SparseBatch(check_csr(net.label, "x", x))  # type: ignore[return-value]


def take_sparse_rows(matrix: Any, rows: slice | Array) -> Any:
    """``matrix[rows]`` of a CSR matrix; a slice of more than half shares the arrays, which SciPy copies."""
    if not isinstance(rows, slice) or rows.indices(matrix.shape[0])[2] != 1:
        return matrix[rows]
    start, end, _ = rows.indices(matrix.shape[0])
    ends = matrix.indptr[start : max(start, end) + 1]
    entries = slice(ends[0], ends[-1])
    shape = len(ends) - 1, matrix.shape[1]
    return _like(matrix, matrix.data[entries], matrix.indices[entries], ends - ends[0], shape)


def take_sparse_rows_definition(matrix: Any, rows: slice | Array) -> Array:
    """What `take_sparse_rows` gives, made dense."""
    return matrix.toarray()[rows]  # type: ignore[no-any-return]


def sparse_dot(matrix: Any, dense: Array, out: Array | None = None) -> Array:
    """``matrix @ dense``, of shape (N, units), for a CSR `matrix` (N, features) of the dtype of `dense`."""
    product: Array = matrix @ dense
    if out is None:
        return product
    return _copied(product, out)


def sparse_dot_definition(matrix: Any, dense: Array) -> Array:
    """What `sparse_dot` computes."""
    return matrix.toarray() @ dense  # type: ignore[no-any-return]


def transposed_sparse_dot(matrix: Any, dense: Array, out: Array | None = None) -> Array:
    """``matrix.T @ dense``, of shape (features, units), for a CSR `matrix` (N, features).

    Zeros are written to rows of features that no sample has, and that is all they cost. The others are
    computed a few megabytes at a time.
    """
    if dense.ndim != 2 or len(dense) != matrix.shape[0]:
        raise ValueError(f"shapes {matrix.shape[::-1]} and {dense.shape} not aligned")
    width = dense.shape[1]
    if out is None:
        out = np.zeros((matrix.shape[1], width), dense.dtype)
    else:
        _copied(np.zeros((), dense.dtype), out, (matrix.shape[1], width))
    columns = matrix.tocsc()
    used = np.flatnonzero(np.diff(columns.indptr))
    ends = np.append(columns.indptr[used], columns.indptr[-1])
    step = max(_BLOCK_NUMBERS // max(width, 1), 1)
    for start in range(0, len(used), step):
        rows, indptr = used[start : start + step], ends[start : start + step + 1]
        entries = slice(indptr[0], indptr[-1])
        shape = len(rows), len(dense)
        part = _like(matrix, columns.data[entries], columns.indices[entries], indptr - indptr[0], shape)
        out[rows] = part @ dense
    return out


def transposed_sparse_dot_definition(matrix: Any, dense: Array) -> Array:
    """What `transposed_sparse_dot` computes."""
    return matrix.toarray().T @ dense  # type: ignore[no-any-return]


def _copied(array: Array, out: Array, shape: tuple[int, ...] | None = None) -> Array:
    """`out`, into which `array` was copied; as `np.dot` does, it refuses another shape or dtype."""
    if out.shape != (array.shape if shape is None else shape) or out.dtype != array.dtype:
        raise ValueError("output array is not acceptable")
    np.copyto(out, array)
    return out


def row_shares(matrix: Any, dtype: np.dtype[Any]) -> Any:
    """A CSR `matrix` of numbers >= 0, each divided by the sum of its row; a row of zeros stays one."""
    counts = np.diff(matrix.indptr)
    rows = np.repeat(np.arange(len(counts)), counts)
    sums = np.bincount(rows, matrix.data, len(counts))
    sums[sums == 0] = 1
    shares = (matrix.data / sums[rows]).astype(dtype)
    return _like(matrix, shares, matrix.indices, matrix.indptr, matrix.shape)


def row_shares_definition(matrix: Any) -> Array:
    """What `row_shares` computes, made dense."""
    dense = matrix.toarray().astype(np.float64)
    sums = dense.sum(axis=1, keepdims=True)
    return dense / np.where(sums == 0, 1, sums)  # type: ignore[no-any-return]
