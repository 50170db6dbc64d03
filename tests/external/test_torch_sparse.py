"""Sparse input beside PyTorch's sparse product and its bags."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine, Sequential, SoftmaxCrossEntropy
from minidl.layers import Embedding
from tests.kernels.test_sparse import draw_csr

torch = pytest.importorskip("torch")
sizes, seeds = st.integers(1, 6), st.integers(0, 2**32 - 1)


@given(sizes, sizes, seeds)
def test_an_affine_is_the_sparse_product(batch, features, seed):
    net = Sequential(Affine(features, 3, rng=seed, dtype=np.float64), SoftmaxCrossEntropy())
    x, labels = draw_csr((batch, features), seed, np.float64), np.arange(batch) % 3
    weight = torch.tensor(net.layers[0].weight.value, requires_grad=True)
    matrix = x.tocoo()
    places = torch.tensor(np.stack([matrix.row, matrix.col]))
    scores = torch.sparse.mm(
        torch.sparse_coo_tensor(places, matrix.data, x.shape, check_invariants=True), weight
    )
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    loss.backward()
    assert net.loss_and_gradients(x, labels) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(net.layers[0].weight.grad, weight.grad.numpy(), rtol=1e-10, atol=1e-12)


@given(sizes, sizes, seeds)
def test_a_bag_of_weights_is_a_bag_of_per_sample_weights(batch, words, seed):
    net = Sequential(Embedding(words, 3, mode="mean", rng=seed, dtype=np.float64), SoftmaxCrossEntropy())
    x, labels = draw_csr((batch, words), seed, np.float64), np.arange(batch) % 3
    bag = torch.nn.EmbeddingBag.from_pretrained(
        torch.tensor(net.layers[0].weight.value), freeze=False, mode="sum", include_last_offset=True
    )
    sums = np.repeat(np.maximum(x.sum(axis=1), 1e-300), np.diff(x.indptr))
    indices, offsets = torch.tensor(x.indices.astype(np.int64)), torch.tensor(x.indptr.astype(np.int64))
    scores = bag(indices, offsets, per_sample_weights=torch.tensor(x.data / sums))
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor(labels))
    loss.backward()
    assert net.loss_and_gradients(x, labels) == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(net.layers[0].weight.grad, bag.weight.grad.numpy(), rtol=1e-10, atol=1e-12)
