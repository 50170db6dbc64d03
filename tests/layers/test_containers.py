import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine, Flatten, Layer, Parameter, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.errors import DTypeError, ShapeError, StateError, StructureError
from minidl.initializers import ones
from minidl.layers import containers
from minidl.testing import check_gradients, check_net_gradients


def random_net(rng, features, classes, depth, dtype=np.float64):
    sizes = [features, *rng.integers(1, 6, depth), classes]
    parts = []
    for index in range(depth + 1):
        parts += [Affine(sizes[index], sizes[index + 1], rng=rng, dtype=dtype), ReLU()]
    return Sequential(*parts[:-1], SoftmaxCrossEntropy())


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32))
def test_gradients(batch, features, classes, depth, seed):
    rng = np.random.default_rng(seed)
    net = random_net(rng, features, classes, depth)
    x, labels = rng.standard_normal((batch, features)), rng.integers(classes, size=batch)
    check_net_gradients(net, x, labels, rng=rng)


def test_gradients_of_a_nested_one(rng):
    inner = Sequential(Affine(3, 4, rng=rng, dtype=np.float64), ReLU())
    net = Sequential(Flatten(), inner, Affine(4, 2, rng=rng, dtype=np.float64))
    check_gradients(net, rng.standard_normal((5, 3, 1)), rng=rng)


def test_names_are_numbered_per_type():
    def names(*between):
        net = Sequential(
            Affine(2, 2), *between, Affine(2, 2), ("scores", Affine(2, 2)), SoftmaxCrossEntropy()
        )
        return list(net.parameters)

    assert names() == names(ReLU()) == [
        "affine0.weight", "affine0.bias", "affine1.weight", "affine1.bias", "scores.weight", "scores.bias",
    ]  # fmt: skip
    nested = Sequential(("body", Sequential(Affine(2, 2))), Affine(2, 2))
    assert list(nested.parameters)[::2] == ["body.affine0.weight", "affine0.weight"]


def test_errors_name_the_path():
    net = Sequential(("body", Sequential(ReLU(), Affine(3, 2))), SoftmaxCrossEntropy())
    with pytest.raises(
        ShapeError, match=r"^Affine 'body.affine0': expected x of shape \(batch, 3\), got \(5, 4\)$"
    ):
        net(np.zeros((5, 4)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            lambda: [Affine(2, 2), SoftmaxCrossEntropy(), Affine(2, 2)],
            "a loss at the very end only, got Softmax",
        ),
        (
            lambda: [Sequential(Affine(2, 2), SoftmaxCrossEntropy()), ReLU()],
            "no loss inside a nested Sequential",
        ),
        (lambda: [Affine(2, 2), np.tanh], "layers, and a loss at the very end only"),
        (lambda: [("a", ReLU()), ("a", ReLU())], "every part to have a name of its own, got 'a' twice"),
        (lambda: [("relu0", Affine(2, 2)), ReLU()], "name of its own, got 'relu0' twice"),
        (lambda: [("head", ReLU())], "name of its own"),
        (lambda: [("a.b", ReLU())], "a part's name to be an identifier"),
        (lambda: [], "at least one layer"),
        (lambda: [SoftmaxCrossEntropy()], "at least one layer"),
        (lambda: [ReLU] * 2, "layers"),
    ],
)
def test_parts_that_make_no_net(parts, message):
    with pytest.raises(StructureError, match=message):
        Sequential(*parts())


def test_dtypes_are_not_mixed():
    with pytest.raises(DTypeError, match="one dtype in all layers"):
        Sequential(Affine(2, 2), Affine(2, 2, dtype=np.float64))
    with pytest.raises(DTypeError, match="one dtype in all layers"):
        Sequential(Standardize(0, 1, dtype=np.float64), Affine(2, 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_public_entries_convert_once(dtype, make_net, rng):
    net, x = make_net(), rng.integers(0, 2, (5, 6)).astype(dtype)
    kept = x.copy()
    for array in (x, x.tolist()):
        assert net(array).dtype == np.float32
        net.predict(array)
        net.loss(array, [0] * 5)
        net.loss_and_gradients(array, [0] * 5)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("wrong", [np.zeros((2, 6), complex), np.array([["a"] * 6]), np.full((2, 6), None)])
def test_other_dtypes_are_refused(wrong, make_net):
    with pytest.raises(DTypeError, match="Sequential: expected x of a real dtype"):
        make_net()(wrong)


def test_a_number_is_no_batch(make_net):
    with pytest.raises(ShapeError, match=r"x of shape \(batch, ...\)"):
        make_net()(3.0)


def test_public_entries_never_hand_the_callers_array_back(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    for net in (Sequential(Flatten()), Sequential(ReLU()), Sequential(Flatten(), Flatten())):
        assert not np.shares_memory(net(x), x)
        assert not np.shares_memory(net(x), net(x))


def test_chunks_change_nothing(make_net, make_batch, monkeypatch):
    net = make_net(dtype=np.float64)
    x, labels = make_batch(23, dtype=np.float64)
    whole = net(x), net.predict(x), net.predict_probabilities(x), net.loss(x, labels)
    monkeypatch.setattr(containers, "_CHUNK", 4)
    parts = net(x), net.predict(x), net.predict_probabilities(x), net.loss(x, labels)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    with pytest.raises(ShapeError, match="labels of shape"):
        net.loss(x, labels[:-1])


class Gain(Layer):
    """One number for all features."""

    def __init__(self):
        self.gain = Parameter((), ones, dtype=np.float64)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value

    def backward(self, dy):
        (x,) = self.recall()
        self.gain.grad[...] = np.sum(x * dy)
        return dy * self.gain.value


def test_a_parameter_may_be_a_single_number(rng):
    net = Sequential(Gain(), SoftmaxCrossEntropy())
    x = rng.standard_normal((5, 3))
    check_net_gradients(net, x, rng.integers(3, size=5), rng=rng)
    np.testing.assert_array_equal(net(x), x)


def test_no_rows_give_no_rows(make_net):
    net, empty = make_net(), np.zeros((0, 6))
    assert net(empty).shape == (0, 4)
    assert net.predict(empty).shape == (0,)
    assert net.predict_probabilities(empty).shape == (0, 4)
    with pytest.raises(ShapeError, match="at least one sample"):
        net.loss(empty, [])


def test_a_net_without_a_loss_says_so():
    net = Sequential(Affine(2, 2))
    for call in (net.loss, net.loss_and_gradients):
        with pytest.raises(
            StructureError, match="a loss as the last part, got none; add SoftmaxCrossEntropy"
        ):
            call(np.zeros((1, 2)), [0])
    for call in (net.predict, net.predict_probabilities):
        with pytest.raises(StructureError, match="a loss as the last part"):
            call(np.zeros((1, 2)))


def test_inputs_gradient_of_the_first_layer_is_never_computed(make_batch, monkeypatch):
    class Counting(Affine):
        calls = 0

        def backward(self, dy):
            type(self).calls += 1
            return super().backward(dy)

    x, labels = make_batch()
    net = Sequential(Standardize(0, 1), Flatten(), Counting(6, 4, rng=0), ReLU(), SoftmaxCrossEntropy())
    net.loss_and_gradients(x, labels)
    assert Counting.calls == 0
    assert (net.parameters.gradients != 0).any()
    with pytest.raises(StateError):  # what was left out is forgotten, not kept for a later backward
        net.backward(np.zeros((8, 4), np.float32))


def test_what_no_backward_will_ask_for_is_forgotten(make_batch):
    x, labels = make_batch()
    net = Sequential(ReLU(), Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    net.loss_and_gradients(x, labels)
    with pytest.raises(StateError):
        net[0].backward(x)


def test_a_net_without_parameters_has_a_loss_still(make_batch):
    x, labels = make_batch(features=4)
    assert Sequential(ReLU(), SoftmaxCrossEntropy()).loss_and_gradients(x, labels) > 0


def state_of(net):
    return [
        {name: repr(value) for name, value in vars(module).items() if not name.startswith("__")}
        for module in net.modules()
    ]


def test_inference_between_forward_and_backward_changes_nothing(make_net, make_batch):
    x, labels = make_batch()
    nets = [make_net(), make_net()]
    for net, interfere in zip(nets, (False, True), strict=True):
        net.parameters  # noqa: B018
        scores = net.forward(x, training=True)
        net.head.forward(scores, labels, training=True)
        if interfere:
            before = state_of(net)
            other = np.ones((3, 6))
            net(other), net.predict(other), net.predict_probabilities(other), net.loss(other, [0, 1, 2])
            assert state_of(net) == before
        net.backward(net.head.backward())
    np.testing.assert_array_equal(nets[0].parameters.gradients, nets[1].parameters.gradients)


def test_eight_threads_predict_at_once(make_net, make_batch):
    net = make_net(hidden=64)
    batches = [make_batch(400, seed=seed)[0] for seed in range(8)]
    expected = [net(x) for x in batches]
    agreed = []
    barrier = threading.Barrier(8)

    def predict(index):
        barrier.wait()
        for _ in range(50):
            scores = net(batches[index])
            agreed.append(np.array_equal(scores, expected[index]))

    threads = [threading.Thread(target=predict, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(agreed) == 400
    assert all(agreed)


def test_reads_like_a_list(make_net):
    net = make_net()
    assert len(net) == 3
    assert list(net) == [net[0], net["relu0"], net[-1]]
    with pytest.raises(KeyError, match="no layer 'relu1'; there are affine0, relu0, affine1, head"):
        net["relu1"]
    assert repr(net).splitlines()[1].strip() == "affine0: Affine(6, 5, dtype=float32)"
