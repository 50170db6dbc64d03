"""PyTorch as the judge of normalization and embeddings: every output, gradient and running statistic."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minidl.layers import BatchNorm1d, BatchNorm2d, Embedding, GroupNorm, LayerNorm
from tests.external.torch_twins import as_array, judge, parameters_agree, tensor, torch, twin_of

SEEDS, SIZES = st.integers(0, 2**32), st.integers(1, 6)
PLACES = st.sampled_from([(), (3,), (2, 4), (70,), (1, 2)])
SCALES = st.sampled_from([1.0, 1e-3, 100.0])


def filled(layer, rng):
    for _, part in layer.named_parameters():
        part.value[...] = rng.standard_normal(part.shape)
    return layer


def passes_agree(layer, twin, x, rng):
    """A training forward, and the gradients for a random one by the output."""
    inputs = tensor(x) if x.dtype.kind == "f" else torch.from_numpy(x)
    y = twin(inputs)
    dy = rng.standard_normal(y.shape)
    twin.zero_grad()
    y.backward(torch.from_numpy(dy))
    judge.agrees(layer.forward(x, training=True), as_array(y), "y")
    dx = layer.backward(dy)
    if x.dtype.kind == "f":
        judge.agrees(dx, inputs.grad.numpy(), "dx", floor=1e-11)
    parameters_agree(layer, twin, "grad")
    layer.forward(x, training=True)
    layer.backward_parameters(dy)
    parameters_agree(layer, twin, "grad")


@given(st.integers(2, 9), SIZES, PLACES, st.sampled_from([0.1, 0.0, 1.0, 0.35]), SCALES, SEEDS)
def test_batch_norm_over_several_steps(samples, channels, places, momentum, scale, seed):
    rng, kind = np.random.default_rng(seed), BatchNorm2d if len(places) == 2 else BatchNorm1d
    layer = filled(kind(channels, momentum=momentum, dtype=np.float64), rng)
    twin = twin_of(layer)
    for _ in range(3):
        x = scale * rng.normal(1, 1, (samples, channels, *places))
        y = twin(tensor(x))
        judge.agrees(layer.forward(x, training=True), as_array(y), "y")
        for name, part in layer.named_states():
            judge.agrees(part.value, getattr(twin, name).numpy(), name)
    twin.eval()
    judge.agrees(layer.forward(x, training=False), as_array(twin(tensor(x))), "y in inference")
    twin.train()
    twin.momentum = layer.momentum = 0.0  # two training forwards here for one there
    passes_agree(layer, twin, x, rng)
    judge.judged("batch norms")


@given(SIZES, st.lists(SIZES, max_size=2), st.lists(SIZES, min_size=1, max_size=3), SCALES, SEEDS)
def test_layer_norm(samples, leading, shape, scale, seed):
    rng = np.random.default_rng(seed)
    layer = filled(LayerNorm(shape, eps=1e-3, dtype=np.float64), rng)
    if np.prod(shape) > 1:  # a number alone is normalized to 0, or to a rounding
        passes_agree(layer, twin_of(layer), scale * rng.normal(1, 1, (samples, *leading, *shape)), rng)
        judge.judged("layer norms")


@given(SIZES, SIZES, st.integers(1, 4), PLACES, SCALES, SEEDS)
def test_group_norm(samples, groups, of_each, places, scale, seed):
    rng, channels = np.random.default_rng(seed), groups * of_each
    layer = filled(GroupNorm(groups, channels, eps=1e-3, dtype=np.float64), rng)
    if of_each * np.prod(places) > 1:
        passes_agree(layer, twin_of(layer), scale * rng.normal(1, 1, (samples, channels, *places)), rng)
        judge.judged("group norms")


@given(SIZES, st.lists(SIZES, max_size=2), SIZES, SIZES, SEEDS)
def test_embedding(samples, shape, count, width, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(count, width, rng=rng, dtype=np.float64)
    passes_agree(layer, twin_of(layer), rng.integers(count, size=(samples, *shape)), rng)
    judge.judged("embeddings")


@given(SIZES, SIZES, SIZES, SIZES, SEEDS)
def test_embedding_of_bags(samples, places, count, width, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(count, width, mode="mean", rng=rng, dtype=np.float64)
    passes_agree(layer, twin_of(layer), rng.integers(count, size=(samples, places)), rng)
    judge.judged("embeddings")
