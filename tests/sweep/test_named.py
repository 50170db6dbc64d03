import numpy as np
import pytest

from minidl.data import Dataset, Splits
from minidl.sweep.named import NAMES, NamedModel


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("names", "kept"), [(("a", "b"), ("a", "b")), (None, None)])
def test_a_named_models_net_carries_the_names_of_the_classes(name, names, kept):
    data = Splits("mine", Dataset(np.eye(4), [0, 1, 0, 1], target_names=names))
    model = NamedModel.of(name, data, np.float32, [])
    net = model({"hidden": 3, "lr": 0.1}, data, np.random.default_rng(0))
    assert net.head.target_names == kept


def test_names_of_the_training_part_that_are_not_all():
    train = Dataset(np.eye(4), [0, 1, 0, 1], target_names=("a", "b"))
    validation = Dataset(np.eye(4), [0, 1, 0, 2], target_names=("a", "b", "c"))
    data = Splits("mine", train, validation)
    model = NamedModel.of("mlp", data, np.float32, [])
    net = model({"hidden": 3, "lr": 0.1}, data, np.random.default_rng(0))
    assert net.head.target_names is None
    assert net(np.eye(4)).shape == (4, 3)
