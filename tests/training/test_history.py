import json

import pytest

from minidl import Dataset, History
from minidl.errors import CheckpointError


@pytest.fixture
def history(make_trainer, make_batch):
    dataset = Dataset(*make_batch(20))
    return make_trainer().fit(dataset, epochs=3, batch_size=10, validation=dataset)


def test_columns_are_plain_numbers(history):
    for table, length in ((history.steps, 6), (history.epochs, 3)):
        for name, column in table.items():
            assert len(column) == length, name
            assert {type(value) for value in column} <= {int, float}, name


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
    with pytest.raises(CheckpointError, match=r"history.json: expected a history written by History.save"):
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
