import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import (
    SGD,
    Affine,
    Callback,
    Dataset,
    EarlyStopping,
    Layer,
    Sequential,
    SoftmaxCrossEntropy,
    State,
    Trainer,
)
from minidl.callbacks import Average
from minidl.callbacks.averaging import renewed_states
from minidl.errors import StructureError
from minidl.initializers import zeros
from minidl.layers import BatchNorm1d, Dropout
from tests.callbacks.runs import Script, Values, assert_equal, data, held, trainer_with

DATA = data(23)


def fit(trainer, epochs=None, **options):
    trainer.fit(DATA, epochs=epochs, batch_size=10, **options)
    return trainer


def averaged(values, decay):
    """The definition, in float64."""
    parameters = [np.float64(each[0]) for each in values]
    if decay is None:
        return np.mean(parameters, axis=0)
    mean = parameters[0]
    for each in parameters[1:]:
        mean = decay * mean + (1 - decay) * each
    return mean


@given(st.sampled_from([None, 0.0, 0.5, 0.99]), st.integers(0, 2))
def test_it_is_its_definition(decay, start):
    values = Values()
    trainer = fit(trainer_with(values, Average(decay, start=start)), 4)
    held_values = values.epochs[start:] if decay is None else values.steps[start * 3 :]
    expected = averaged(held_values, decay)
    np.testing.assert_allclose(trainer.net.parameters.values, expected, rtol=1e-5, atol=1e-6)


@given(st.sampled_from([None, 0.9]), st.integers(0, 2), st.integers(1, 4))
def test_fits_add_up_to_the_bit(decay, start, first):
    runs = [trainer_with(Average(decay, start=start)) for _ in range(2)]
    fit(runs[0], 5)
    fit(fit(runs[1], first), 5 - first)
    assert_equal(*runs)


def test_the_statistics_are_those_of_the_averaged_net():
    values = Values()
    trainer = fit(trainer_with(values, Average()), 3)
    net = trainer.net
    hidden = DATA.features @ net.parameters["affine0.weight"].value + net.parameters["affine0.bias"].value
    batches = hidden[:10], hidden[10:20], hidden[20:]
    mean = np.mean([batch.mean(axis=0) for batch in batches], axis=0)
    variance = np.mean([batch.var(axis=0, ddof=1) for batch in batches], axis=0)
    (norm,) = (layer for layer in net if hasattr(layer, "running_mean"))
    np.testing.assert_allclose(norm.running_mean.value, mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(norm.running_var.value, variance, rtol=1e-4)
    assert (norm.running_mean.value != values.epochs[-1][1][:5]).any()


class Center(Layer):
    """Subtracts the batch's mean in training, a running one in inference; counts the batches."""

    def __init__(self, features, momentum=0.3):
        self.features, self.momentum = features, momentum
        self.mean, self.batches = State((features,), zeros), State((), zeros)

    def forward(self, x, *, training):
        if not training:
            return x - self.mean.value
        self.mean.value[...] += self.momentum * (x.mean(axis=0) - self.mean.value)
        self.batches.value[...] += 1
        self.remember()
        return x - x.mean(axis=0)

    def backward(self, dy):
        self.recall()
        return dy - dy.mean(axis=0)


class Declared(Center):
    running_states = ("mean",)


@pytest.mark.parametrize("kind", [Center, Declared])
def test_states_of_a_layer_of_ones_own(kind):
    """Those it names become the mean over the batches; others move on as in training, by its own rule."""
    values = Values()
    layers = Affine(6, 5, rng=0), kind(5), Affine(5, 4, rng=1)
    trainer = Trainer(Sequential(*layers, SoftmaxCrossEntropy()), SGD(0.1), callbacks=[values, Average()])
    fit(trainer, 2)
    first, layer = trainer.net[0], trainer.net[1]
    hidden = DATA.features @ first.weight.value + first.bias.value
    means = [hidden[start : start + 10].mean(axis=0) for start in (0, 10, 20)]
    if kind is Declared:
        expected = np.mean(means, axis=0)
    else:
        expected = values.epochs[-1][1][:5]
        for mean in means:
            expected = 0.7 * expected + 0.3 * mean
    np.testing.assert_allclose(layer.mean.value, expected, rtol=1e-4, atol=1e-6)
    assert layer.batches.value == 6 + 3
    assert layer.momentum == 0.3
    fit(trainer, 1)
    assert layer.batches.value == 9 + 3  # the fit went on from the training's own


@pytest.mark.parametrize(
    ("names", "momentum", "words"),
    [
        ("mean", 0.1, "running_states to be a tuple of its states' names, got 'mean'"),
        (("mean", "men"), 0.1, r"running_states to be a tuple of its states' names, got \('mean', 'men'\)"),
        (("momentum",), 0.1, "running_states to be a tuple of its states' names"),
        (("mean",), None, "an attribute momentum, by which its running_states move, got None; keep"),
    ],
)
def test_states_that_a_layer_names_wrongly_are_refused_before_the_training(names, momentum, words):
    layer = Center(6, momentum)
    layer.running_states = names
    net = Sequential(layer, Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    trainer = Trainer(net, SGD(0.1), callbacks=[Average()])
    with pytest.raises(StructureError, match=f"^Center 'center0': expected {words}"):
        fit(trainer, 1)
    assert trainer.step == 0


def test_a_last_batch_of_one_sample_has_no_variance():
    """A fit with replacement never has such a batch, and so is possible."""
    trainer = trainer_with(Average())
    trainer.fit(DATA[:22], epochs=2, batch_size=7, sampling="replacement")
    assert np.isfinite(trainer.net.state.values).all()
    expected = renewed_states(trainer.net, trainer.net.parameters.values, DATA[:21], 7)
    np.testing.assert_array_equal(trainer.net.state.values, expected)


def test_nothing_is_averaged_before_the_start():
    trainer, twin = trainer_with(Average(start=5)), trainer_with()
    fit(trainer, 3)
    fit(twin, 3)
    np.testing.assert_equal(held(trainer.net), held(twin.net))


@pytest.mark.parametrize("decay", [None, 0.9])
def test_frozen_parameters_are_their_own_average(decay):
    trainer = trainer_with(Average(decay))
    first = trainer.net[0]
    first.freeze()
    before = first.weight.value.copy()
    np.testing.assert_array_equal(fit(trainer, 3).net[0].weight.value, before)


def test_making_statistics_draws_nothing_from_the_nets_generators():
    nets = []
    for callbacks in ([], [Average(0.5)]):
        layers = Affine(6, 8, rng=0), Dropout(0.5, rng=1), BatchNorm1d(8), Affine(8, 4, rng=2)
        net = Sequential(*layers, SoftmaxCrossEntropy())
        trainer = Trainer(net, SGD(0.1), callbacks=callbacks, rng=0)
        fit(fit(trainer, 1), 1)
        nets.append(trainer.history.epochs["train_loss"])
    assert nets[0] == nets[1]


class Fails(Callback):
    def on_step_end(self, trainer):
        if trainer.step == 5:
            raise RuntimeError


def test_the_average_is_there_after_an_error_too():
    values = Values()
    trainer = trainer_with(values, Average(0.5), Fails())
    with pytest.raises(RuntimeError):
        fit(trainer, 3)
    expected = averaged(values.steps, 0.5)
    np.testing.assert_allclose(trainer.net.parameters.values, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_with_early_stopping_the_last_in_the_list_has_its_way_and_fits_add_up(order):
    runs, values = [], Values()
    for parts in ([5], [2, 3], [1, 1, 1, 2]):
        pair = [EarlyStopping(9), Average(0.5)][::order]
        trainer = trainer_with(Script([3, 2, 1, 4, 5]), values, *pair)
        for epochs in parts:
            fit(trainer, epochs, validation=DATA)
        runs.append(trainer)
    assert_equal(runs[0], runs[1])
    assert_equal(runs[0], runs[2])
    best, mean = values.epochs[2][0], averaged(values.steps[:15], 0.5)
    np.testing.assert_allclose(
        runs[0].net.parameters.values, mean if order == 1 else best, rtol=1e-5, atol=1e-6
    )


def test_sparse_features_and_small_dtypes(rng):
    """What the net converts for a fit, it converts for the statistics, too."""
    from scipy import sparse

    features = np.where(rng.random((23, 6)) < 0.5, 0, rng.integers(1, 9, (23, 6)))
    nets = []
    for kind in (np.float64, np.uint8, sparse.csr_array):
        trainer = trainer_with(Average())
        trainer.fit(Dataset(kind(features), DATA.targets), epochs=2, batch_size=23)
        nets.append(trainer.net)
    for net in nets[1:]:
        np.testing.assert_allclose(net.state.values, nets[0].state.values, rtol=1e-4, atol=1e-5)
