import numpy as np
import pytest

from minidl.data import Column, Dataset, Splits
from minidl.errors import ConfigurationError
from minidl.sweep.named import NAMES, NamedModel


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("names", "kept"), [(("a", "b"), ("a", "b")), (None, None)])
def test_a_named_models_net_carries_the_names_of_the_classes(name, names, kept):
    samples = np.eye(64).reshape(64, 8, 8) if name in ("conv", "resnet") else np.eye(64)
    data = Splits("mine", Dataset(samples, np.arange(64) % 2, target_names=names))
    model = NamedModel.of(name, data, np.float32, [])
    net = model({"hidden": 3, "channels": [2], "lr": 0.1}, data, np.random.default_rng(0))
    assert net.head.target_names == kept
    assert net(samples[:5]).shape == (5, 2)


def test_a_configuration_may_name_the_model():
    data = Splits("mine", Dataset(np.ones((4, 8, 8)), [0, 1, 0, 1]))
    model = NamedModel.of("mlp", data, np.float32, [{"model": "conv", "lr": 1}, {"hidden": 2, "lr": 1}])
    net = model({"model": "conv", "channels": 2, "lr": 1}, data, np.random.default_rng(0))
    assert "conv2d0.weight" in net.parameters
    with pytest.raises(ConfigurationError, match="model to be one of 'mlp', .* got 'dense'"):
        model({"model": "dense", "lr": 1}, data, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="Sweep of conv: expected lr, and nothing but .* got model"):
        model({"model": "conv"}, data, np.random.default_rng(0))


def test_codes_of_categories_are_no_numbers():
    columns = Column("size"), Column("town", ["Bonn", "Ulm"])
    data = Splits("mine", Dataset([[1.0, 1], [2.0, 2]], [0, 1], columns=columns))
    for name in set(NAMES) - {"table"}:
        for given in ([], [{"model": "table", "hidden": 2, "lr": 1}, {"model": name, "hidden": 2, "lr": 1}]):
            words = rf"model {name}: expected .* got columns of categories \(town\); take the model table"
            with pytest.raises(ConfigurationError, match=words):
                NamedModel.of(name, data, np.float32, given)
    model = NamedModel.of("mlp", data, np.float32, [{"model": "table", "hidden": 2, "lr": 1}])
    with pytest.raises(ConfigurationError, match="take the model table"):  # drawn while a sweep runs
        model({"hidden": 2, "lr": 1}, data, np.random.default_rng(0))


@pytest.mark.parametrize("name", ["mlp", "table"])
def test_balanced_class_weights(name):
    train, validation = Dataset(np.eye(4), [0, 0, 1, 0]), Dataset(np.eye(4), [0, 0, 1, 2])
    data = Splits("mine", train, None if name == "table" else validation)
    given = {"hidden": 2, "lr": 1, "class_weights": "balanced"}
    net = NamedModel.of(name, data, np.float32, [])(given, data, np.random.default_rng(0))
    weights = (4 / (2 * 3), 4 / (2 * 1), 0)
    assert net.head.class_weights == pytest.approx(weights[: data.num_classes])
    with pytest.raises(ConfigurationError, match="class_weights to be one of 'none', 'balanced'"):
        NamedModel.of(name, data, np.float32, [])(given | {"class_weights": "even"}, data, None)


@pytest.mark.parametrize("shape", [(), (1,), (2,)])
def test_numbers_come_in_their_own_unit_and_shape(shape):
    rng = np.random.default_rng(0)
    targets = 1000 + 50 * rng.standard_normal((40, *shape))
    data = Splits("mine", Dataset(rng.standard_normal((40, 3)), targets))
    model = NamedModel.of("mlp", data, np.float64, [])
    net = model({"hidden": 3, "lr": 1, "loss": "huber"}, data, rng)
    assert net.head.scale == pytest.approx(targets.std(axis=0).mean(), rel=0.1)
    scores = net(data.train.features)
    assert scores.shape == targets.shape
    for name, parameter in net.parameters.items():
        if "affine1" in name:
            parameter.value[...] = 0
    np.testing.assert_allclose(net(data.train.features)[0], targets.mean(axis=0), rtol=1e-9)


def test_names_of_the_training_part_that_are_not_all():
    train = Dataset(np.eye(4), [0, 1, 0, 1], target_names=("a", "b"))
    validation = Dataset(np.eye(4), [0, 1, 0, 2], target_names=("a", "b", "c"))
    data = Splits("mine", train, validation)
    model = NamedModel.of("mlp", data, np.float32, [])
    net = model({"hidden": 3, "lr": 0.1}, data, np.random.default_rng(0))
    assert net.head.target_names is None
    assert net(np.eye(4)).shape == (4, 3)
