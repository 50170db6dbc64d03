from pathlib import Path

import pytest

from minidl import Callback
from minidl.callbacks import LivePlot
from minidl.errors import ConfigurationError, MissingExtraError
from tests.callbacks.runs import data, trainer_with

DATA = data()


class Clock(Callback):
    """A time of its own, in which each epoch takes so many seconds."""

    def __init__(self, seconds):
        self.seconds, self.now = seconds, 0.0

    def on_epoch_end(self, trainer):
        self.now += self.seconds


class Timed(LivePlot):
    def __init__(self, clock, *args, **options):
        self._clock = lambda: clock.now
        super().__init__(*args, **options)


def pictures(monkeypatch, seconds, cost, *fits, **options):
    """After how many steps there is a picture, where an epoch of two steps and a picture take so long."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    clock, drawn = Clock(seconds), []

    def plot(history, path):
        assert path == Path("curves.png")
        drawn.append(len(history.steps["loss"]))
        clock.now += cost

    monkeypatch.setattr("minidl.History.plot", plot)
    trainer = trainer_with(clock, Timed(clock, "curves.png", **options))
    for fit in fits:
        trainer.fit(DATA, batch_size=10, **fit)
    return drawn


def test_a_picture_after_each_epoch_and_each_fit(monkeypatch):
    fits = {"epochs": 2}, {"steps": 1}
    assert pictures(monkeypatch, 10, 0.5, *fits) == [2, 4, 5]
    assert pictures(monkeypatch, 10, 0.5, {"epochs": 3}, every=2) == [4, 6]


def test_pictures_take_no_more_than_a_tenth_of_the_time(monkeypatch):
    # The first after 2.7 seconds, which a picture is taken to need nine times over; the last always.
    assert pictures(monkeypatch, 1, 0.5, {"epochs": 16}) == [6, 16, 26, 32]
    assert pictures(monkeypatch, 0.01, 0.5, {"epochs": 30}, {"epochs": 1}) == [60, 62]
    for cost in (0.1, 2):
        drawn = pictures(monkeypatch, 1, cost, {"epochs": 60})
        followed = len(drawn) - 2  # the last two stand at the end, as near to each other as it falls
        assert followed * cost <= (60 + followed * cost) / 10
        assert drawn[-1] == 120


def test_the_picture_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    trainer_with(LivePlot(tmp_path / "curves.svg")).fit(DATA, epochs=1)
    assert "<svg" in (tmp_path / "curves.svg").read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["curves.svg"]


def test_elsewhere_than_in_a_notebook_it_needs_a_file():
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    trainer = trainer_with(LivePlot())
    with pytest.raises(ConfigurationError, match=r"LivePlot\('curves.png'\)"):
        trainer.fit(DATA, epochs=1)
    assert trainer.step == 0


def test_without_matplotlib_it_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"minidl\[plot\]"):
        trainer_with(LivePlot(tmp_path / "curves.png")).fit(DATA, epochs=1)
