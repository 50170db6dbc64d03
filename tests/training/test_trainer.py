import copy
import gc
import pickle
import tracemalloc

import numpy as np
import pytest

from minidl import (
    L2,
    SGD,
    Affine,
    Callback,
    Constant,
    Dataset,
    Flatten,
    ReLU,
    Scheduler,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
    Trainer,
    evaluate,
)
from minidl.errors import ConfigurationError, DataError, DivergedError, ShapeError, StructureError


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37))


def without_seconds(history):
    return history.steps, {name: column for name, column in history.epochs.items() if name != "seconds"}


@pytest.mark.parametrize(
    "parts", [[{"epochs": 3}, {"epochs": 2}], [{"steps": 7}, {"steps": 1}, {"epochs": 2}]]
)
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
def test_fits_add_up_to_the_bit(parts, sampling, make_trainer, dataset):
    options = {"batch_size": 8, "validation": dataset, "sampling": sampling}
    trainers = [make_trainer(scheduler=StepDecay(0.9), regularizer=L2(1e-3)) for _ in range(2)]
    trainers[0].fit(dataset, epochs=5, **options)
    for part in parts:
        trainers[1].fit(dataset, **part, **options)
    steps = 5 * (5 if sampling == "shuffle" else 4)
    assert trainers[0].step == steps
    rest = steps - trainers[1].step
    if rest:
        trainers[1].fit(dataset, steps=rest, **options)
    np.testing.assert_array_equal(*(trainer.net.parameters.values for trainer in trainers))
    assert without_seconds(trainers[0].history) == without_seconds(trainers[1].history)


def test_a_seed_decides_everything(make_trainer, dataset):
    runs = []
    for seed in (1, 1, 2):
        trainer = make_trainer(seed=seed)
        trainer.fit(dataset, epochs=2, batch_size=8)
        runs.append(trainer.net.parameters.values.copy())
    np.testing.assert_array_equal(runs[0], runs[1])
    assert (runs[0] != runs[2]).any()


def test_the_loop_is_what_the_parts_do_by_hand(make_net, make_trainer, dataset):
    trainer = make_trainer(scheduler=StepDecay(0.5), regularizer=L2(0.01))
    history = trainer.fit(dataset, epochs=3, batch_size=37)  # one batch an epoch: order does not matter
    net, optimizer = make_net(dtype=np.float32), SGD(0.1, momentum=0.9)
    for epoch in range(3):
        data_loss = net.loss_and_gradients(dataset.features, dataset.targets)
        loss = data_loss + L2(0.01).add_gradients(net.parameters)
        optimizer.lr = 0.1 * 0.5**epoch
        assert history.steps["lr"][epoch] == history.epochs["lr"][epoch] == optimizer.lr
        assert history.steps["loss"][epoch] == pytest.approx(loss, rel=1e-5)
        assert history.epochs["train_loss"][epoch] == pytest.approx(data_loss, rel=1e-5)
        optimizer.step(net.parameters)
    np.testing.assert_allclose(trainer.net.parameters.values, net.parameters.values, rtol=1e-4, atol=1e-6)


def test_epochs_are_weighted_by_sample(make_net, dataset):
    # With a rate of next to nothing the epoch's mean is the whole set's, if the last batch of 5
    # counts for 5 samples and not for 8.
    net = make_net()
    net["affine1"].bias.value[...] = [0.1, 0.2, 0.3, 0.4]  # or dead units would leave ties
    trainer = Trainer(net, SGD(1e-30), rng=0)
    history = trainer.fit(dataset, epochs=1, batch_size=8, validation=dataset)
    loss, accuracy = evaluate(net, dataset)
    assert history.epochs["train_loss"][0] == pytest.approx(loss, rel=1e-6)
    assert history.epochs["train_accuracy"][0] == pytest.approx(accuracy)
    assert history.epochs["validation_loss"][0] == pytest.approx(loss)
    assert history.epochs["validation_accuracy"][0] == pytest.approx(accuracy)
    assert history.epochs["step"] == [5]
    assert accuracy == np.mean(net.predict(dataset.features) == dataset.targets)


def test_scheduler_is_asked_for_every_step(make_trainer, dataset):
    asked = []

    class Recorder(Scheduler):
        def factor(self, epoch, step):
            asked.append((epoch, step))
            return 1 / (step + 1)

    history = make_trainer(lr=0.5, scheduler=Recorder()).fit(dataset, epochs=2, batch_size=20)
    assert asked == [(0, 0), (0, 1), (1, 2), (1, 3)]
    assert history.steps["lr"] == [0.5, 0.25, 0.5 / 3, 0.125]


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copied_trainer_goes_on_independently(make_copy, make_trainer, dataset):
    one, reference = make_trainer(), make_trainer()
    one.fit(dataset, steps=7, batch_size=8)
    reference.fit(dataset, steps=12, batch_size=8)
    other = make_copy(one)
    at_copy = one.net.parameters.values.copy()
    other.fit(dataset, steps=5, batch_size=8)
    np.testing.assert_array_equal(one.net.parameters.values, at_copy)
    np.testing.assert_array_equal(other.net.parameters.values, reference.net.parameters.values)
    one.fit(dataset, steps=5, batch_size=8)
    np.testing.assert_array_equal(one.net.parameters.values, reference.net.parameters.values)


@pytest.mark.parametrize("changed", ["features", "targets", "dtype"])
def test_another_data_set_begins_an_epoch_of_its_own(changed, make_trainer, dataset):
    features, targets = dataset.features.copy(), dataset.targets.copy()
    if changed == "features":
        features[-1, -1] += 1
    elif changed == "targets":
        targets[-1] = (targets[-1] + 1) % 4
    else:
        features = features.astype(np.float64 if features.dtype == np.float32 else np.float32)
    trainer = make_trainer()
    trainer.fit(dataset, steps=3, batch_size=8)
    trainer.fit(Dataset(features, targets), steps=3, batch_size=8)
    assert trainer.epoch == 0  # or it would have ended after 5 steps


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_copied_net_trains_on_independently(make_copy, make_trainer, dataset):
    trainer = make_trainer()
    trainer.fit(dataset, epochs=1, batch_size=8)
    other = make_copy(trainer.net)
    kept = other(dataset.features)
    before = trainer.net(dataset.features)
    Trainer(other, SGD(0.1), rng=0).fit(dataset, epochs=1)
    np.testing.assert_array_equal(trainer.net(dataset.features), before)
    trainer.fit(dataset, epochs=1)
    assert (other(dataset.features) != kept).any()
    np.testing.assert_array_equal(before, kept)


def test_a_diverging_run_keeps_its_last_finite_parameters(make_trainer, dataset):
    trainer = make_trainer(lr=1e30)
    with pytest.raises(
        DivergedError, match=r"step \d at learning rate 1e\+30: expected a finite (loss|update)"
    ):
        trainer.fit(dataset, epochs=50, batch_size=8)
    assert np.isfinite(trainer.net.parameters.values).all()
    assert len(trainer.history.steps["loss"]) == trainer.step
    assert np.isfinite(trainer.history.steps["loss"]).all()


def test_a_finite_loss_with_an_infinite_gradient_is_refused(make_trainer, dataset):
    class Broken(ReLU):
        def backward(self, dy):
            return super().backward(dy) * np.float32(np.inf)

    net = Sequential(Affine(6, 5, rng=0), Broken(), Affine(5, 4, rng=0), SoftmaxCrossEntropy())
    before = net.parameters.values.copy()
    with pytest.raises(DivergedError, match="expected a finite norm of the gradients"):
        Trainer(net, SGD(0.1), rng=0).fit(dataset, steps=1)
    np.testing.assert_array_equal(net.parameters.values, before)


@pytest.mark.parametrize("raw", [False, True])
def test_a_warm_step_allocates_a_few_numbers_a_sample(raw, rng):
    features, hidden, batch = 400, 300, 250
    pixels = rng.integers(0, 256, (4 * batch, 20, 20)).astype(np.uint8)
    first = [Standardize.fit(pixels), Flatten()] if raw else [Flatten()]
    dataset = Dataset(pixels if raw else pixels / 255, rng.integers(10, size=4 * batch))
    net = Sequential(
        *first, Affine(features, hidden, rng=rng), ReLU(), Affine(hidden, 10, rng=rng), SoftmaxCrossEntropy()
    )
    trainer = Trainer(net, SGD(0.01, momentum=0.9, nesterov=True), regularizer=L2(1e-4), rng=rng)
    trainer.fit(dataset, epochs=1, batch_size=batch)
    gc.collect()
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        trainer.fit(dataset, steps=3, batch_size=batch)
        peak = tracemalloc.get_traced_memory()[1] - start
    finally:
        tracemalloc.stop()
    # An activation of the hidden layer is 300 kB, the vector of parameters 500 kB. Subtracting a mean
    # image or adding a bias, NumPy works through an array of np.getbufsize() numbers, whatever the batch.
    assert peak < 16 * 8 * batch + 4 * np.getbufsize()


def test_a_validation_that_overflows_loses_nothing(make_trainer, dataset):
    trainer = make_trainer()
    features = dataset.features.astype(float)
    features[5] = 1e300  # more than float32 holds
    far = Dataset(features, np.where(np.arange(37) == 5, 3, 0))
    history = trainer.fit(dataset, epochs=3, batch_size=8, validation=far)
    assert trainer.epoch == 3
    for name in ("validation_loss", "validation_accuracy"):
        assert np.isnan(history.epochs[name]).tolist() == [True] * 3
    assert np.isfinite(history.epochs["train_loss"]).all()
    assert "validation not finite" in [finding.name for finding in history.diagnose()]
    with pytest.raises(DivergedError, match="none in 1 of 37 rows of x: 5;"):
        evaluate(trainer.net, far)
    reference = make_trainer()
    reference.fit(dataset, epochs=3, batch_size=8)
    np.testing.assert_array_equal(trainer.net.parameters.values, reference.net.parameters.values)


@pytest.mark.parametrize("wrong", [None, [0.5], np.ones(2), "0.5", float("nan"), float("inf"), -1.0, True])
def test_a_schedule_without_a_factor_is_named_before_any_update(wrong, make_trainer, dataset):
    class Odd(Scheduler):
        def factor(self, epoch, step):
            return 1.0 if step < 2 else wrong

        def __repr__(self):
            return "Odd()"

    trainer, reference = make_trainer(scheduler=Odd()), make_trainer()
    expected = r"^step 2: expected the factor of Odd\(\) to be a finite number >= 0, got"
    with pytest.raises(ConfigurationError, match=expected):
        trainer.fit(dataset, epochs=1, batch_size=8)
    reference.fit(dataset, steps=2, batch_size=8)
    np.testing.assert_array_equal(trainer.net.parameters.values, reference.net.parameters.values)
    assert trainer.step == len(trainer.history.steps["loss"]) == 2
    trainer.scheduler = Constant()
    trainer.fit(dataset, steps=1, batch_size=8)


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), 1])
def test_a_schedules_factor_of_any_kind_is_a_number(number, make_trainer, dataset):
    class Other(Scheduler):
        def factor(self, epoch, step):
            return number

    history = make_trainer(lr=0.5, scheduler=Other()).fit(dataset, epochs=1)
    assert type(history.steps["lr"][0]) is float
    assert history.steps["lr"][0] == 0.5 * float(number)


@pytest.mark.parametrize("wrong", [None, np.ones(3), [1.0], "1"])
def test_a_regularizer_that_gives_no_number_is_named_before_any_update(wrong, make_trainer, dataset):
    class Odd(L2):
        def add_gradients(self, parameters):
            return wrong

    trainer = make_trainer(regularizer=Odd(0.1))
    before = trainer.net.parameters.values.copy()
    with pytest.raises(
        ConfigurationError, match="Odd: expected what add_gradients returns to be a number, got"
    ):
        trainer.fit(dataset, epochs=1)
    np.testing.assert_array_equal(trainer.net.parameters.values, before)


def test_a_legacy_generator_is_refused_and_the_remedy_works(make_net):
    with pytest.raises(ConfigurationError, match=r"got RandomState.*; give np.random.default_rng\(seed\)"):
        Trainer(make_net(), SGD(0.1), rng=np.random.RandomState(0))
    Trainer(make_net(), SGD(0.1), rng=np.random.default_rng(0))


def test_validation_may_be_left_out(make_trainer, dataset):
    history = make_trainer().fit(dataset, epochs=2)
    assert history.epochs["validation_loss"] == history.epochs["validation_accuracy"] == [None, None]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ConfigurationError, "fit: expected one of epochs and steps"),
        ({"epochs": 1, "steps": 1}, ConfigurationError, "fit: expected one of epochs and steps"),
        ({"epochs": 0}, ConfigurationError, "epochs to be a whole number >= 1, got 0"),
        ({"steps": 1.5}, ConfigurationError, "steps to be a whole number >= 1, got 1.5"),
        ({"epochs": 1, "batch_size": 0}, ConfigurationError, "batch_size to be a whole number >= 1, got 0"),
        (
            {"epochs": 1, "sampling": "x"},
            ConfigurationError,
            "sampling to be one of 'shuffle', 'replacement', got 'x'",
        ),
        (
            {"epochs": 1, "validation": (1, 2)},
            DataError,
            r"validation to be of class Dataset, got \(1, 2\); wrap arrays",
        ),
    ],
)
def test_fit_checks_its_arguments(options, error, message, make_trainer, dataset):
    trainer = make_trainer()
    with pytest.raises(error, match=message):
        trainer.fit(dataset, **options)
    assert trainer.step == 0


def test_data_that_does_not_fit_the_net_is_refused_before_training(make_trainer, dataset):
    trainer = make_trainer()
    with pytest.raises(ShapeError, match=r"Affine 'affine0': expected x of shape \(batch, 6\), got \(1, 5\)"):
        trainer.fit(Dataset(np.zeros((9, 5)), np.zeros(9, int)), epochs=1)
    with pytest.raises(ShapeError, match=r"^fit, validation: Affine .*, got \(1, 5\)"):
        trainer.fit(dataset, epochs=1, validation=Dataset(np.zeros((9, 5)), np.zeros(9, int)))
    rare = Dataset(np.zeros((900, 6)), np.r_[np.zeros(899, int), 4])
    for options in ({"train": rare}, {"train": dataset, "validation": rare}):
        with pytest.raises(DataError, match="labels from 0 to 3, one for each of 4 scores, got 4"):
            trainer.fit(epochs=1, **options)
    assert trainer.step == 0


def test_parts_are_checked(make_net):
    with pytest.raises(StructureError, match="a net that ends with a loss"):
        Trainer(Sequential(Affine(2, 2)), SGD(0.1))
    callbacks = ({"callbacks": [print]}, {"callbacks": Callback()}, {"callbacks": [Callback]})
    for options in ({"optimizer": 0.1}, {"scheduler": SGD(0.1)}, {"regularizer": 1e-3}, *callbacks):
        with pytest.raises(ConfigurationError, match="Trainer: expected"):
            Trainer(make_net(), **{"optimizer": SGD(0.1), **options})
    with pytest.raises(StructureError, match="evaluate: expected a net that ends with a loss"):
        evaluate(Sequential(Affine(2, 2)), Dataset(np.zeros((1, 2)), [0]))
    with pytest.raises(StructureError, match="evaluate: expected a net that ends with a loss"):
        evaluate(Trainer(make_net(), SGD(0.1)), Dataset(np.zeros((1, 2)), [0]))
    with pytest.raises(
        DataError,
        match=r"evaluate: expected dataset to be of class Dataset, got ndarray of shape \(1, 6\); wrap",
    ):
        evaluate(make_net(), np.zeros((1, 6)))


def test_the_trainers_stream_is_its_own(make_net, dataset):
    # Draws from the generator handed in, before or after, change no shuffle.
    runs = []
    for draws in (0, 5):
        rng = np.random.default_rng(0)
        trainer = Trainer(make_net(), SGD(0.1), scheduler=Constant(), rng=rng)
        rng.random(draws)
        runs.append(trainer.fit(dataset, epochs=1, batch_size=8).steps["loss"])
    assert runs[0] == runs[1]
