import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import DataError, DTypeError, ShapeError
from minidl.kernels import sparse
from minidl.kernels.sparse import (
    SparseBatch,
    check_csr,
    is_csr,
    row_shares,
    row_shares_definition,
    sparse_dot,
    sparse_dot_definition,
    take_sparse_rows,
    take_sparse_rows_definition,
    transposed_sparse_dot,
    transposed_sparse_dot_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds

scipy_sparse = pytest.importorskip("scipy.sparse")
KINDS = [scipy_sparse.csr_array, scipy_sparse.csr_matrix]
sizes, kinds = st.integers(0, 6), st.sampled_from(KINDS)


def draw_csr(shape, seed, dtype, kind=scipy_sparse.csr_array, density=0.4):
    """Rows of unsorted columns, some of which come twice, and explicit zeros; read-only."""
    rng = np.random.default_rng(seed)
    count = rng.binomial(np.prod(shape), density)
    order = np.sort(rng.integers(shape[0] or 1, size=count))
    columns = rng.integers(shape[1] or 1, size=count)
    data = rng.integers(0, 4, size=count).astype(dtype)
    arrays = data, columns, np.searchsorted(order, np.arange(shape[0] + 1))
    for array in arrays:
        array.flags.writeable = False
    return kind(arrays, shape=shape)


@given(sizes, sizes, sizes, seeds, reals, kinds, layouts, st.booleans())
def test_products_are_their_definitions(rows, columns, units, seed, dtype, kind, layout, lend):
    """In one block and in several, through NumPy's own functions, too."""
    matrix, batch = draw_csr((rows, columns), seed, dtype, kind), None
    batch = SparseBatch(matrix)
    weight, dy = draw((columns, units), seed, dtype, layout), draw((rows, units), seed + 1, dtype, layout)
    y, grad = np.full((rows, units), np.nan, dtype), np.full((columns, units), np.nan, dtype)
    out, into = ((y,), (grad,)) if lend else ((), ())
    sparse._BLOCK_NUMBERS, kept = 2, sparse._BLOCK_NUMBERS
    try:
        found = [np.dot(batch.T, dy, *into), transposed_sparse_dot(matrix, dy, *into)]
    finally:
        sparse._BLOCK_NUMBERS = kept
    found.append(transposed_sparse_dot(matrix, dy, *into))
    for one in found:
        assert one.dtype == dtype
        assert_near(one, transposed_sparse_dot_definition(matrix, dy), 9 * rows)
        assert one is grad or not lend
    for one in (np.dot(batch, weight, *out), sparse_dot(matrix, weight, *out), batch.dot(weight)):
        assert type(one) is np.ndarray
        assert one.dtype == dtype
        assert_near(one, sparse_dot_definition(matrix, weight), 9 * columns)


@given(sizes, sizes, seeds, st.sampled_from([np.int64, np.float32, np.bool_]), reals, kinds)
def test_row_shares_is_its_definition(rows, columns, seed, dtype, real, kind):
    matrix = draw_csr((rows, columns), seed, dtype, kind).copy()
    if dtype == np.bool_:  # two of which, added, are one
        matrix.sum_duplicates()
    shares = row_shares(matrix, np.dtype(real))
    assert type(shares) is kind
    assert shares.dtype == real
    assert_near(shares.toarray(), row_shares_definition(matrix).astype(real), 9)


@given(sizes, sizes, seeds, kinds, *[st.none() | st.integers(-8, 8)] * 2, st.sampled_from([None, 1, 2, -1]))
def test_take_sparse_rows_is_its_definition(rows, columns, seed, kind, start, end, step):
    matrix = draw_csr((rows, columns), seed, np.float32, kind)
    for chosen in (slice(start, end, step), np.random.default_rng(seed).integers(rows or 1, size=rows)):
        found = take_sparse_rows(matrix, chosen)
        assert type(found) is kind
        np.testing.assert_array_equal(found.toarray(), take_sparse_rows_definition(matrix, chosen))


def test_a_slice_of_most_rows_shares_their_arrays():
    matrix = scipy_sparse.csr_array(np.eye(4)).copy()  # not of a larger array, which SciPy would copy
    assert np.shares_memory(take_sparse_rows(matrix, slice(1, None)).data, matrix.data)


@pytest.mark.parametrize("shape", [(4, 2), (3, 1), (3,), (1, 2)])
def test_an_output_of_another_shape_or_dtype_is_refused(shape):
    batch = SparseBatch(draw_csr((5, 3), 0, np.float32))
    weight, dy = np.ones((3, 2), np.float32), np.ones((5, 2), np.float32)
    for out in (np.zeros(shape, np.float32), np.zeros((3, 2))):
        with pytest.raises(ValueError, match="output array is not acceptable"):
            np.dot(batch.T, dy, out)
    for out in (np.zeros((5, 1), np.float32), np.zeros((5, 2)), np.zeros((1, 2), np.float32)):
        with pytest.raises(ValueError, match="output array is not acceptable"):
            np.dot(batch, weight, out)
    for wrong in (np.ones((4, 2), np.float32), np.ones(5, np.float32), np.ones((1, 2), np.float32)):
        with pytest.raises(ValueError, match="not aligned"):
            np.dot(batch.T, wrong)
        with pytest.raises(ValueError, match="dimension mismatch|not aligned|shape"):
            np.dot(batch, wrong)


def test_a_batch_is_never_made_dense_in_silence():
    batch = SparseBatch(draw_csr((5, 3), 0, np.float32))
    weight = np.ones((3, 2), np.float32)
    for call in (np.asarray, np.array, np.exp, np.sum, np.add.reduce, lambda x: x + 1, lambda x: weight @ x):
        with pytest.raises(TypeError):
            call(batch)
    with pytest.raises(TypeError):
        np.dot(weight.T, batch)
    assert not np.may_share_memory(batch, batch.matrix.data)
    assert repr(batch) == "SparseBatch of shape (5, 3) and dtype float32"
    assert (len(batch), batch.T.shape, len(batch[1:3])) == (5, (3, 5), 2)


def test_the_formats_are_told_apart():
    for kind in KINDS:
        assert is_csr(kind(np.eye(3)))
    for other in (scipy_sparse.coo_array(np.eye(3)), scipy_sparse.csc_matrix(np.eye(3)), np.eye(3), None):
        assert not is_csr(other)


def test_a_checked_matrix_shares_its_arrays_and_is_one_of_its_own():
    for kind in KINDS:
        matrix = draw_csr((5, 3), 0, np.float32, kind)
        own = check_csr("here", "x", matrix)
        assert own is not matrix
        assert type(own) is kind
        assert np.shares_memory(own.data, matrix.data)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda x: x.tocoo(), DataError, r"an array or a CSR matrix of scipy.sparse, got a sparse coo_array"),
        (lambda x: x.tocsc(), DataError, r"got a sparse csc_array; convert it with \.tocsr\(\)"),
        (lambda x: x.astype(complex), DTypeError, "x of a real dtype, got complex128"),
    ],
)  # fmt: skip
def test_what_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        check_csr("here", "x", make(scipy_sparse.csr_array(np.eye(3))))


@pytest.mark.parametrize(
    ("name", "values"), [("indices", [0, 3, 2]), ("indices", [0, -1, 2]), ("indptr", [0, 2, 1, 3])]
)
def test_a_matrix_that_would_read_memory_of_others_is_refused(name, values):
    matrix = scipy_sparse.csr_array(np.eye(3))
    getattr(matrix, name)[:] = values
    with pytest.raises(DataError, match="here: expected x to be a sound CSR matrix"):
        check_csr("here", "x", matrix)


def test_one_row_alone_is_refused():
    row = scipy_sparse.csr_array(np.eye(3))
    try:
        row = scipy_sparse.csr_array(np.ones(3))
    except (TypeError, ValueError):
        pytest.skip("this SciPy has no one-dimensional matrix")
    if row.ndim != 1:
        pytest.skip("this SciPy has no one-dimensional matrix")
    with pytest.raises(ShapeError, match=r"a sparse x of shape \(samples, features\), got \(3,\)"):
        check_csr("here", "x", row)


def test_nothing_here_imports_scipy():
    code = "import sys, minidl; minidl.Dataset([[1.0]], [0]); print([n for n in sys.modules if 'scipy' in n])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
