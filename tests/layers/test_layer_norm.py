import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine, Sequential
from minidl.errors import ConfigurationError, ShapeError
from minidl.layers import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm
from minidl.testing import check_gradients, check_layer

sizes, seeds = st.integers(1, 4), st.integers(0, 2**32)
shapes = st.lists(sizes, min_size=1, max_size=2).map(tuple)


def filled(layer, rng):
    """With random weight and bias."""
    for part in (layer.weight, layer.bias):
        part.value[...] = rng.standard_normal(part.shape)
    return layer


@given(st.integers(0, 5), st.lists(sizes, max_size=2), shapes, seeds)
def test_layer_norm_by_its_formula(samples, leading, shape, seed):
    rng = np.random.default_rng(seed)
    layer = filled(LayerNorm(shape, eps=1e-3, dtype=np.float64), rng)
    x = rng.normal(2, 3, (samples, *leading, *shape))
    axes = tuple(range(-len(shape), 0))
    normal = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-3)
    for training in (True, False):
        found = layer.forward(x, training=training)
        np.testing.assert_allclose(found, normal * layer.weight.value + layer.bias.value, atol=1e-9)
    if samples:
        check_gradients(layer, x, rng=seed)


@given(st.integers(0, 5), sizes, sizes, st.sampled_from([(), (3,), (2, 2), (70,)]), seeds)
def test_group_norm_by_its_formula(samples, groups, of_each, places, seed):
    rng, channels = np.random.default_rng(seed), groups * of_each
    layer = filled(GroupNorm(groups, channels, eps=1e-3, dtype=np.float64), rng)
    x = rng.normal(2, 3, (samples, channels, *places))
    rows = x.reshape(samples, groups, of_each * int(np.prod(places)))
    normal = (rows - rows.mean(axis=2, keepdims=True)) / np.sqrt(rows.var(axis=2, keepdims=True) + 1e-3)
    weight, bias = (part.value.reshape(-1, *[1] * len(places)) for part in (layer.weight, layer.bias))
    for training in (True, False):
        found = layer.forward(x, training=training)
        np.testing.assert_allclose(found, normal.reshape(x.shape) * weight + bias, atol=1e-9)
    if samples and x[0].size < 100:
        check_gradients(layer, x, rng=seed)


def test_defaults_are_pytorchs():
    for layer, shape in ((LayerNorm((2, 3)), (2, 3)), (LayerNorm(3), (3,)), (GroupNorm(2, 4), (4,))):
        assert (layer.eps, layer.dtype, layer.weight.shape) == (1e-5, np.float32, shape)
        assert (layer.weight.value == 1).all()
        assert not layer.bias.value.any()
        assert not any(part.regularized for _, part in layer.named_parameters())


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda rng, dtype: LayerNorm(64, dtype=dtype), (64,)),
        (lambda rng, dtype: LayerNorm((8, 8), dtype=dtype), (2, 8, 8)),
        (lambda rng, dtype: GroupNorm(2, 8, dtype=dtype), (8, 4, 4)),
    ],
)
def test_warm_training_allocates_no_more_than_a_few_numbers_a_sample(make, shape):
    check_layer(make, shape, clauses=["allocation"], allocation=True)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (LayerNorm(3), (4,), r"x of shape \(batch, ..., 3\), got \(4,\)"),
        (LayerNorm(3), (3, 4), r"x of shape \(batch, ..., 3\), got \(3, 4\)"),
        (LayerNorm((2, 3)), (2, 3), r"x of shape \(batch, ..., 2, 3\), got \(2, 3\)"),
        (GroupNorm(2, 4), (4,), r"x of shape \(batch, 4, ...\), got \(4,\)"),
        (GroupNorm(2, 4), (4, 2, 4), r"x of shape \(batch, 4, ...\), got \(4, 2, 4\)"),
    ],
)
def test_other_shapes_are_refused(layer, shape, message):
    for training in (True, False):
        with pytest.raises(ShapeError, match=f"{type(layer).__name__}: expected {message}"):
            layer.forward(np.ones(shape, np.float32), training=training)
    with pytest.raises(
        ShapeError, match=rf"{type(layer).__name__}: expected x of shape \(batch, .*, got \(batch"
    ):
        layer.output_shape(shape[1:])


def test_nets_of_layers_that_do_not_fit_are_refused():
    for layer in (BatchNorm1d(5), BatchNorm2d(4), LayerNorm(3), GroupNorm(2, 6), GroupNorm(5, 5)):
        with pytest.raises(ShapeError, match=f"{type(layer).__name__} '.*': expected x of shape"):
            Sequential(Affine(3, 4), layer)
    for layer in (BatchNorm1d(4), LayerNorm(4), GroupNorm(2, 4)):
        assert Sequential(Affine(3, 4), layer).output_shape((3,)) == (4,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LayerNorm(()), "normalized_shape to be whole numbers >= 1"),
        (lambda: LayerNorm((3, 0)), "normalized_shape to be whole numbers >= 1"),
        (lambda: LayerNorm(3, eps=0), "eps to be"),
        (lambda: GroupNorm(3, 4), "num_groups to divide the 4 channels, got 3"),
        (lambda: GroupNorm(0, 4), "num_groups to be"),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


@pytest.mark.parametrize("layer", [LayerNorm(50), GroupNorm(2, 50)], ids=repr)
def test_data_far_from_0_lose_no_digits_in_float32(layer):
    x = (np.random.default_rng(0).standard_normal((20, 50)) + 1e4).astype(np.float32)
    rows = x.astype(float).reshape(20, getattr(layer, "num_groups", 1), -1)
    normal = (rows - rows.mean(axis=2, keepdims=True)) / np.sqrt(rows.var(axis=2, keepdims=True) + 1e-5)
    np.testing.assert_allclose(layer.forward(x, training=False), normal.reshape(20, 50), atol=1e-4)
