import numpy as np
import pytest

import minidl
from minidl import mlp, two_layer_net
from minidl.errors import ConfigurationError
from minidl.recipes import sgd_trainer


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


def test_the_classic_training_is_what_its_settings_say(make_net):
    settings = {"lr": 0.2, "momentum": 0.5, "lr_decay": 0.9, "reg": 0.01, "hidden": (3,)}
    trainer = sgd_trainer(make_net(), settings, rng=0)
    assert repr(trainer.optimizer) == "SGD(lr=0.2, momentum=0.5, nesterov=False)"
    assert trainer.scheduler.factor(2, 0) == pytest.approx(0.81)
    assert trainer.regularizer.strength == 0.01
    trainer = sgd_trainer(make_net(), {"lr": 0.2})
    assert (trainer.optimizer.momentum, trainer.regularizer.strength) == (0.0, 0.0)
    assert trainer.scheduler.factor(1, 0) == 0.95
