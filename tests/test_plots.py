import sys

import numpy as np
import pytest

from minidl import History
from minidl.errors import ConfigurationError, DataError, MissingExtraError, ShapeError
from minidl.plots import _tile, plot_history, plot_weights

image = pytest.importorskip("matplotlib.image", reason="the extra plot is not installed")


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


def drawn(path):
    picture = image.imread(path)[..., :3]
    assert picture.std() > 0.02  # there is something on it
    return picture


def test_history(history, tmp_path):
    history.plot(tmp_path / "both.png")
    history.epochs["validation_accuracy"] = [None] * 3
    history.plot(tmp_path / "train.png")
    history.epochs["train_accuracy"] = []
    history.epochs["validation_accuracy"] = []
    history.plot(tmp_path / "loss.png")
    heights = [len(drawn(tmp_path / f"{name}.png")) for name in ("both", "train", "loss")]
    assert heights[0] == heights[1] == 2 * heights[2]
    history.plot(tmp_path / "loss.svg")
    assert (tmp_path / "loss.svg").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("shape", [(8, 8), (1, 4, 6), (3, 5, 5), (12,), (2, 3, 4)])
@pytest.mark.parametrize("units", [1, 7, 401])
def test_weights(shape, units, tmp_path):
    weight = np.random.default_rng(0).standard_normal((int(np.prod(shape)), units))
    plot_weights(weight, shape, tmp_path / "weights.png")
    drawn(tmp_path / "weights.png")


def test_tiles_are_scaled_each_by_itself():
    tiles = np.arange(2 * 3 * 3).reshape(2, 3, 3, 1) * np.array([1.0, 1000.0]).reshape(2, 1, 1, 1)
    tiles = np.concatenate([tiles, np.full((1, 3, 3, 1), 5.0)])
    grid = _tile(tiles, 2)[..., 0]
    assert grid.shape == (7, 7)
    for top, left in ((0, 0), (0, 4)):
        np.testing.assert_allclose(grid[top : top + 3, left : left + 3].ravel(), np.arange(9) / 8)
    assert (grid[4:, :3] == 0).all()  # a unit whose weights are all equal
    assert (grid[3] == 1).all()


def test_bad_input(history, tmp_path):
    with pytest.raises(DataError, match="a history with at least one step"):
        History().plot(tmp_path / "a.png")
    with pytest.raises(ConfigurationError, match="a file name ending in one of"):
        history.plot(tmp_path / "a.txt")
    with pytest.raises(ShapeError, match=r"weight of shape \(64, units\), got \(63, 2\)"):
        plot_weights(np.zeros((63, 2)), (8, 8), tmp_path / "a.png")
    with pytest.raises(FileNotFoundError):
        history.plot(tmp_path / "no" / "a.png")
    assert not list(tmp_path.iterdir())


def test_the_extra_is_named(history, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'minidl\[plot\]'"):
        plot_history(history.steps, history.epochs, tmp_path / "a.png")
