import numpy as np
import pytest

import minidl
from minidl import mlp, two_layer_net
from minidl.errors import ConfigurationError
from minidl.recipes.names import ACTIVATIONS


@pytest.mark.parametrize("hidden", [50, np.int64(50), (50,), np.array([50])])
def test_one_hidden_layer_needs_no_list(hidden):
    assert repr(mlp(64, hidden, 10, rng=0)) == repr(mlp(64, [50], 10, rng=0))


@pytest.mark.parametrize("hidden", [0, [50, 0], "50", [[50]], 1.5, {50}, None])
def test_hidden_sizes_are_checked(hidden):
    with pytest.raises(ConfigurationError, match="mlp: expected hidden to be whole numbers >= 1, got"):
        mlp(64, hidden, 10)


def test_dense_nets():
    net = mlp(12, [7, 5], 3, rng=0)
    shapes = {name: parameter.shape for name, parameter in net.parameters.items() if "weight" in name}
    assert shapes == {"affine0.weight": (12, 7), "affine1.weight": (7, 5), "affine2.weight": (5, 3)}
    assert net(np.ones((2, 3, 4))).shape == (2, 3)
    assert [type(layer).__name__ for layer in net] == [
        "Flatten",
        "Affine",
        "ReLU",
        "Affine",
        "ReLU",
        "Affine",
    ]
    assert repr(two_layer_net(4, 5, 3, rng=0)) == repr(mlp(4, [5], 3, rng=0))
    assert len(mlp(4, [], 3)) == 2
    assert net.head.target_names is None
    for build, hidden in ((mlp, [5]), (two_layer_net, 5)):
        named = build(4, hidden, 3, target_names=("a", "b", "c"))
        assert named.head.target_names == ("a", "b", "c")
        with pytest.raises(ConfigurationError, match="expected 3 target_names, one for each class, got 2"):
            build(4, hidden, 3, target_names=("a", "b"))
    start = minidl.initializers.scaled(minidl.initializers.ones, 0.5)
    net = mlp(2, [2], 2, initializer=minidl.initializers.ones, first_initializer=start)
    assert (net["affine0"].weight.value == 0.5).all()
    assert (net["affine1"].weight.value == 1).all()


@pytest.mark.parametrize(
    ("options", "layers"),
    [
        ({"activation": "gelu"}, ["Affine", "GELU"]),
        ({"activation": "leaky_relu", "norm": "batch"}, ["Affine", "BatchNorm1d", "LeakyReLU"]),
        ({"norm": "layer", "dropout": 0.25}, ["Affine", "LayerNorm", "ReLU", "Dropout"]),
    ],
)
def test_what_stands_behind_each_hidden_layer(options, layers):
    net = mlp(6, [5, 4], 3, rng=0, dtype=np.float64, **options)
    assert [type(layer).__name__ for layer in net] == ["Flatten", *layers, *layers, "Affine"]
    assert net(np.ones((2, 6))).shape == (2, 3)
    assert net.dtype == np.float64
    if "dropout" in options:
        assert [net[f"dropout{place}"].p for place in (0, 1)] == [0.25, 0.25]


def test_every_activation_has_its_name():
    kinds = [type(mlp(2, 2, 2, activation=name)[2]).__name__ for name in ACTIVATIONS]
    assert kinds == ["ReLU", "LeakyReLU", "ELU", "Sigmoid", "Tanh", "GELU", "SiLU", "Softplus"]
    with pytest.raises(ConfigurationError, match="activation to be one of 'relu', .*'softplus', got 'sin'"):
        mlp(2, 2, 2, activation="sin")
    with pytest.raises(ConfigurationError, match="norm to be one of 'batch', 'layer', got 'group'"):
        mlp(2, 2, 2, norm="group")


def test_a_net_for_numbers():
    last = [minidl.Standardize(-1.0, 0.5), minidl.layers.Reshape()]
    net = mlp(3, 4, 1, loss=minidl.MeanSquaredError(), last=last, rng=0)
    plain = mlp(3, 4, 1, loss=minidl.MeanSquaredError(), rng=0)
    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(net.predict(x), 2 * plain.predict(x)[:, 0] + 2, rtol=1e-6)
    with pytest.raises(ConfigurationError, match="a loss or target_names, got both"):
        mlp(3, 4, 2, loss=minidl.SoftmaxCrossEntropy(), target_names=("a", "b"))
