import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine, ReLU, Sequential, SoftmaxCrossEntropy


def make_net(sizes=(5, 7, 3), dtype=np.float32, kind=ReLU):
    a, b, c = sizes
    return Sequential(
        Affine(a, b, rng=0, dtype=dtype), kind(), Affine(b, c, rng=1, dtype=dtype), SoftmaxCrossEntropy()
    )


class OwnReLU(ReLU):
    pass


@given(
    st.integers(1, 40),
    st.lists(st.integers(1, 40), min_size=3, max_size=3),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 2**32 - 1),
)
def test_both_passes_are_those_of_the_layers_one_by_one(samples, sizes, dtype, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, sizes[0])).astype(dtype)
    labels = rng.integers(0, sizes[2], samples)
    fused, alone = make_net(sizes, dtype), make_net(sizes, dtype, OwnReLU)
    assert len(fused._fused) == len(alone._fused) - 1
    np.testing.assert_array_equal(fused(x), alone(x), strict=True)
    assert fused.loss_and_gradients(x, labels) == alone.loss_and_gradients(x, labels)
    np.testing.assert_array_equal(fused.parameters.gradients, alone.parameters.gradients)


@pytest.mark.parametrize("name", ["affine0", "relu0"])
@pytest.mark.parametrize("training", [True, False])
def test_a_forward_in_the_place_of_a_layers_own_is_called(name, training, monkeypatch):
    net, seen = make_net(), []
    own = net[name].forward

    def watched(x, *, training):
        seen.append(training)
        return own(x, training=training)

    net[name].forward = watched
    net.forward(np.ones((2, 5), np.float32), training=training)
    assert seen == [training]
    other = make_net()
    monkeypatch.setattr(type(other[name]), "forward", lambda self, x, *, training: seen.append(name) or x)
    other.forward(np.ones((2, 5), np.float32), training=training)
    assert seen[-1] == name


def test_each_layer_can_still_be_called_by_itself():
    net = make_net()
    x = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    one_by_one = x
    for layer in net:
        one_by_one = layer.forward(one_by_one, training=False)
    np.testing.assert_array_equal(net(x), one_by_one)
    assert [traced.path for traced in net.trace(x)] == ["affine0", "relu0", "affine1"]


def test_a_copy_computes_with_parameters_of_its_own():
    net = make_net()
    twin = copy.deepcopy(net)
    net.parameters.values[...] = 0
    assert twin(np.ones((1, 5))).any()
