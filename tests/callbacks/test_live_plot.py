import pytest

from minidl.callbacks import LivePlot
from minidl.errors import ConfigurationError, MissingExtraError
from tests.callbacks.runs import data, trainer_with

DATA = data()


def test_a_picture_after_each_epoch_and_each_fit(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    drawn = []

    def draw(steps, epochs, path):
        drawn.append((len(steps["loss"]), len(epochs["lr"]), path))

    monkeypatch.setattr("minidl.callbacks.live_plot.plot_history", draw)
    path = tmp_path / "curves.png"
    trainer = trainer_with(LivePlot(path))
    trainer.fit(DATA, epochs=2, batch_size=10)
    trainer.fit(DATA, steps=1, batch_size=10)
    assert drawn == [(2, 1, path), (4, 2, path), (5, 2, path)]
    drawn.clear()
    trainer_with(LivePlot(path, every=2)).fit(DATA, epochs=3, batch_size=10)
    assert drawn == [(4, 2, path), (6, 3, path)]


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
