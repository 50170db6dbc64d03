"""A frozen layer stays as it is, and no work is spent on it."""

import copy

import numpy as np
import pytest

from minidl import (
    L2,
    SGD,
    Affine,
    Callback,
    ClipNorm,
    Dataset,
    Layer,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
)
from minidl.layers import affine as affine_module


@pytest.fixture
def net():
    rng = np.random.default_rng(3)
    return Sequential(
        Affine(6, 5, rng=rng),
        ReLU(),
        ("body", Sequential(Affine(5, 5, rng=rng), ReLU())),
        ("top", Affine(5, 4, rng=rng)),
        SoftmaxCrossEntropy(),
    )


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37))


def train(net, dataset, epochs=2, **options):
    optimizer = SGD(0.1, momentum=0.9)
    trainer = Trainer(net, optimizer, regularizer=L2(0.01), rng=0, **options)
    trainer.fit(dataset, epochs=epochs, batch_size=8)
    return trainer


def values(net):
    return {path: parameter.value.copy() for path, parameter in net.named_parameters()}


def changed(net, before):
    return {path for path, value in before.items() if not np.array_equal(value, net.parameters[path].value)}


@pytest.mark.parametrize("frozen", ["affine0", "body", "top"])
def test_a_frozen_layer_does_not_change_and_goes_on_when_it_is_freed(frozen, net, dataset):
    net[frozen].freeze()
    before = values(net)
    trainer = train(net, dataset)
    others = {path for path in before if not path.startswith(frozen)}
    assert changed(net, before) == others
    kept = values(net)
    net[frozen].freeze(False)
    trainer.fit(dataset, epochs=1, batch_size=8)
    assert changed(net, kept) == set(before)


def test_what_has_no_momentum_yet_starts_from_none(net, dataset):
    """Freed, a layer moves as under an optimizer that never saw it."""
    net["top"].freeze()
    trainer = train(net, dataset, epochs=1)
    net["top"].freeze(False)
    gradients = []

    class Watch(Callback):
        def on_gradients(self, trainer):
            gradients.append(trainer.net["top"].weight.grad.copy())

    before = net["top"].weight.value.copy()
    trainer.callbacks.append(Watch())
    trainer.fit(dataset, steps=1, batch_size=8)
    moved = before - net["top"].weight.value
    np.testing.assert_allclose(moved, 0.1 * gradients[0], rtol=1e-4, atol=1e-7)


def test_only_what_trains_is_multiplied(net, make_batch, monkeypatch):
    """Products for gradients: of each trainable weight one, and one for each layer passed through."""
    products = []

    def counted(kernel):
        return lambda *arguments: products.append(kernel) or kernel(*arguments)

    for name in ("weight_gradient", "input_gradient"):
        monkeypatch.setattr(affine_module, name, counted(getattr(affine_module, name)))
    counts = []
    for frozen in ((), ("affine0",), ("affine0", "body"), ("body",), ("affine0", "body", "top")):
        for name in ("affine0", "body", "top"):
            net[name].freeze(name in frozen)
        products.clear()
        net.loss_and_gradients(*make_batch())
        counts.append(len(products))
        for name in frozen:
            for path, parameter in net[name].named_parameters():
                assert not parameter.grad.any(), (name, path)
    # All: three weights and two inputs. Without the first: two and one. The top alone: one. The body
    # frozen between the two: two weights, and still the way back through body and top.
    assert counts == [5, 3, 1, 4, 0]


def test_gradients_before_the_first_layer_that_trains_are_not_asked_for(make_batch):
    class Watched(Layer):
        asked = 0

        def forward(self, x, *, training):
            if training:
                self.remember(x)
            return x

        def backward(self, dy):
            self.recall()
            self.asked += 1
            return dy

    first, second = Watched(), Watched()
    net = Sequential(
        Affine(6, 5, rng=0), first, Affine(5, 5, rng=1), second, Affine(5, 4), SoftmaxCrossEntropy()
    )
    net.loss_and_gradients(*make_batch())
    assert (first.asked, second.asked) == (1, 1)
    net[0].freeze()
    net.loss_and_gradients(*make_batch())
    assert (first.asked, second.asked) == (1, 2)
    assert first._remembered is None  # what no backward takes is not kept alive
    net[2].freeze()
    net.loss_and_gradients(*make_batch())
    assert (first.asked, second.asked) == (1, 2)
    net[0].freeze(False)
    net.loss_and_gradients(*make_batch())
    assert (first.asked, second.asked) == (2, 3)


def test_gradients_of_what_trains_are_the_same_whatever_is_frozen(net, make_batch):
    batch = make_batch()
    net.loss_and_gradients(*batch)
    whole = {path: parameter.grad.copy() for path, parameter in net.named_parameters()}
    net["body"].freeze()
    net.parameters.gradients[...] = np.nan  # all of what trains is assigned
    for path in net.parameters:
        if path.startswith("body"):
            assert not net.parameters[path].grad.any()
    net.loss_and_gradients(*batch)
    for path, parameter in net.named_parameters():
        if not path.startswith("body"):
            np.testing.assert_array_equal(parameter.grad, whole[path])


def test_without_frozen_parameters_the_whole_vector_trains(net):
    size = net.parameters.values.size
    assert net.parameters.trainable == (slice(0, size),)
    assert net.parameters.penalized == (net.parameters.regularized,)
    views = [(parameter.value, parameter.grad) for _, parameter in net.named_parameters()]
    values = net.parameters.values.copy()
    net["body"].freeze()
    assert len(net.parameters.trainable) > 1
    net["body"].freeze(False)
    assert net.parameters.trainable == (slice(0, size),)
    np.testing.assert_array_equal(net.parameters.values, values)
    for (_, parameter), (value, grad) in zip(net.named_parameters(), views, strict=True):
        assert parameter.value is not None and np.may_share_memory(parameter.value, value)
        assert np.may_share_memory(parameter.grad, grad)


def test_the_clipped_norm_counts_no_frozen_gradient(net, dataset):
    norms = []

    class Norm(Callback):
        def on_gradients(self, trainer):
            own = [p.grad for _, p in trainer.net.named_parameters() if not p.frozen]
            norms.append(np.sqrt(sum(np.sum(grad.astype(np.float64) ** 2) for grad in own)))

    train(net, dataset, epochs=1)  # leaves gradients in all parts of the vector
    net["body"].freeze()
    train(net, dataset, callbacks=[Norm(), ClipNorm(1e-3), Norm()])
    np.testing.assert_allclose(norms[1::2], 1e-3, rtol=1e-5)
    assert min(norms[::2]) > 1e-3


def test_a_penalty_counts_no_frozen_weight(net):
    net["body"].freeze()
    expected = sum(np.sum(net[name].weight.value ** 2) for name in ("affine0", "top"))
    assert L2(0.5).penalty(net.parameters) == pytest.approx(0.5 * expected, rel=1e-6)
    assert L2(0.5).add_gradients(net.parameters) == pytest.approx(0.5 * expected, rel=1e-6)


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_frozen_layer_is_frozen(make_copy, net):
    net["top"].freeze()
    assert all(parameter.frozen for _, parameter in make_copy(net["top"]).named_parameters())


def test_a_copied_net_stays_frozen_and_trains_on_by_itself(net, dataset):
    net["body"].freeze()
    twin = copy.deepcopy(net)
    before = values(twin)
    train(twin, dataset)
    assert changed(twin, before) == {path for path in before if not path.startswith("body")}
    train(net, dataset)
    np.testing.assert_array_equal(net.parameters.values, twin.parameters.values)
    twin["body"].freeze(False)
    assert all(parameter.frozen for _, parameter in net["body"].named_parameters())
