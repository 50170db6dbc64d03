import math
import sys

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
    history.epochs["validation_accuracy"] = [None] * 3
    history.plot(tmp_path / "train.png")
    history.epochs["train_accuracy"] = []
    history.epochs["validation_accuracy"] = []
    history.plot(tmp_path / "loss.png")
    heights = [len(drawn(tmp_path / f"{name}.png")) for name in ("both", "train", "loss")]
    assert heights[0] == heights[1] == 2 * heights[2]
    history.epochs |= {"train_margin": [1.0, 2.0, 3.0], "validation_r2": [math.nan] * 3}
    history.plot(tmp_path / "many.svg")
    text = (tmp_path / "many.svg").read_text()
    assert text.startswith("<?xml")
    assert all(f"<!-- {words} -->" in text for words in ("margin", "r2", "train, 3 at the end"))


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
