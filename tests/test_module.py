import copy
import pickle
import threading

import numpy as np
import pytest

import minidl
from minidl import Affine, Flatten, Layer, Parameter, ReLU, Sequential, SoftmaxCrossEntropy, State
from minidl.errors import MinidlError, StateError, StructureError
from minidl.initializers import ones
from minidl.layers import Add, Residual


class Scale(Layer):
    """A layer as a user writes one: no ``super().__init__()``."""

    def __init__(self, features, *, dtype=np.float32):
        self.gain = Parameter((features,), ones, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value

    def backward(self, dy):
        (x,) = self.recall()
        np.sum(dy * x, axis=0, out=self.gain.grad)
        return dy * self.gain.value


class Twice(Layer):
    """A layer made of layers."""

    def __init__(self, features):
        self.first = Scale(features)
        self.second = Scale(features)

    def forward(self, x, *, training):
        return self.second.forward(self.first.forward(x, training=training), training=training)

    def backward(self, dy):
        return self.first.backward(self.second.backward(dy))


def test_assigning_registers_parameters_and_children():
    net = Sequential(Twice(3), ("tail", Twice(3)))
    assert [path for path, _ in net.named_parameters()] == [
        "twice0.first.gain",
        "twice0.second.gain",
        "tail.first.gain",
        "tail.second.gain",
    ]
    assert net["tail"].second.label == "Scale 'tail.second'"
    assert Sequential(net, ReLU())["sequential0"]["tail"].second.label == "Scale 'sequential0.tail.second'"
    assert Scale(3).label == "Scale"


def test_a_layer_alone_has_its_own_vector():
    layer = Scale(3)
    layer.parameters.values[...] = 5
    np.testing.assert_array_equal(layer.forward(np.ones((2, 3), np.float32), training=False), 5)


def test_structure_is_closed_once_packed():
    layer = Scale(3)
    layer.parameters  # noqa: B018
    with pytest.raises(StateError, match="no new part 'offset' once the parameters are packed"):
        layer.offset = Parameter((3,), ones)
    with pytest.raises(StructureError, match="'gain' to stay what it is, got ndarray"):
        layer.gain = np.ones(3)


def test_a_part_has_no_vector_of_its_own():
    net = Sequential(Affine(2, 2))
    with pytest.raises(StateError, match=r"Affine 'affine0': expected the whole net"):
        net[0].parameters  # noqa: B018


def test_one_instance_stands_in_one_place():
    layer = ReLU()
    with pytest.raises(StructureError, match="one that already stands as 'relu0'"):
        Sequential(Affine(2, 2), layer, layer)
    net = Sequential(Affine(2, 2), layer)
    with pytest.raises(StructureError, match="already stands as 'relu0'"):
        Sequential(Affine(2, 2), layer)
    assert net[1] is layer


class Pair(Layer):
    """Refuses two layers once it has taken them."""

    def __init__(self, one, other):
        self.one, self.other = one, other
        self.fail(StructureError, "others", "these")

    forward = backward = None


def test_the_parts_of_what_was_refused_are_free():
    layer, inner = Affine(2, 3, rng=0), ReLU()
    nested = Sequential(inner)
    for make in (
        lambda: Sequential(layer, nested, Affine(2, 2)),
        lambda: Residual(layer),
        lambda: Add(nested, layer),
        lambda: Pair(layer, nested),
    ):
        with pytest.raises(MinidlError):
            make()
        assert (layer.label, nested.label, inner.label) == ("Affine", "Sequential", "ReLU 'relu0'")
    net = Sequential(layer, nested, SoftmaxCrossEntropy())
    assert list(net.parameters) == ["affine0.weight", "affine0.bias"]
    assert inner.label == "ReLU 'sequential0.relu0'"


def test_recall_pops():
    layer = ReLU()
    layer.remember(1, 2)
    assert layer.recall() == (1, 2)
    with pytest.raises(StateError, match="ReLU: expected a training forward before backward, got none"):
        layer.recall()


def test_buffer_keeps_its_memory_across_batch_sizes():
    layer = ReLU()
    large = layer.buffer("y", (8, 3), np.float32)
    small = layer.buffer("y", (5, 3), np.float32)
    assert small.shape == (5, 3)
    assert np.shares_memory(large, small)
    assert layer.buffer("y", (8, 3), np.float32).ctypes.data == large.ctypes.data
    assert not np.shares_memory(layer.buffer("z", (8, 3), np.float32), large)
    assert layer.buffer("y", (8, 3), np.float64).dtype == np.float64


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_whole_and_independent(make_copy, make_net, make_batch):
    net = make_net()
    x, y = make_batch()
    net.loss_and_gradients(x, y)
    other = make_copy(net)
    np.testing.assert_array_equal(other.parameters.values, net.parameters.values)
    np.testing.assert_array_equal(other.parameters.gradients, net.parameters.gradients)
    for path, parameter in other.parameters.items():
        assert np.shares_memory(parameter.value, other.parameters.values), path
        assert not np.shares_memory(parameter.value, net.parameters.values), path
        assert other["affine0"].weight.value is other.parameters["affine0.weight"].value
    assert other["affine1"].label == "Affine 'affine1'"
    before = net(x)
    other.parameters.values[...] = 0
    assert (other(x) == 0).all()
    np.testing.assert_array_equal(net(x), before)
    assert net.loss_and_gradients(x, y) != other.loss_and_gradients(x, y)


def test_a_copied_layer_is_free_to_stand_elsewhere():
    net = Sequential(Affine(2, 2, rng=0), ReLU())
    net.parameters  # noqa: B018
    other = Sequential(Flatten(), copy.deepcopy(net[0]), SoftmaxCrossEntropy())
    np.testing.assert_array_equal(other["affine0"].weight.value, net["affine0"].weight.value)
    other.parameters.values[...] = 0
    assert (net["affine0"].weight.value != 0).any()


def test_packing_from_many_threads_packs_once():
    net = Sequential(*(Affine(3, 3, rng=0) for _ in range(30)), SoftmaxCrossEntropy())
    vectors = []
    barrier = threading.Barrier(8)

    def pack():
        barrier.wait()
        vectors.append(net.parameters)

    threads = [threading.Thread(target=pack) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, vectors))) == 1


def test_initialize_draws_as_construction_does(make_net):
    net, other = make_net(seed=4), make_net(seed=5)
    other.loss_and_gradients(np.ones((2, 6)), [0, 1])
    other.initialize(4)
    np.testing.assert_array_equal(other.parameters.values, net.parameters.values)
    assert (other.parameters.gradients == 0).all()


def test_constructor_signatures_are_the_classes_own():
    import inspect

    assert list(inspect.signature(Affine).parameters)[:2] == ["in_features", "out_features"]
    assert not inspect.signature(ReLU).parameters
    with pytest.raises(TypeError):
        ReLU(3)


def test_one_array_stands_in_one_place():
    layer = Scale(3)
    layer.again = layer.gain
    with pytest.raises(StructureError, match=r"each array in one place, got \['gain', 'again'\]"):
        layer.parameters  # noqa: B018


def held(make):
    """A layer that keeps what `make` gives as `kept`."""
    layer = Scale(3)
    layer.kept = make()
    return layer


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [Parameter((3,), ones)], "Parameter inside the list 'kept'"),
        (lambda: (1, ReLU()), "ReLU inside the tuple 'kept'"),
        (lambda: {"a": [None, {State((3,), ones)}]}, "State inside the dict 'kept'"),
        (lambda: [Sequential(ReLU(), SoftmaxCrossEntropy())], "Sequential inside the list 'kept'"),
    ],
)
def test_parts_in_a_list_are_refused_where_a_net_is_built_or_saved(make, message, tmp_path):
    refused = pytest.raises(StructureError, match=f"Scale.*{message}, where it is not found; assign each as")
    with refused:
        Sequential(held(make), SoftmaxCrossEntropy())
    with refused:
        Sequential(Sequential(Flatten(), held(make))).parameters  # noqa: B018
    with refused:
        minidl.save(held(make), tmp_path / "layer.npz")
    assert not list(tmp_path.iterdir())


def test_a_list_of_parts_that_are_attributes_as_well_is_fine():
    layer = held(list)
    for number in range(3):
        layer.kept.append(ReLU())
        setattr(layer, f"part{number}", layer.kept[-1])
    layer.kept += [layer.gain, layer.kept, 1, "a"]
    assert len(list(Sequential(layer, SoftmaxCrossEntropy()).named_modules())) == 6
