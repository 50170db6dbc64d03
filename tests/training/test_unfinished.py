"""What a fit that ends within an epoch measures of it."""

import json
import signal
from contextlib import suppress

import numpy as np
import pytest

from minidl import SGD, Callback, Dataset, History, Trainer, evaluate
from minidl.errors import CheckpointError
from minidl.optimizers import LBFGS


class At(Callback):
    """Does something after a step."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def on_step_end(self, trainer):
        if trainer.step == self.step:
            self.action(trainer)


def stop(trainer):
    trainer.stop("enough")


def interrupt(trainer):
    signal.raise_signal(signal.SIGINT)


def fail(trainer):
    raise RuntimeError("no")


@pytest.fixture
def dataset(make_batch):
    return Dataset(*make_batch(37))


def fit(trainer, dataset, **options):
    with suppress(KeyboardInterrupt, RuntimeError):
        trainer.fit(dataset, batch_size=10, **options)  # four steps an epoch
    return trainer


@pytest.mark.parametrize(
    ("callback", "options"),
    [
        (None, {"steps": 6}),
        (At(6, stop), {"epochs": 5}),
        (At(6, interrupt), {"epochs": 5}),
    ],
)
def test_the_part_that_is_done_is_measured(callback, options, make_trainer, dataset):
    trainer = make_trainer(callbacks=[callback] if callback else [])
    fit(trainer, dataset, validation=dataset, **options)
    history = trainer.history
    assert trainer.step == 6
    assert len(history.epochs["lr"]) == 1
    row = history.unfinished
    assert set(row) == set(history.epochs)
    assert (row["step"], row["lr"]) == (6, 0.1)
    assert row["train_loss"] == pytest.approx(np.mean(history.steps["loss"][4:]), rel=1e-6)
    assert (row["validation_loss"], row["validation_accuracy"]) == evaluate(trainer.net, dataset)
    assert row["seconds"] > 0
    assert {type(number) for number in row.values()} <= {int, float}


def test_it_is_none_after_a_whole_epoch_and_after_an_error(make_trainer, dataset):
    trainer = make_trainer()
    assert trainer.history.unfinished is None
    assert fit(trainer, dataset, steps=3).history.unfinished["validation_loss"] is None
    assert fit(trainer, dataset, epochs=1).history.unfinished is None
    assert fit(trainer, dataset, steps=1).history.unfinished["step"] == 5
    trainer.callbacks = [At(6, fail)]
    assert fit(trainer, dataset, epochs=1).history.unfinished is None


def test_an_epoch_of_one_step_is_whole(make_trainer, dataset):
    trainer = make_trainer()
    trainer.fit(dataset, steps=3, batch_size=len(dataset), validation=dataset)
    assert trainer.history.unfinished is None
    assert len(trainer.history.epochs["lr"]) == 3


def test_before_a_callback_at_the_epochs_end_the_epoch_is_whole(make_trainer, dataset):
    class Failing(Callback):
        def on_epoch_end(self, trainer):
            interrupt(trainer)

    trainer = fit(make_trainer(callbacks=[Failing()]), dataset, epochs=2)
    assert (trainer.epoch, trainer.history.unfinished) == (1, None)


@pytest.mark.parametrize("parts", [[3, 2], [5, 1, 4], [1] * 9])
def test_fits_add_up_to_the_bit(parts, make_trainer, dataset):
    trainers = [make_trainer() for _ in range(2)]
    fit(trainers[0], dataset, steps=sum(parts), validation=dataset)
    for steps in parts:
        fit(trainers[1], dataset, steps=steps, validation=dataset)
    np.testing.assert_array_equal(*(trainer.net.parameters.values for trainer in trainers))
    rows = [trainer.history.unfinished for trainer in trainers]
    for row in rows:
        row.pop("seconds")
    assert rows[0] == rows[1]
    columns = [trainer.history.epochs for trainer in trainers]
    for epochs in columns:
        epochs.pop("seconds")
    assert columns[0] == columns[1]


def test_callbacks_see_it_at_the_fits_end(make_trainer, dataset):
    class Sees(Callback):
        def on_fit_end(self, trainer):
            self.seen = trainer.history.unfinished["validation_loss"]

    sees = Sees()
    trainer = fit(make_trainer(callbacks=[sees]), dataset, steps=3, validation=dataset)
    assert sees.seen == trainer.net.loss(dataset.features, dataset.targets)


def test_a_minimizer_ends_at_an_epochs_end(make_net, dataset):
    trainer = Trainer(make_net(), LBFGS(), rng=0)
    assert trainer.fit(dataset, steps=3, validation=dataset).unfinished is None


def test_json_out_and_in(make_trainer, dataset, tmp_path):
    path = tmp_path / "history.json"
    history = fit(make_trainer(), dataset, steps=3).history
    history.unfinished["train_loss"] = np.nan
    history.save(path)
    np.testing.assert_equal(History.load(path).unfinished, history.unfinished)
    stored = json.loads(path.read_text())
    del stored["unfinished"], stored["sha256"]  # as older files
    path.write_text(json.dumps(stored))
    assert History.load(path).unfinished is None
    for wrong in ([1], "row", 3):
        path.write_text(json.dumps(stored | {"unfinished": wrong}))
        with pytest.raises(CheckpointError, match=r"history.json: expected a history"):
            History.load(path)


def test_other_data_begin_another_epoch(make_net, dataset):
    trainer = Trainer(make_net(), SGD(0.1), rng=0)
    fit(trainer, dataset, steps=3)
    fit(trainer, dataset[:20], steps=1)
    row = trainer.history.unfinished
    assert row["train_loss"] == pytest.approx(trainer.history.steps["loss"][-1], rel=1e-6)
