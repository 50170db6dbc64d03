import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import SGD, Affine, Dataset, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.layers import BatchNorm1d, BatchNorm2d
from minidl.testing import check_gradients, check_layer

places = st.sampled_from([(), (1,), (3,), (2, 3), (70,), (1, 2)])
seeds = st.integers(0, 2**32)


def made(channels, places, seed=0, **options):
    """A layer with random weight and bias."""
    kind, rng = BatchNorm2d if len(places) == 2 else BatchNorm1d, np.random.default_rng(seed)
    layer = kind(channels, **{"dtype": np.float64} | options)
    layer.weight.value[...], layer.bias.value[...] = rng.standard_normal((2, channels))
    return layer


def spread(values, places):
    """A number for each channel as (C, 1, 1), to be broadcast."""
    return values.reshape(-1, *[1] * len(places))


@given(st.integers(2, 6), st.integers(1, 4), places, st.sampled_from([0.1, 0.0, 1.0, 0.7]), seeds)
def test_outputs_and_statistics_by_their_formulas(samples, channels, places, momentum, seed):
    rng, layer = np.random.default_rng(seed), made(channels, places, seed, momentum=momentum, eps=1e-3)
    mean, variance = np.zeros(channels), np.ones(channels)
    for _ in range(3):
        x = rng.normal(2, 3, (samples, channels, *places))
        y = layer.forward(x, training=True)
        columns = np.moveaxis(x, 1, -1).reshape(-1, channels)
        normal = (columns - columns.mean(axis=0)) / np.sqrt(columns.var(axis=0) + 1e-3)
        expected = normal * layer.weight.value + layer.bias.value
        np.testing.assert_allclose(np.moveaxis(y, 1, -1).reshape(-1, channels), expected, atol=1e-9)
        mean = (1 - momentum) * mean + momentum * columns.mean(axis=0)
        variance = (1 - momentum) * variance + momentum * columns.var(axis=0, ddof=1)
        np.testing.assert_allclose(layer.running_mean.value, mean, atol=1e-12)
        np.testing.assert_allclose(layer.running_var.value, variance, rtol=1e-12)
    scale = layer.weight.value / np.sqrt(variance + 1e-3)
    expected = (x - spread(mean, places)) * spread(scale, places) + spread(layer.bias.value, places)
    np.testing.assert_allclose(layer.forward(x, training=False), expected, atol=1e-9)


@given(st.integers(2, 6), st.integers(1, 4), places, seeds)
def test_gradients(samples, channels, places, seed):
    x = np.random.default_rng(seed).standard_normal((samples, channels, *places[:1], *places[1:]))
    check_gradients(made(channels, places, seed), x, rng=seed)


def test_the_contract_of_features_but_for_batches_of_one():
    one = ("shapes", "input_gradient", "batch_sizes")  # these train on one sample, too
    check_layer(
        lambda rng, dtype: BatchNorm1d(3, dtype=dtype), (3,), skip=one, batch_independent=False,
        allocation=True,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [BatchNorm1d, BatchNorm2d])
def test_defaults_are_pytorchs(kind):
    layer = kind(3)
    assert (layer.eps, layer.momentum, layer.dtype) == (1e-5, 0.1, np.float32)
    assert [(name, part.value.tolist()) for name, part in layer.named_parameters()] == [
        ("weight", [1, 1, 1]), ("bias", [0, 0, 0]),
    ]  # fmt: skip
    assert [(name, part.value.tolist()) for name, part in layer.named_states()] == [
        ("running_mean", [0, 0, 0]), ("running_var", [1, 1, 1]),
    ]  # fmt: skip
    assert not any(part.regularized for _, part in layer.named_parameters())


@pytest.mark.parametrize(("kind", "places"), [(BatchNorm1d, ()), (BatchNorm1d, (1,)), (BatchNorm2d, (1, 1))])
def test_one_number_a_channel_has_no_variance(kind, places):
    layer, x = kind(2), np.ones((1, 2, *places), np.float32)
    with pytest.raises(ShapeError, match="expected more than one number for each channel in training"):
        layer.forward(x, training=True)
    assert layer.forward(x, training=False).shape == x.shape
    assert layer.running_mean.value.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (BatchNorm1d, (4,)),
        (BatchNorm1d, (4, 3)),
        (BatchNorm1d, (4, 3, 2)),
        (BatchNorm1d, (4, 2, 3, 3)),
        (BatchNorm2d, (4, 2)),
        (BatchNorm2d, (4, 2, 3)),
        (BatchNorm2d, (4, 3, 2, 2)),
        (BatchNorm2d, ()),
    ],
)
def test_other_shapes_are_refused(kind, shape):
    for training in (True, False):
        with pytest.raises(ShapeError, match=f"{kind.__name__}: expected x of shape .batch, "):
            kind(2).forward(np.ones(shape, np.float32), training=training)


def test_wrong_dtypes_and_gradients_are_refused():
    layer, x = BatchNorm1d(2), np.ones((3, 2), np.float32)
    with pytest.raises(DTypeError, match="x of dtype float32, got float64"):
        layer.forward(x.astype(float), training=True)
    layer.forward(x, training=True)
    with pytest.raises(ShapeError, match=r"dy of shape \(3, 2\), got \(3, 2, 1\)"):
        layer.backward(x[..., None])


@pytest.mark.parametrize(
    "options", [{"eps": 0}, {"eps": -1}, {"momentum": -0.1}, {"momentum": 1.5}, {"momentum": None}]
)
def test_wrong_arguments_are_refused(options):
    with pytest.raises(ConfigurationError, match=f"BatchNorm1d: expected {next(iter(options))} to be"):
        BatchNorm1d(3, **options)


@pytest.mark.parametrize("offset", [0, 1e3, 1e5])
def test_data_far_from_0_lose_no_digits_in_float32(offset):
    x = (np.random.default_rng(0).standard_normal((500, 4)) + offset).astype(np.float32)
    layer = BatchNorm1d(4)
    y, exact = layer.forward(x, training=True), x.astype(float)
    np.testing.assert_allclose(y, (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-5), atol=1e-4)
    np.testing.assert_allclose(layer.running_var.value, 0.9 + 0.1 * exact.var(axis=0, ddof=1), rtol=1e-5)


def net():
    rng = np.random.default_rng(0)
    return Sequential(Affine(3, 4, rng=rng), BatchNorm1d(4), Affine(4, 2, rng=rng), SoftmaxCrossEntropy())


@np.errstate(invalid="ignore")
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_batch_that_is_not_finite_leaves_the_statistics(odd):
    """For a fit stops there, and the net keeps what it has learned."""
    layer, x = BatchNorm1d(2), np.array([[1, 2], [3, 5]], np.float32)
    layer.forward(x, training=True)
    before = layer.state.values.copy()
    x[1, 0] = odd
    assert np.isnan(layer.forward(x, training=True)[:, 0]).any()
    np.testing.assert_array_equal(layer.state.values, before)


def test_statistics_are_saved_with_the_net(tmp_path):
    x, labels = np.random.default_rng(1).standard_normal((8, 3)).astype(np.float32), np.arange(8) % 2
    trained = net()
    Trainer(trained, SGD(0.1), rng=0).fit(Dataset(x, labels), epochs=2)
    assert list(trained.state) == ["batchnorm1d0.running_mean", "batchnorm1d0.running_var"]
    minidl.save(trained, tmp_path / "net.npz")
    loaded = minidl.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(loaded.state.values, trained.state.values)
    np.testing.assert_array_equal(loaded(x), trained(x))
