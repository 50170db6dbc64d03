import pickle

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minidl.data import Batches, Dataset, Splits
from minidl.data.splits import hold_out, stratified_hold_out
from minidl.errors import DataError
from tests.kernels.test_sparse import draw_csr

sizes, seeds = st.integers(1, 6), st.integers(0, 2**32 - 1)
kinds = st.sampled_from([scipy.sparse.csr_array, scipy.sparse.csr_matrix])
dtypes = st.sampled_from([np.float32, np.float64, np.int64, np.uint8])


def make_dataset(samples, features, seed, dtype=np.float32, kind=scipy.sparse.csr_array, **options):
    return Dataset(draw_csr((samples, features), seed, dtype, kind), np.arange(samples) % 3, **options)


@given(sizes, sizes, seeds, dtypes, kinds)
def test_a_sparse_data_set_is_the_dense_one(samples, features, seed, dtype, kind):
    matrix = draw_csr((samples, features), seed, dtype, kind)
    data = Dataset(matrix, np.arange(samples))
    assert type(data.features) is kind
    assert data.features.dtype == dtype
    assert data.features.has_canonical_format
    np.testing.assert_array_equal(data.features.toarray(), matrix.toarray())
    assert (len(data), data.sample_shape) == (samples, (features,))
    rng = np.random.default_rng(seed)
    for index in (
        slice(0, 1),
        slice(None, None, -2),
        rng.integers(-samples, samples, 4),
        np.arange(samples) < 1,
    ):
        np.testing.assert_array_equal(data[index].features.toarray(), matrix.toarray()[index])
        np.testing.assert_array_equal(data[index].targets, np.arange(samples)[index])


def test_a_matrix_in_order_is_not_copied_and_never_written_to():
    matrix = scipy.sparse.csr_matrix(np.eye(4)).copy()  # not of a larger array, which SciPy would copy
    data = Dataset(matrix, range(4))
    for name in ("data", "indices", "indptr"):
        assert np.shares_memory(getattr(data.features, name), getattr(matrix, name))
    assert repr(data) == "Dataset(4 samples of (4,) float64 (25.00% stored), 4 classes)"


@given(
    st.integers(1, 30), st.integers(1, 12), seeds, st.sampled_from(["shuffle", "replacement"]), st.booleans()
)
def test_batches_are_those_of_the_dense_one(samples, batch_size, seed, sampling, weighted):
    weights = np.random.default_rng(seed).random(samples) + 0.1 if weighted else None
    data = make_dataset(samples, 4, seed, weights=weights)
    dense = Dataset(data.features.toarray(), data.targets, weights=weights)
    batches, expected = (Batches(one, batch_size, rng=seed, sampling=sampling) for one in (data, dense))
    for step in range(2 * batches.steps_per_epoch + 1):
        if step == 1:
            for one in (batches, expected):
                one.redo()
            batches = pickle.loads(pickle.dumps(batches))
        for one, other in zip(next(batches), next(expected), strict=True):
            one = one.toarray() if scipy.sparse.issparse(one) else one
            np.testing.assert_array_equal(one, other)


def test_parts_are_held_out_and_form_splits():
    data = make_dataset(60, 5, 0)
    for hold in (hold_out, stratified_hold_out):
        train, validation = hold(data, 10)
        parts = scipy.sparse.vstack([train.features, validation.features]).toarray()
        assert sorted(map(tuple, parts)) == sorted(map(tuple, data.features.toarray()))
        assert "(5,) float32" in repr(Splits("texts", train, validation))


def test_what_is_the_same_and_what_is_not():
    matrix = scipy.sparse.csr_array(np.array([[0, 1.0, 0], [2, 0, 3]]))
    data = Dataset(matrix, [0, 1])
    assert data.holds_the_same(Dataset(matrix.copy(), [0, 1]))
    other, wider = (
        matrix.copy(),
        scipy.sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(2, 4)),
    )
    other.indices[0] = 2
    for features in (matrix * 2, other, wider, matrix.astype(np.float32), matrix.toarray()):
        assert not data.holds_the_same(Dataset(features, [0, 1]))
        assert not Dataset(features, [0, 1]).holds_the_same(data)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda x: x.tocoo(),
            r"features to be an array or a CSR matrix .*, got a sparse coo_array; .*\.tocsr\(\)",
        ),
        (lambda x: x.astype(complex), "features of a real dtype, got complex128"),
        (lambda x: x[:0], r"a sample or more of a number or more, got shape \(0, 3\)"),
        (lambda x: x[:, :0], r"a sample or more of a number or more, got shape \(3, 0\)"),
        (lambda x: x * [[1, 1, np.nan]], "finite features, got nan in sample 2"),
        (lambda x: (x * [[1, np.inf, 1]]).tocsr(), "finite features, got inf in sample 1"),
        (lambda x: x[:2], "2 targets, as many as features, got 3"),
    ],
)
def test_what_is_refused(make, message):
    features = make(scipy.sparse.csr_array(np.eye(3)))
    if message.startswith("finite"):
        features = features.tocsr()
    with pytest.raises(DataError, match=f"Dataset: expected {message}"):
        Dataset(features, range(3))


def test_indices_out_of_range_are_refused():
    matrix = scipy.sparse.csr_array(np.eye(3))
    matrix.indices[1] = 3
    with pytest.raises(DataError, match="features to be a sound CSR matrix"):
        Dataset(matrix, range(3))
