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
from minidl.errors import CheckpointError, StateError
from minidl.training import columns
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


def right():
    """What a file says of two steps and two epochs."""
    columns = {"step": [1, 2], "train_loss": [2.0, 1], "validation_loss": [None, 2.5], "lr": [0.1, 0.1]}
    return {
        "steps": {"loss": [2.5, 1.5], "lr": [0.1, 0.1]},
        "epochs": columns | {"seconds": [1, 2], "train_accuracy": [0, 0.5]},
        "unfinished": {"step": 3, "validation_loss": None},
        "kept_epoch": 2,
    }


WRONG = [
    ((), [], r"\[\]"),
    ((), "steps", "'steps'"),
    (("more",), 3, "a part 'more', where there are steps, epochs, unfinished, kept_epoch"),
    (("steps",), None, "no columns as steps, but None"),
    (("epochs",), [[1]], "no columns as epochs"),
    (("steps", "loss"), None, "no list of numbers as 'loss' of the steps, but None"),
    (("steps", "loss"), [1.0], "columns of different lengths in steps: .*'loss': 1"),
    (("epochs", "more"), [1.0], "columns of different lengths in epochs"),
    (("steps", "loss"), {"0": 1.0}, "no list of numbers as 'loss'"),
    *((("steps", "loss"), [1.0, value], f"{value!r} in the column 'loss' of the steps, no number")
      for value in (True, "1", "nan", {})),
    *((("epochs", "train_accuracy"), [1.0, value], "in the column 'train_accuracy' of the epochs, no number")
      for value in (False, "0.5", [], {})),
    (("epochs", "step"), [2, 1], r"steps at the epochs' ends that do not rise: \[2, 1\]"),
    (("epochs", "step"), [1, 2.0], "do not rise"),
    (("epochs", "step"), [-1, 2], "do not rise"),
    (("unfinished",), [], r"unfinished \[\], where the epochs have step, "),
    (("unfinished",), {"other": 1}, "unfinished .*other"),
    (("unfinished", "step"), "3", "'3' in the column 'step' of the unfinished"),
    *((("kept_epoch",), value, f"kept_epoch {value!r} of 2 epochs") for value in (0, 3, -1, 1.0, True, "1")),
]  # fmt: skip


def changed(path, value):
    content = right()
    if not path:
        return value
    *where, name = path
    table = content
    for step in where:
        table = table[step]
    table[name] = value
    return content


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_every_number_is_checked_in_files_and_states(path, value, message, tmp_path):
    content, history = changed(path, value), History()
    history.load_state_dict(right())
    (tmp_path / "h.json").write_text(json.dumps(content))
    with pytest.raises(
        CheckpointError, match=f"h.json: expected a history written by History.save, got .*{message}"
    ):
        History.load(tmp_path / "h.json")
    before = repr(vars(history))
    with pytest.raises(StateError, match=f"expected what History.state_dict gave, got .*{message}"):
        history.load_state_dict(content)
    assert repr(vars(history)) == before


@pytest.mark.parametrize("table", ["steps", "epochs"])
def test_every_history_has_these_columns(table, tmp_path):
    assert {table: list(getattr(History(), table)) for table in ("steps", "epochs")} == columns.NEEDED
    for name in columns.NEEDED[table]:
        content = right()
        del content[table][name]
        (tmp_path / "h.json").write_text(json.dumps(content))
        with pytest.raises(CheckpointError, match=f"got {table} without a column '{name}'"):
            History.load(tmp_path / "h.json")
        with pytest.raises(StateError, match=f"got {table} without a column '{name}'"):
            History().load_state_dict(content)


def test_what_older_files_lack(tmp_path):
    content = right()
    for name in ("kept_epoch", "unfinished"):
        del content[name]
        (tmp_path / "h.json").write_text(json.dumps(content))
        assert getattr(History.load(tmp_path / "h.json"), name) is None
    with pytest.raises(FileNotFoundError):
        History.load(tmp_path / "none.json")
    with pytest.raises(OSError, match="a directory, where a file is wanted"):
        History.load(tmp_path)


def same_numbers(one, other):
    """Whether columns hold the same, to the bit and the type."""
    assert list(one) == list(other)
    for name, column in one.items():
        assert list(map(repr, column)) == list(map(repr, other[name])), name


FLOATS = st.floats(width=64)


@given(
    st.lists(st.tuples(FLOATS, st.one_of(FLOATS, st.integers())), max_size=5),
    st.lists(st.one_of(st.none(), FLOATS, st.integers()), max_size=5),
)
def test_a_state_gives_the_history_back_to_the_bit(steps, epochs):
    history = History(["accuracy"])
    for loss, lr in steps:
        history.record_step(loss=loss, lr=lr)
    for step, value in enumerate(epochs, 1):
        history.record_epoch(step=step, train_loss=0.5, lr=0.1, seconds=1, validation_accuracy=value)
    history.unfinished = {"step": 7, "validation_accuracy": epochs[0]} if epochs else None
    history.kept_epoch = len(epochs) or None
    state = history.state_dict()
    assert state["steps"]["loss"].dtype == np.float64
    other = History()
    other.load_state_dict(state)
    history.record_step(loss=1, lr=1)  # of which neither state nor copy know
    history.record_epoch(step=9)
    for table in ("steps", "epochs"):
        same_numbers(getattr(other, table), {name: c[:-1] for name, c in getattr(history, table).items()})
    assert repr((other.unfinished, other.kept_epoch)) == repr((history.unfinished, history.kept_epoch))
    other.record_step(loss=2, lr=2)
    assert len(state["steps"]["loss"]) == len(steps)


@pytest.mark.parametrize(
    "array", [np.zeros(2, np.float32), np.zeros((2, 1)), np.array([1, None]), np.array("a")]
)
def test_a_state_of_other_arrays_is_refused(array, history):
    before = repr(vars(history))
    with pytest.raises(StateError, match="no list of numbers as 'loss' of the steps"):
        history.load_state_dict(changed(("steps", "loss"), array))
    with pytest.raises(StateError, match="None in the column 'loss' of the steps"):
        history.load_state_dict(changed(("steps", "loss"), [1.0, None]))
    assert repr(vars(history)) == before
    history.load_state_dict(right())
    assert vars(history) == right()


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
