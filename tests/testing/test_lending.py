"""Nobody writes to what he was lent: the rule that lets a layer remember the array that it returns."""

import numpy as np
import pytest

import minidl
from minidl import L2, SGD, Affine, Dataset, ReLU, Sequential, SoftmaxCrossEntropy, Trainer
from minidl.testing import (
    ContractError,
    GradientError,
    check_gradients,
    check_layer,
    check_loss_gradients,
    check_net,
    check_net_gradients,
)
from minidl.testing.lending import Lending
from minidl.testing.reports import ClauseError
from tests.deep import first_only
from tests.mutants.lending import (
    AddsIntoLentOutput,
    InPlaceReLU,
    InputForRoom,
    WorksInItsBuffer,
    WorksInScores,
)
from tests.mutants.linear import Gain
from tests.testing.correct import Residual
from tests.testing.test_contract import nested
from tests.testing.textbook import TEXTBOOK, Tanh

D = np.float64


def gaussian(*shape):
    return np.random.default_rng(0).standard_normal(shape)


def between(cls, buffered):
    """Two of them in a net, one behind a layer of minidl and one behind itself."""

    def make(rng, dtype):
        rows = [Affine(3, 3, rng=rng, dtype=dtype), cls(buffered), cls(buffered), ReLU()]
        return Sequential(*rows, Affine(3, 3, rng=rng, dtype=dtype), cls(buffered), SoftmaxCrossEntropy())

    return make


@pytest.mark.parametrize("buffered", first_only(False, True))
@pytest.mark.parametrize("cls", TEXTBOOK)
def test_layers_may_remember_what_they_return(cls, buffered):
    assert not check_layer(lambda rng, dtype: cls(buffered), (3,), allocation=False).failed
    assert not check_layer(lambda rng, dtype: Residual(cls(buffered)), (2, 3)).failed
    assert not check_layer(between(cls, buffered), (3,)).failed
    assert not check_net(between(cls, buffered), (3,), 3).failed


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (
            Tanh(),
            InPlaceReLU(),
            "a training forward of InPlaceReLU 'inplacerelu0' writes to the output lent by Tanh",
        ),
        (InPlaceReLU(), Tanh(), "a training forward of InPlaceReLU 'inplacerelu0' writes to x"),
        (
            Affine(3, 3, rng=0, dtype=D),
            WorksInItsBuffer(True),
            "backward of WorksInItsBuffer 'worksinitsbuffer0' writes to the output lent by WorksInItsBuffer",
        ),
        (
            Affine(3, 3, rng=0, dtype=D),
            AddsIntoLentOutput(Affine(3, 3, rng=0, dtype=D)),
            "a training forward of AddsIntoLentOutput 'addsintolentoutput0' writes to the output lent by Aff",
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_whoever_writes_to_what_is_lent_is_named(first, second, text):
    net = Sequential(first, second, Affine(3, 2, rng=0, dtype=D), SoftmaxCrossEntropy())
    x = gaussian(4, 3)
    with Lending(net) as lending, pytest.raises(ClauseError, match=text):
        lending.lend("x", x)
        net.loss_and_gradients(x, [0, 1, 0, 1])


def test_a_net_of_any_layers_is_watched_by_its_checker():
    def factory(rng, dtype):
        rows = (Affine(3, 3, rng=rng, dtype=dtype), InPlaceReLU(), Affine(3, 3, rng=rng, dtype=dtype))
        return Sequential(*rows, SoftmaxCrossEntropy())

    with pytest.raises(ContractError) as caught:
        check_net(factory, (3,), 3)
    assert caught.value.report.failed[0].clause == "lent_until_next_forward"
    with pytest.raises(ContractError) as caught:
        check_layer(factory, (3,))
    assert caught.value.report.failed[0].clause == "lent_until_next_forward"


class Watches(minidl.Callback):
    """Has every lent array looked at while a net trains: the scores are counted after the update."""

    def __init__(self, lending):
        self.lending = lending

    def on_step_end(self, trainer):
        self.lending.require_kept("an update")

    on_epoch_end = on_step_end


@pytest.mark.parametrize("dtype", [np.float32, D])
def test_minidl_keeps_the_rule_while_it_trains(dtype):
    net = nested(np.random.default_rng(0), dtype)
    rng = np.random.default_rng(1)
    data = Dataset(rng.standard_normal((50, 2, 3)).astype(dtype), rng.integers(0, 3, 50))
    with Lending(net) as lending:
        lending.lend("the features", data.features)
        lending.lend("the targets", data.targets)
        trainer = Trainer(
            net,
            SGD(0.1, momentum=0.9, nesterov=True),
            regularizer=L2(0.1),
            callbacks=[Watches(lending)],
            rng=0,
        )
        trainer.fit(data, epochs=3, batch_size=20, validation=data)
        net.predict_probabilities(data.features)
        lending.require_kept("training")


def test_what_is_given_out_may_be_written_to():
    net = nested(0, D)
    x = gaussian(4, 2, 3)
    with Lending(net):
        net.loss_and_gradients(x, [0, 1, 2, 0])
        for given in (net(x), net.predict(x), net.predict_probabilities(x), net.forward(x, training=False)):
            given[...] = 0
        x[...] = 0
        net.loss_and_gradients(x, [0, 1, 2, 0])  # the last pass's arrays are lent no more


def test_the_watched_are_left_as_they_were():
    layer = Residual(Tanh())
    layer.inner.forward = own = layer.inner.forward
    with Lending(layer):
        assert layer.inner.forward is not own
    assert layer.inner.forward is own
    assert "forward" not in vars(layer)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (InPlaceReLU(), "InPlaceReLU: forward writes to x"),
        (InputForRoom(dtype=D), "InputForRoom: backward writes to x"),
    ],
)
def test_gradient_checks_name_a_write_before_what_it_leads_to(layer, text):
    with pytest.raises(GradientError, match=text):
        check_gradients(layer, gaussian(4, 3))
    assert check_gradients(Gain(dtype=D), gaussian(4, 3)).worst < 1e-7


class TakesOffTheMean(Sequential):
    def forward_backward(self, x, targets, weights=None):
        x -= x.mean(axis=0)
        return super().forward_backward(x, targets, weights)


class ClearsTargets(Sequential):
    def forward_backward(self, x, targets, weights=None):
        found = super().forward_backward(x, targets, weights)
        targets[...] = 0
        return found


def test_gradient_checks_of_losses_and_nets_do_too():
    with pytest.raises(GradientError, match="WorksInScores: backward writes to the scores"):
        check_loss_gradients(WorksInScores(), gaussian(4, 3), [0, 1, 2, 0])
    for cls, name in ((TakesOffTheMean, "x"), (ClearsTargets, "the targets")):
        net = cls(Affine(3, 3, rng=0, dtype=D), SoftmaxCrossEntropy())
        targets = np.array([0, 1, 2, 0])
        with pytest.raises(GradientError, match=f"{cls.__name__}: loss_and_gradients writes to {name}"):
            check_net_gradients(net, gaussian(4, 3), targets)
        assert targets.tolist() == [0, 1, 2, 0]
