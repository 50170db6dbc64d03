import math
import sys

import numpy as np
import pytest

from minidl import History
from minidl.errors import ConfigurationError, DataError, MissingExtraError
from minidl.plots import plot_history
from tests.plots.pictures import drawn


@pytest.fixture
def history():
    history = History()
    for step in range(60):
        history.record_step(loss=2.3 * 0.9**step, lr=0.1)
    for epoch in range(3):
        history.record_epoch(
            step=20 * (epoch + 1), train_loss=1.0, train_accuracy=0.5, validation_loss=1.0,
            validation_accuracy=0.4, lr=0.1, seconds=1.0,
        )  # fmt: skip
    return history


def test_history(history, tmp_path):
    history.plot(tmp_path / "both.png")
    assert len(drawn(tmp_path / "both.png")) == 3 * 384  # the loss twice, and the accuracy
    history.epochs["validation_accuracy"] = []
    history.epochs |= {"train_margin": [1.0, 2.0, 3.0], "validation_r2": [math.nan] * 3}
    history.plot(tmp_path / "many.svg")
    text = (tmp_path / "many.svg").read_text()
    assert text.startswith("<?xml")
    words = ("margin", "r2", "train (while training), 3 at the end")
    assert all(f"<!-- {each} -->" in text for each in words)


@pytest.fixture
def seen(monkeypatch):
    """The figures that were to be written, which takes longer than to make them."""
    seen = []
    monkeypatch.setattr("minidl.plots.history.save_figure", lambda figure, path: seen.append(figure))
    return seen


def legend(axis):
    return [text.get_text() for text in axis.get_legend().get_texts()]


def test_the_kept_epoch_and_what_was_cut_off_are_marked(history, tmp_path, seen):
    history.epochs["validation_loss"] = [1.0, 0.25, 2.0]
    history.kept_epoch = 2
    history.unfinished = {"step": 75, "train_loss": 0.5, "validation_loss": 3.0, "train_accuracy": 0.75}
    history.save(tmp_path / "history.json")
    History.load(tmp_path / "history.json").plot(tmp_path / "a.svg")
    steps, loss, accuracy = seen.pop().axes
    assert (steps.get_ylabel(), loss.get_ylabel()) == ("loss (and any penalty)", "loss (no penalty)")
    assert legend(loss) == [
        "train (while training), 0.5 at the end",
        "validation, 3 at the end",
        "kept epoch 2: train 1, validation 0.25",
    ]
    assert legend(accuracy)[1:] == [
        "validation, 40.0% at the end",
        "kept epoch 2: train 50.0%, validation 40.0%",
    ]
    curve, point, validation, *_ = loss.get_lines()
    np.testing.assert_allclose(curve.get_xdata(), [1, 2, 3, 3.75])  # 15 of 20 steps
    np.testing.assert_allclose(validation.get_ydata(), [1, 0.25, 2, 3])
    assert (point.get_markerfacecolor(), list(point.get_xdata())) == ("white", [3.75])
    assert [list(line.get_xdata()) for line in loss.get_lines()[-1:]] == [[2, 2]]
    assert loss.get_xlabel() == "epoch (hollow: unfinished)"


def test_a_panel_for_each_metric_that_was_measured(history, tmp_path, seen):
    def count():
        history.plot(tmp_path / "a.svg")
        return len(seen.pop().axes)

    assert count() == 3
    history.epochs["validation_accuracy"] = [None] * 3
    assert count() == 3
    history.epochs["train_accuracy"] = history.epochs["validation_accuracy"] = []
    assert count() == 2
    history.epochs["validation_loss"] = [None] * 3  # the loss of training alone is in the steps
    assert count() == 1


def test_no_epoch_at_its_end(history, tmp_path, seen):
    history.epochs = {name: [] for name in history.epochs}
    history.unfinished = {"step": 60, "train_loss": 0.5, "validation_loss": 3.0}
    history.plot(tmp_path / "a.svg")
    _, loss, *_ = seen.pop().axes
    assert [list(line.get_xdata()) for line in loss.get_lines()] == 4 * [[0.5]]


def test_many_epochs_are_a_line_not_a_band(history, tmp_path, seen):
    for count in (3, 500):
        history.epochs = {name: count * [column[0]] for name, column in history.epochs.items()}
        history.plot(tmp_path / "a.svg")
        markers = {line.get_marker() for axis in seen.pop().axes[1:] for line in axis.get_lines()}
        assert markers == {"o" if count == 3 else "None"}


def test_bad_input(history, tmp_path):
    with pytest.raises(DataError, match="a history with at least one step"):
        History().plot(tmp_path / "a.png")
    with pytest.raises(ConfigurationError, match="a file name ending in one of"):
        history.plot(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError):
        history.plot(tmp_path / "no" / "a.png")
    assert not list(tmp_path.iterdir())


def test_the_extra_is_named(history, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'minidl\[plot\]'"):
        plot_history(history.steps, history.epochs, tmp_path / "a.png")
