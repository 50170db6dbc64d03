import itertools

import numpy as np
import pytest

from minidl.errors import ConfigurationError, DataError, ShapeError
from minidl.metrics import R2, MeanAbsoluteError, RootMeanSquaredError
from minidl.plots import plot_predictions
from tests.deep import first_only
from tests.plots.pictures import drawn, figures


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 2)])
def test_points_and_figures(shape, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    true = rng.standard_normal(shape) * 10 + 5
    found = true + rng.standard_normal(shape)
    seen = figures(monkeypatch, "numbers")
    plot_predictions(true, found, tmp_path / "a.png")
    drawn(tmp_path / "a.png")
    (figure,) = seen
    numbers = true.reshape(50, -1).shape[1]
    assert len(figure.axes) == 2 * numbers
    for number in range(numbers):
        t, y = (array.reshape(50, -1)[:, [number]] for array in (true, found))
        points = figure.axes[2 * number].lines[1]
        np.testing.assert_allclose(points.get_xdata(), t[:, 0])
        np.testing.assert_allclose(points.get_ydata(), y[:, 0])
        title = figure.axes[2 * number].get_title()
        for metric, text in (
            (R2(), "R² {:.3f}"), (MeanAbsoluteError(), "MAE {:.3g}"), (RootMeanSquaredError(), "RMSE {:.3g}")
        ):  # fmt: skip
            metric.update(y, t)
            assert text.format(metric.compute()) in title
        heights = [bar.get_height() for bar in figure.axes[2 * number + 1].patches]
        assert sum(heights) == 50


def test_many_samples_and_targets_that_are_all_equal(tmp_path, monkeypatch):
    seen = figures(monkeypatch, "numbers")
    plot_predictions(np.ones(25_000), np.linspace(0, 2, 25_000), tmp_path / "a.png")
    assert len(seen[0].axes[0].lines[1].get_xdata()) == 25_000 // 3 + 1
    assert "R²" not in seen[0].axes[0].get_title()
    plot_predictions([1.0], [1.0], tmp_path / "b.png")
    drawn(tmp_path / "b.png")


@pytest.mark.parametrize("highest", first_only(25_000, 0.003, 900_000, 3e7, 4e12))
def test_ticks_do_not_run_into_each_other(highest, tmp_path, monkeypatch):
    seen = figures(monkeypatch, "numbers")
    true = np.linspace(0.1 * highest, highest, 30)
    found = true - 0.3 * highest * (true == highest)
    plot_predictions(true, found, tmp_path / "a.png", ["price"])
    left, right = seen[0].axes
    for axes in (left, right):
        low, high = axes.get_xlim()
        labels = [label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        boxes = [label.get_window_extent() for label in labels]
        assert len(boxes) > 1
        assert all(one.x1 + 3 < other.x0 for one, other in itertools.pairwise(boxes))
    texts = [label.get_text() for label in left.get_xticklabels()]
    assert ("20,000" in texts) == (highest == 25_000)
    assert (left.get_xlabel(), left.get_ylabel()) == ("true price", "predicted price")
    if highest == 25_000:
        rmse = 0.3 * highest / 30**0.5
        assert left.get_title().endswith(f"MAE 250, RMSE {rmse:,.0f}")
        assert "−" in "".join(label.get_text() for label in right.get_xticklabels())


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"predictions of shape \(3, 1\), got \(2, 1\)"):
        plot_predictions([1, 2, 3], [1, 2], tmp_path / "a.png")
    with pytest.raises(DataError, match="targets of finite numbers"):
        plot_predictions([1, np.nan], [1, 2], tmp_path / "a.png")
    with pytest.raises(ConfigurationError, match="names to be 1 words, one for each number, got str"):
        plot_predictions([1, 2], [1, 2], tmp_path / "a.png", "price")
    assert not list(tmp_path.iterdir())
