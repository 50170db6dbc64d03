import json
import math
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import (
    SGD,
    Affine,
    Dataset,
    History,
    Regularizer,
    Scheduler,
    Sequential,
    SoftmaxCrossEntropy,
    Trainer,
    evaluate,
)
from minidl.errors import CheckpointError
from tests.test_files import NUMBERS


@pytest.fixture
def history(make_trainer, make_batch):
    dataset = Dataset(*make_batch(20))
    return make_trainer().fit(dataset, epochs=3, batch_size=10, validation=dataset)


def check_plain(history, steps, epochs):
    for table, length in ((history.steps, steps), (history.epochs, epochs)):
        for name, column in table.items():
            assert len(column) == length, name
            assert {type(value) for value in column} <= {int, float}, name


def test_columns_are_plain_numbers(history):
    check_plain(history, 6, 3)


def test_json_out_and_in(history, tmp_path):
    history.epochs["validation_loss"][1] = None
    history.save(tmp_path / "history.json")
    other = History.load(tmp_path / "history.json")
    assert (other.steps, other.epochs) == (history.steps, history.epochs)
    assert repr(other) == repr(history)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "nonsense", '{"steps": {}, "epochs": {}}', '{"steps": 3, "epochs": 4}', "null"],
)
def test_foreign_files_are_refused(text, tmp_path):
    (tmp_path / "history.json").write_text(text)
    expected = "a history written by History.save|JSON as minidl writes it"
    with pytest.raises(CheckpointError, match=rf"history.json: expected ({expected}), got"):
        History.load(tmp_path / "history.json")


def test_columns_of_different_lengths_are_refused(history, tmp_path):
    history.steps["lr"].pop()
    (tmp_path / "h.json").write_text(json.dumps({"steps": history.steps, "epochs": history.epochs}))
    with pytest.raises(CheckpointError, match="different lengths"):
        History.load(tmp_path / "h.json")


def test_repr_sums_up(history):
    assert repr(History()) == "History(0 steps, 0 epochs)"
    assert "6 steps, 3 epochs, loss" in repr(history)
    assert "validation accuracy" in repr(history)
    history.record_epoch(
        train_margin=2.5, train_accuracy=0.25, validation_loss=1, validation_top_2_accuracy=1
    )
    assert repr(history).endswith("train accuracy 25.0%, train margin 2.5, validation top 2 accuracy 100.0%)")


def strict(path):
    return json.loads(path.read_bytes(), parse_constant=pytest.fail)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_numbers_of_every_kind_come_back_from_json_that_is_json(rows):
    history = History()
    for loss, lr in rows:
        history.record_step(loss=loss, lr=lr)
        others = {"step": 3, "train_accuracy": 0.5, "validation_accuracy": None, "validation_loss": None}
        history.record_epoch(train_loss=loss, lr=lr, seconds=loss, **others)
    for table in (history.steps, history.epochs):
        for column in table.values():
            assert {type(number) for number in column} <= {int, float, type(None)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.json")
        history.save(path)
        strict(path)
        other = History.load(path)
    for table, expected in ((other.steps, history.steps), (other.epochs, history.epochs)):
        for name, column in expected.items():
            for found, number in zip(table[name], column, strict=True):
                if number is None or isinstance(number, int) or math.isfinite(number):
                    assert found == number
                    assert type(found) is type(number)
                else:
                    assert math.isnan(found)


def test_what_others_put_into_the_columns_is_written_as_json(history, tmp_path):
    history.epochs["validation_loss"] = [np.float32(0.5), np.nan, None]
    history.steps["loss"][0] = np.array(np.inf)
    history.save(tmp_path / "history.json")
    stored = strict(tmp_path / "history.json")
    assert stored["epochs"]["validation_loss"] == [0.5, None, None]
    assert stored["steps"]["loss"][0] is None
    assert math.isnan(History.load(tmp_path / "history.json").steps["loss"][0])


class Float32(SoftmaxCrossEntropy):
    """A loss that gives NumPy's numbers."""

    def forward(self, scores, targets, *, training):
        return np.float32(super().forward(scores, targets, training=training))


class Schedule(Scheduler):
    def __init__(self, kind):
        self.kind = kind

    def factor(self, epoch, step):
        return self.kind(0.5)


class Penalty(Regularizer):
    def penalty(self, parameters):
        return np.float32(0.1)

    add_gradients = penalty


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.array, Fraction, lambda value: np.int64(1)])
def test_what_schedules_losses_and_penalties_give_is_recorded_plain(make_batch, tmp_path, kind):
    net = Sequential(Affine(6, 4, rng=0), Float32())
    trainer = Trainer(net, SGD(0.1), scheduler=Schedule(kind), regularizer=Penalty(), rng=0)
    dataset = Dataset(*make_batch(20))
    history = trainer.fit(dataset, epochs=3, batch_size=7, validation=dataset)
    check_plain(history, 9, 3)
    history.save(tmp_path / "history.json")
    other = History.load(tmp_path / "history.json")
    assert (other.steps, other.epochs) == (history.steps, history.epochs)
    assert [type(number) for number in evaluate(net, dataset)] == [float, float]


def test_losses_add_up_in_double_precision(make_batch):
    """The mean of equal losses is that loss, however many they are."""
    dataset = Dataset(*make_batch(3000))
    net = Sequential(Affine(6, 4, rng=0), Float32())
    net.parameters.values[:] = 0
    trainer = Trainer(net, SGD(1e-30), rng=0)
    history = trainer.fit(dataset, epochs=1, batch_size=1)
    assert history.epochs["train_loss"] == [pytest.approx(float(np.float32(np.log(4))), rel=1e-12)]


def test_a_history_with_gaps_is_read_drawn_and_diagnosed(tmp_path):
    history = History()
    for step in range(60):
        history.record_step(loss=math.nan if step in (20, 59) else 2.0 - step / 40, lr=0.1)
    history.save(tmp_path / "history.json")
    loaded = History.load(tmp_path / "history.json")
    for each in (history, loaded):
        (finding,) = each.diagnose()
        assert finding.name == "rate too large"
        assert "no finite number at 2 of 60 steps, first at 21" in finding.evidence
        repr(each)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    loaded.plot(tmp_path / "history.png")
    nothing = History()
    nothing.record_step(loss=math.inf, lr=0.1)
    nothing.plot(tmp_path / "nothing.png")
