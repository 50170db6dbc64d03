import pickle

import numpy as np
import pytest

from minidl import (
    SGD,
    Affine,
    Callback,
    ClipNorm,
    Constant,
    Dataset,
    MeanSquaredError,
    Sequential,
    SoftmaxCrossEntropy,
    StepDecay,
    Trainer,
    find_lr,
)
from minidl.errors import ConfigurationError, DataError, DivergedError
from minidl.layers import Dropout
from minidl.optimizers import LBFGS, Adam
from minidl.training import lr_finder
from minidl.training.lr_finder import RateCurve


@pytest.fixture
def quadratic():
    """Of one weight *w*: the loss is *w²*, at 1 in the beginning; plain steps diverge from a rate of 1 on."""
    net = Sequential(Affine(1, 1, rng=0, dtype=np.float64), MeanSquaredError())
    net.parameters["affine0.bias"].frozen = True
    net.parameters.values[0] = 1.0
    return net, Dataset(np.ones((4, 1)), np.zeros((4, 1)))


def test_the_losses_are_those_of_the_steps_at_these_rates(quadratic):
    net, dataset = quadratic
    curve = find_lr(Trainer(net, SGD(0.1), rng=0), dataset, lowest=1e-3, highest=10.0, steps=40)
    weight = 1.0
    for rate, loss in zip(curve.rates, curve.losses, strict=True):
        assert loss == pytest.approx(weight**2, rel=1e-9)
        weight -= rate * 2 * weight  # the gradient of w²
    ratios = np.divide(curve.rates[1:], curve.rates[:-1])
    np.testing.assert_allclose(ratios, (10 / 1e-3) ** (1 / 39))
    assert curve.rates[0] == 1e-3


def test_it_stops_where_the_loss_diverges(quadratic):
    net, dataset = quadratic
    curve = find_lr(Trainer(net, SGD(0.1), rng=0), dataset, lowest=1e-2, highest=1e3, steps=60)
    assert curve.diverged
    assert 1 < curve.rates[-1] < 100
    weights = [0.9**count for count in range(len(curve.losses))][::-1]
    means = [np.average(curve.losses[:n], weights=weights[-n:]) for n in range(1, len(weights) + 1)]
    assert means[-1] > 4 * min(means)
    assert all(mean <= 4 * min(means[: n + 1]) for n, mean in enumerate(means[:-1]))


def test_what_leaves_the_finite_numbers_ends_it(quadratic):
    net, dataset = quadratic
    curve = find_lr(Trainer(net, SGD(0.1), rng=0), dataset, lowest=1e-2, highest=1e300, steps=10)
    assert curve.diverged
    with pytest.raises(DivergedError):
        net.parameters.values[0] = np.nan
        find_lr(Trainer(net, SGD(0.1), rng=0), dataset)


def test_the_suggestion_is_where_the_loss_falls_fastest(quadratic):
    """Of a loss that a callback writes, a step down in the middle: the steepest place is known."""
    net, dataset = quadratic

    net.parameters.values[0] = 4.0

    class Loss(Callback):
        def on_gradients(self, trainer):
            rate = trainer.optimizer.lr
            trainer.net.parameters.gradients[...] = 0
            trainer.net.parameters.values[0] = 3 - np.tanh(2 * np.log(rate / 0.03))

    trainer = Trainer(net, SGD(0.1), callbacks=[Loss()], rng=0)
    curve = find_lr(trainer, dataset, lowest=1e-4, highest=10, steps=200)
    assert not curve.diverged
    assert 0.02 < curve.suggestion < 0.045


def test_no_suggestion_where_nothing_falls(quadratic):
    net, dataset = quadratic
    curve = find_lr(Trainer(net, SGD(0.1), rng=0), dataset, lowest=2.0, highest=9.0, steps=10)
    assert curve.suggestion is None
    assert "no rate lowered the loss" in repr(curve)


@pytest.mark.parametrize("fits", [0, 1])
def test_the_trainer_stays_as_it_was_to_the_bit(fits, make_batch):
    dataset = Dataset(*make_batch(50))

    def build():
        layers = Affine(6, 5, rng=0), Dropout(0.5, rng=3), Affine(5, 4, rng=1)
        net = Sequential(*layers, SoftmaxCrossEntropy())
        trainer = Trainer(net, Adam(0.01), scheduler=StepDecay(0.9), callbacks=[ClipNorm(1.0)], rng=0)
        for _ in range(fits):
            trainer.fit(dataset, steps=3, batch_size=10)
        return trainer

    trainer, twin = build(), build()
    before = pickle.dumps(trainer)
    find_lr(trainer, dataset, batch_size=10, steps=20)
    assert pickle.dumps(trainer) == before
    for each in (trainer, twin):
        each.fit(dataset, epochs=2, batch_size=10)
    np.testing.assert_array_equal(trainer.net.parameters.values, twin.net.parameters.values)
    assert trainer.history.steps == twin.history.steps


def test_only_callbacks_that_change_gradients_take_part(make_trainer, make_batch):
    dataset = Dataset(*make_batch(50))

    class Loud(Callback):
        def on_step_end(self, trainer):
            raise AssertionError

        def __deepcopy__(self, memo):
            raise AssertionError

    curves = [
        find_lr(make_trainer(callbacks=callbacks), dataset, steps=15, highest=0.1)
        for callbacks in ([], [Loud()], [ClipNorm(1e-3)])
    ]
    assert curves[0].losses == curves[1].losses != curves[2].losses


def test_a_schedule_is_left_out(make_trainer, make_batch):
    dataset = Dataset(*make_batch(50))
    curves = [
        find_lr(make_trainer(scheduler=scheduler), dataset, steps=15, batch_size=10)
        for scheduler in (Constant(), StepDecay(0.1))
    ]
    assert curves[0].losses == curves[1].losses


def test_the_picture_and_the_words(make_trainer, make_batch, tmp_path):
    curve = find_lr(make_trainer(), Dataset(*make_batch(50)), steps=30, highest=0.5)
    assert repr(curve).startswith("RateCurve(suggestion ")
    assert "30 rates tried, 1e-06 to 0.5, and the loss did not diverge" in repr(curve)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    curve.plot(tmp_path / "rates.png")
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("lowest_loss", [0.1, 2.0])
def test_the_picture_shows_how_the_loss_diverged(lowest_loss, monkeypatch, tmp_path):
    """The mean rises to the end, also where the loss hardly fell before."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    drawn = []
    monkeypatch.setattr(lr_finder, "save_figure", lambda figure, path: drawn.append(figure))
    losses = [*np.linspace(2.3, lowest_loss, 50), *np.geomspace(lowest_loss, 100, 12)]
    rates = list(np.geomspace(1e-4, 1, len(losses)))
    RateCurve(rates, losses, None, diverged=True).plot(tmp_path / "rates.png")
    (axis,) = drawn[0].axes
    smoothed = next(line for line in axis.lines if line.get_label() == "smoothed").get_ydata()
    assert smoothed[-1] > 3 * min(smoothed)
    assert np.all(np.diff(smoothed[-8:]) >= 0)
    assert axis.lines[-1].get_label() == "diverged, 1"


@pytest.mark.parametrize(
    "options",
    [{"lowest": 0}, {"batch_size": 0}, {"highest": 1e-7}, {"steps": 9}, {"steps": 2.5}, {"lowest": "1e-6"}],
)
def test_wrong_bounds(options, make_trainer, make_batch):
    with pytest.raises(ConfigurationError, match="find_lr: expected"):
        find_lr(make_trainer(), Dataset(*make_batch(50)), **options)


def test_wrong_parts(make_net, make_trainer, make_batch):
    dataset = Dataset(*make_batch(50))
    with pytest.raises(ConfigurationError, match="LBFGS finds the length"):
        find_lr(Trainer(make_net(), LBFGS()), dataset)
    with pytest.raises(ConfigurationError, match="trainer to be of class Trainer"):
        find_lr(make_net(), dataset)
    with pytest.raises(DataError, match="find_lr: expected data"):
        find_lr(make_trainer(), dataset.features)
