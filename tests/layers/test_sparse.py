"""Sparse input: equal to dense input, but never made dense."""

import copy

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minidl import (
    SGD,
    Affine,
    Dataset,
    Flatten,
    Layer,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    Trainer,
    evaluate,
)
from minidl.errors import DataError, DTypeError, ShapeError, StructureError
from minidl.kernels.sparse import SparseBatch
from minidl.layers import Add, Columns, Concat, Embedding, Residual
from minidl.testing import check_layer
from tests.kernels.test_sparse import draw_csr

sizes, seeds = st.integers(1, 6), st.integers(0, 2**32 - 1)
kinds = st.sampled_from([scipy.sparse.csr_array, scipy.sparse.csr_matrix])
dtypes = st.sampled_from([np.float64, np.float32, np.int64, np.uint8])


class Watched:
    """Fails where a CSR matrix is made dense."""

    def __enter__(self):
        self.patch = pytest.MonkeyPatch()
        for kind in (scipy.sparse.csr_array, scipy.sparse.csr_matrix):
            for name in ("toarray", "todense"):
                self.patch.setattr(kind, name, self.refuse)

    @staticmethod
    def refuse(*args, **options):
        raise AssertionError("made dense")

    def __exit__(self, *error):
        self.patch.undo()


def bodies(features, rng):
    """Nets' first layers that take sparse input."""
    options = {"rng": rng, "dtype": np.float64}
    affine = lambda units=4: Affine(features, units, **options)  # noqa: E731
    return [
        lambda: affine(),
        lambda: Sequential(affine(), ReLU()),
        lambda: Add(affine(), affine()),
        lambda: Concat(affine(3), affine(1)),
        lambda: Residual(affine(2), Affine(2, 4, **options), shortcut=affine()),
    ]


@given(sizes, sizes, seeds, dtypes, kinds, st.integers(0, 4))
def test_a_net_makes_of_sparse_input_what_it_makes_of_dense(batch, features, seed, dtype, kind, which):
    rng = np.random.default_rng(seed)
    net = Sequential(bodies(features, rng)[which](), SoftmaxCrossEntropy())
    x, labels, weights = (
        draw_csr((batch, features), seed, dtype, kind),
        rng.integers(4, size=batch),
        rng.random(batch),
    )
    dense = x.toarray()
    with Watched():
        found = [net(x), net.predict_probabilities(x), net.loss(x, labels, weights=weights)]
        found += [net.loss_and_gradients(x, labels, weights=weights), net.parameters.gradients.copy()]
        path = [one.y for one in net.trace(x)]
    expected = [net(dense), net.predict_probabilities(dense), net.loss(dense, labels, weights=weights)]
    expected += [net.loss_and_gradients(dense, labels, weights=weights), net.parameters.gradients]
    for one, other in zip(found + path, expected + [one.y for one in net.trace(dense)], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@given(sizes, sizes, sizes, seeds, dtypes, kinds)
def test_a_bag_of_counts_is_the_bag_of_that_many_indices(batch, length, words, seed, dtype, kind):
    rng = np.random.default_rng(seed)
    net = Sequential(Embedding(words, 3, mode="mean", rng=rng, dtype=np.float64), SoftmaxCrossEntropy())
    bags, labels = rng.integers(words, size=(batch, length)), rng.integers(3, size=batch)
    counts = np.stack([np.bincount(bag, minlength=words) for bag in bags]).astype(dtype)
    with Watched():
        x = kind(counts)
        found = [net(x), net.loss_and_gradients(x, labels), net.parameters.gradients.copy()]
        path = net.trace(x)[0]
    expected = [net(bags), net.loss_and_gradients(bags, labels), net.parameters.gradients]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    assert path.x.shape == (batch, words)
    np.testing.assert_allclose(path.y, net(bags), rtol=1e-12)


def test_an_empty_bag_has_no_mean_and_weights_are_no_counts_alone():
    layer = Embedding(3, 2, mode="mean", rng=0, dtype=np.float64)
    net = Sequential(layer, SoftmaxCrossEntropy())
    weight = layer.weight.value
    x = scipy.sparse.csr_array(np.array([[0, 0, 0], [0.5, 0, 1.5]]))
    np.testing.assert_allclose(net(x), [[0, 0], 0.25 * weight[0] + 0.75 * weight[2]])
    dy = np.array([[1.0, 2.0], [4.0, 8.0]])
    net.forward(SparseBatch(x), training=True)
    dx = net.backward(dy)
    np.testing.assert_allclose(layer.weight.grad, [0.25 * dy[1], [0, 0], 0.75 * dy[1]])
    assert dx.shape == (2, 3)


class OnSparse(Layer):
    """A layer that gets each batch as a CSR matrix, for the checker, whose inputs are dense."""

    def __init__(self, inner):
        self.inner, self.dtype = inner, inner.dtype

    def forward(self, x, *, training):
        self.check_batch("x", x, (5,))
        return self.inner.forward(SparseBatch(scipy.sparse.csr_array(x)), training=training)

    def backward(self, dy):
        return self.inner.backward(dy)


@pytest.mark.parametrize("seed", range(2))
def test_the_contract(seed):
    check_layer(
        lambda rng, dtype: OnSparse(Affine(5, 3, rng=rng, dtype=dtype)),
        (5,),
        make_input=lambda rng, shape, dtype: (
            (rng.random(shape) < 0.4) * rng.standard_normal(shape).astype(dtype)
        ),
        rng=seed,
    )


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (ReLU(), "ReLU 'relu0'"),
        (Flatten(), "Flatten 'flatten0'"),
        (Standardize(0, 1), "Standardize 'standardize0'"),
        (Residual(Affine(3, 3)), "Residual 'residual0'"),
        (Sequential(Flatten(), Affine(3, 3)), "Flatten 'sequential0.flatten0'"),
        (Add(Affine(3, 3), ReLU()), "Add 'add0'"),
        (Columns({"all": (slice(0, 3), Affine(3, 3))}), "Columns 'columns0'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("call", ["__call__", "predict", "trace", "loss", "loss_and_gradients"])
def test_what_takes_no_sparse_input_is_named(layer, named, call):
    net = Sequential(copy.deepcopy(layer), SoftmaxCrossEntropy())
    x = scipy.sparse.csr_array(np.eye(3))
    targets = ([0, 1, 2],) if "loss" in call else ()
    message = (
        rf"Sequential: expected x to be a dense array, for {named} comes first, got a sparse csr_array; "
    )
    with pytest.raises(DataError, match=f"^{message}"):
        getattr(net, call)(x, *targets)
    getattr(net, call)(x.toarray(), *targets)
    with pytest.raises(DataError, match=f"^fit, train: {message}"):
        Trainer(net, SGD(0.1)).fit(Dataset(x, [0, 1, 2]), epochs=1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda x: x.tocoo(),
            DataError,
            r"Sequential: expected x to be an array or a CSR matrix .*\.tocsr\(\)",
        ),
        (lambda x: x[:, :2], ShapeError, r"Affine 'affine0': expected x of shape \(batch, 3\), got \(3, 2\)"),
        (lambda x: x.astype(complex), DTypeError, "Sequential: expected x of a real dtype"),
    ],
)
def test_wrong_sparse_input_is_named(make, error, message):
    net = Sequential(Affine(3, 2), SoftmaxCrossEntropy())
    x = make(scipy.sparse.csr_array(np.eye(3)))
    for call in (
        lambda: net(x),
        lambda: net.loss_and_gradients(x, [0, 1, 1]),
        lambda: net.loss(x, [0, 1, 1]),
    ):
        with pytest.raises(error, match=message):
            call()


def test_what_an_embedding_refuses():
    x = scipy.sparse.csr_array(np.eye(3))
    cases = [
        (Embedding(3, 2), x, StructureError, "mode='mean' for bags of counts, which a sparse x is, got None"),
        (Embedding(4, 2, mode="mean"), x, ShapeError, r"x of shape \(batch, 4\), got \(3, 3\)"),
        (Embedding(3, 2, mode="mean"), -x, DataError, "counts >= 0, got -1"),
    ]
    for layer, wrong, error, message in cases:
        with pytest.raises(error, match=f"Embedding 'embedding0': expected {message}"):
            Sequential(layer, SoftmaxCrossEntropy())(wrong)


def test_a_layer_alone_is_strict():
    x, layer = scipy.sparse.csr_array(np.eye(3, dtype=np.float32)), Affine(3, 2)
    with pytest.raises(
        DTypeError, match="got csr_array of shape .*; give it to a net that begins with this layer"
    ):
        layer.forward(x, training=True)
    with pytest.raises(DTypeError, match="expected x of dtype float32, got float64"):
        layer.forward(SparseBatch(x.astype(np.float64)), training=True)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_training_on_a_sparse_data_set_is_training_on_the_dense_one(kind):
    """Batches, validation, weights, a last smaller batch, and evaluation in several chunks."""
    rng = np.random.default_rng(0)
    x = draw_csr((700, 30), 1, np.float32, kind, density=0.1)
    kept = x.copy()
    labels = (x.toarray()[:, :15].sum(axis=1) > x.toarray()[:, 15:].sum(axis=1)).astype(int)
    weights, results = rng.random(700), []
    for features in (x, x.toarray()):
        data = Dataset(features, labels, weights=weights)
        net = Sequential(
            Affine(30, 8, rng=1, dtype=np.float64),
            ReLU(),
            Affine(8, 2, rng=2, dtype=np.float64),
            SoftmaxCrossEntropy(),
        )
        trainer = Trainer(net, SGD(0.2, momentum=0.9), rng=0)
        trainer.fit(data[:600], steps=7, batch_size=64, validation=data[600:])
        history = trainer.fit(data[:600], epochs=8, batch_size=64, validation=data[600:])
        results.append((history.epochs["train_loss"], history.epochs["validation_loss"], evaluate(net, data)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    assert results[0][2][1] > 0.9
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(x, name), getattr(kept, name))


def test_a_step_takes_no_memory_of_the_size_of_the_dense_batch():
    import tracemalloc

    rng = np.random.default_rng(0)
    places = rng.integers(64, size=1280), rng.integers(20_000, size=1280)
    x = scipy.sparse.csr_array((np.ones(1280, np.float32), places), shape=(64, 20_000))
    net = Sequential(Affine(20_000, 4, rng=rng), ReLU(), Affine(4, 2, rng=rng), SoftmaxCrossEntropy())
    labels = rng.integers(2, size=64)
    net.loss_and_gradients(x, labels)
    tracemalloc.start()
    net.loss_and_gradients(x, labels)
    net.predict(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < x.shape[0] * x.shape[1] * 4 / 10
