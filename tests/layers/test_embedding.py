import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SGD, Affine, Dataset, Flatten, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.errors import ConfigurationError, DataError, DTypeError, ShapeError
from minidl.layers import Embedding
from minidl.testing import check_layer
from tests.deep import first_only

sizes, seeds = st.integers(1, 5), st.integers(0, 2**32)
KINDS = [np.uint8, np.int8, np.int32, np.int64, np.uint64]


@given(st.integers(0, 5), st.lists(sizes, max_size=2), sizes, sizes, st.sampled_from(KINDS), seeds)
def test_vectors_by_their_index(samples, shape, count, width, kind, seed):
    rng, layer = np.random.default_rng(seed), Embedding(count, width, rng=seed, dtype=np.float64)
    x = rng.integers(count, size=(samples, *shape)).astype(kind)
    for training in (False, True):
        found = layer.forward(x, training=training)
        np.testing.assert_array_equal(found, layer.weight.value[x.astype(int)], strict=True)
    dy = rng.standard_normal(found.shape)
    dx = layer.backward(dy)
    expected = np.zeros((count, width))
    np.add.at(expected, x.astype(int), dy)
    np.testing.assert_allclose(layer.weight.grad, expected, atol=1e-12)
    assert dx.shape == x.shape
    assert not dx.any()


@given(st.integers(0, 5), sizes, sizes, sizes, st.sampled_from(KINDS), seeds)
def test_the_mean_of_a_bag(samples, places, count, width, kind, seed):
    rng, layer = np.random.default_rng(seed), Embedding(count, width, mode="mean", rng=seed, dtype=np.float64)
    x = rng.integers(count, size=(samples, places)).astype(kind)
    for training in (False, True):
        found = layer.forward(x, training=training)
        np.testing.assert_allclose(found, layer.weight.value[x.astype(int)].mean(axis=1), atol=1e-12)
    dy = rng.standard_normal(found.shape)
    layer.backward_parameters(dy)
    expected = np.zeros((count, width))
    np.add.at(expected, x.astype(int), np.repeat(dy[:, None], places, axis=1) / places)
    np.testing.assert_allclose(layer.weight.grad, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[0, 1], [5, 7]], r"from 0 to 4, one for each of num_embeddings, got 5 at x\[1, 0\]; number"),
        ([[0, 1], [2, -1]], r"from 0 to 4, .*, got -1 at x\[1, 1\]"),
        ([5, 0], r"from 0 to 4, .*, got 5 at x\[0\]"),
    ],
)
def test_the_first_index_out_of_range_is_named(x, message):
    for training in (True, False):
        with pytest.raises(DataError, match=f"Embedding: expected indices {message}"):
            Embedding(5, 2).forward(np.array(x), training=training)


def test_unsigned_numbers_do_not_wrap_around():
    with pytest.raises(DataError, match=r"got 18446744073709551615 at x\[0\]"):
        Embedding(5, 2).forward(np.array([2**64 - 1], np.uint64), training=False)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.bool_])
def test_what_is_no_index_is_refused(kind):
    with pytest.raises(DTypeError, match="Embedding: expected indices of an integer dtype"):
        Embedding(5, 2).forward(np.zeros((3, 2), kind), training=False)


@pytest.mark.parametrize("shape", [(3,), (3, 0), (3, 2, 2)])
def test_a_bag_is_a_row_of_indices(shape):
    with pytest.raises(ShapeError, match=r"x of shape \(batch, L >= 1\), the indices in each bag"):
        Embedding(5, 2, mode="mean").forward(np.zeros(shape, int), training=False)
    with pytest.raises(ShapeError, match=r"samples of shape \(L >= 1,\), the indices in each bag"):
        Embedding(5, 2, mode="mean").output_shape(shape[1:])
    assert Embedding(5, 2, mode="mean").output_shape((3,)) == (2,)
    assert Embedding(5, 2).output_shape(shape[1:]) == (*shape[1:], 2)


def test_wrong_arguments_are_refused():
    for args, options in (((0, 2), {}), ((5, 0), {}), ((5, 2), {"mode": "sum"}), ((5, 2), {"mode": 1})):
        with pytest.raises(ConfigurationError):
            Embedding(*args, **options)


def test_normal_draws_of_deviation_1_and_a_penalty_on_them():
    layer = Embedding(1000, 10, rng=0)
    assert layer.weight.regularized
    assert layer.weight.value.std() == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(layer.weight.value, Embedding(1000, 10, rng=0).weight.value)


@pytest.mark.parametrize("mode", first_only("mean", None))
def test_warm_training_allocates_no_more_than_a_block(mode):
    check_layer(
        lambda rng, dtype: Embedding(5, 64, mode=mode, rng=rng, dtype=dtype),
        (16,),
        make_input=lambda rng, shape, dtype: rng.integers(5, size=shape),
        clauses=["allocation"],
        allocation=True,
    )


def test_a_net_learns_which_words_belong_to_which_class():
    rng = np.random.default_rng(0)
    words = rng.integers(20, size=(200, 4))
    labels = (words % 2 == 0).sum(axis=1) > 2
    net = Sequential(Embedding(20, 3, rng=rng), Flatten(), Affine(12, 2, rng=rng), SoftmaxCrossEntropy())
    data = Dataset(words, labels.astype(int))
    history = Trainer(net, SGD(0.5, momentum=0.9), rng=0).fit(data, epochs=60, batch_size=50)
    assert history.epochs["train_accuracy"][-1] > 0.97
