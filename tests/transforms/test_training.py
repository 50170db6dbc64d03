"""A net trained on transformed batches."""

import copy

import numpy as np
import pytest

from minidl import SGD, Callback, Dataset, StepDecay, Trainer, evaluate
from minidl.errors import ConfigurationError, DTypeError
from minidl.optimizers import LBFGS
from minidl.transforms import GaussianNoise, MixUp, Transform

MIX = GaussianNoise(0.3) | MixUp(0.4)


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37), weights=np.linspace(0.1, 2, 37))


def without_seconds(history):
    return history.steps, {name: column for name, column in history.epochs.items() if name != "seconds"}


@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_fits_add_up_to_the_bit(make_trainer, dataset, sampling):
    options = {"batch_size": 8, "validation": dataset, "sampling": sampling}
    one, other = (make_trainer(scheduler=StepDecay(0.9)) for _ in range(2))
    one.fit(dataset, epochs=5, transform=MIX, **options)
    other.fit(dataset, epochs=2, transform=MIX, **options)
    other.fit(dataset, steps=3, transform=copy.deepcopy(MIX), **options)
    other = copy.deepcopy(other)
    other.fit(dataset, epochs=3, transform=MIX, **options)
    np.testing.assert_array_equal(one.net.parameters.values, other.net.parameters.values)
    assert without_seconds(one.history) == without_seconds(other.history)


class Order(Transform):
    """Changes nothing, and writes down which samples came."""

    def __init__(self):
        self.seen = []

    def __call__(self, features, targets, rng):
        self.seen.append(features.copy())
        return features, targets


def test_a_transform_changes_no_shuffle(make_trainer, dataset):
    trainers = [make_trainer() for _ in range(2)]
    order = Order()
    trainers[0].fit(dataset, epochs=3, batch_size=8)
    trainers[1].fit(dataset, epochs=3, batch_size=8, transform=order)
    assert len(order.seen) == 15
    np.testing.assert_array_equal(*(trainer.net.parameters.values for trainer in trainers))
    # Nor those of a training that goes on without it.
    for trainer in trainers:
        trainer.fit(dataset, epochs=1, batch_size=4)
    np.testing.assert_array_equal(*(trainer.net.parameters.values for trainer in trainers))


def test_seeds_decide_the_numbers(make_trainer, dataset):
    values = []
    for seed in (1, 1, 2):
        trainer = make_trainer(seed=seed)
        trainer.fit(dataset, epochs=1, batch_size=37, transform=MIX)
        values.append(trainer.net.parameters.values.copy())
    np.testing.assert_array_equal(values[0], values[1])
    assert np.abs(values[0] - values[2]).max() > 1e-4  # beyond what another order of the sums makes


def test_a_copied_trainer_draws_the_same_numbers_for_another_transform(make_trainer, dataset):
    one = make_trainer()
    one.fit(dataset, steps=2, batch_size=8, transform=MIX)
    other = copy.deepcopy(one)
    for trainer in (one, other):
        trainer.fit(dataset, steps=2, batch_size=8, transform=MixUp(0.4))
    np.testing.assert_array_equal(one.net.parameters.values, other.net.parameters.values)


class Zeros(Transform):
    def __call__(self, features, targets, rng):
        return np.zeros_like(features), targets


def test_the_training_is_measured_as_transformed_and_the_validation_is_not(make_net, dataset):
    net = make_net()
    net["affine1"].bias.value[...] = [0.1, 0.2, 0.3, 0.4]  # or zeros would leave ties
    trainer = Trainer(net, SGD(1e-30), rng=0)
    history = trainer.fit(dataset, epochs=1, batch_size=8, validation=dataset, transform=Zeros())
    for name, data in (
        ("train", Dataset(0 * dataset.features, dataset.targets, weights=dataset.weights)),
        ("validation", dataset),
    ):
        loss, accuracy = evaluate(trainer.net, data)
        assert history.epochs[f"{name}_loss"][0] == pytest.approx(loss, rel=1e-6)
        assert history.epochs[f"{name}_accuracy"][0] == pytest.approx(accuracy)


@pytest.mark.parametrize("others", [(None, MIX), (MIX, None), (MIX, MixUp(0.4)), (MixUp(0.4), MixUp(0.5))])
def test_another_transform_begins_another_epoch(make_trainer, dataset, others):
    trainer = make_trainer()
    for transform in others:
        trainer.fit(dataset, steps=2, batch_size=8, transform=transform)
        assert trainer._batches.position == 2
    trainer.fit(dataset, epochs=1, batch_size=8, transform=others[1])
    assert trainer.step == 2 + 5
    assert trainer.epoch == 1


class Fails(Transform):
    """Raises at its third batch, until it is told to stop that."""

    def __init__(self):
        self.state = {"count": 0, "fails": True}

    def __call__(self, features, targets, rng):
        self.state["count"] += 1
        if self.state["fails"] and self.state["count"] == 3:
            raise RuntimeError("as asked")
        return (features + rng.normal()).astype(features.dtype), targets


def test_a_fit_goes_on_after_a_transform_that_raised(make_trainer, dataset):
    one, other = (make_trainer() for _ in range(2))
    transforms = Fails(), Fails()
    transforms[0].state["fails"] = False
    one.fit(dataset, steps=7, batch_size=8, transform=transforms[0])
    with pytest.raises(RuntimeError, match="as asked"):
        other.fit(dataset, steps=7, batch_size=8, transform=transforms[1])
    assert other.step == 2
    other.fit(dataset, steps=5, batch_size=8, transform=transforms[1])
    np.testing.assert_array_equal(one.net.parameters.values, other.net.parameters.values)


class Redo(Callback):
    """Breaks one step off between the gradients and the update."""

    def __init__(self):
        self.left = 1

    def on_gradients(self, trainer):
        if trainer.step == 3 and self.left:
            self.left -= 1
            raise KeyboardInterrupt


def test_a_step_that_was_broken_off_has_the_same_batch_again(make_trainer, dataset):
    one, other = make_trainer(), make_trainer(callbacks=[Redo()])
    one.fit(dataset, steps=7, batch_size=8, transform=MIX)
    with pytest.raises(KeyboardInterrupt):
        other.fit(dataset, steps=7, batch_size=8, transform=MIX)
    other.fit(dataset, steps=4, batch_size=8, transform=MIX)
    np.testing.assert_array_equal(one.net.parameters.values, other.net.parameters.values)


def test_what_is_wrong_is_refused_before_anything_happens(make_trainer, make_net, dataset):
    trainer = make_trainer()
    trainer.fit(dataset, steps=2, batch_size=8, transform=MIX)
    with pytest.raises(ConfigurationError, match="fit: expected transform to be of class Transform"):
        trainer.fit(dataset, steps=2, batch_size=8, transform=np.flip)
    assert trainer._batches.position == trainer.step == 2
    with pytest.raises(ConfigurationError, match="fit with LBFGS: expected no transform, .*GaussianNoise"):
        Trainer(make_net(dtype=np.float64), LBFGS()).fit(dataset, epochs=1, transform=MIX)


class Doubles(Transform):
    def __call__(self, features, targets, rng):
        return features.astype(np.float64), targets


def test_another_dtype_is_refused_by_name(make_trainer, dataset):
    with pytest.raises(DTypeError, match="Doubles: expected features of dtype float32 .* got float64"):
        make_trainer().fit(dataset, epochs=1, transform=Doubles())
