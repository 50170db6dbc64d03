import numpy as np
import pytest

from minidl.errors import ConfigurationError, ShapeError
from minidl.plots import plot_weights
from minidl.plots.tiles import coloured
from tests.plots.pictures import drawn, figures


@pytest.mark.parametrize(
    ("shape", "units"),
    [((1, 4, 6), 1), ((3, 5, 5), 7), ((2, 3, 4), 7), ((8, 8), 401), ((12,), 401)],
)
def test_weights(shape, units, tmp_path):
    weight = np.random.default_rng(0).standard_normal((int(np.prod(shape)), units))
    plot_weights(weight, shape, tmp_path / "weights.png")
    drawn(tmp_path / "weights.png")


def test_a_tile_is_blue_below_0_and_red_above_on_its_own_scale():
    weights = np.array([[-2.0, 0.0, 1.0], [-2e3, 0.0, 2e3], [0.0, 0.0, 0.0]]).reshape(3, 1, 3, 1)
    (low, zero, half), (_, _, high), nothing = coloured(weights)[:, 0]
    red, blue = 0, 2
    assert low[blue] > low[red] + 0.5
    assert high[red] > high[blue] + 0.5
    np.testing.assert_allclose(zero, 247 / 255)
    assert zero[blue] > half[blue] > high[blue]  # it is half as far from 0 as the lowest weight
    np.testing.assert_array_equal(nothing, [zero] * 3)
    colours = np.arange(12.0).reshape(1, 2, 2, 3) - 6  # an RGB image's weights are its colours
    np.testing.assert_allclose(coloured(colours).ravel(), np.arange(12) / 11)


@pytest.mark.parametrize(("units", "rows"), [(16, [4] * 4), (30, [6] * 5), (7, [4, 3])])
def test_the_last_row_is_nearly_full_and_each_tile_has_a_frame(units, rows, tmp_path, monkeypatch):
    seen = figures(monkeypatch, "weights")
    weight = np.random.default_rng(0).standard_normal((9, units))
    plot_weights(weight, (3, 3), tmp_path / "a.svg", title="the filters")
    (axes,) = seen[0].axes
    grid = np.asarray(axes.images[0].get_array()) / 255
    edges = [path.get_extents().extents for path in axes.collections[0].get_paths()]
    tops = [top for _, top, _, _ in edges]
    assert [tops.count(top) for top in sorted(set(tops))] == rows
    white = np.ones(grid.shape[:2], bool)
    for (left, top, right, bottom), expected in zip(edges, coloured(tiles_of(weight)), strict=True):
        part = slice(int(top + 0.5), int(bottom + 0.5)), slice(int(left + 0.5), int(right + 0.5))
        np.testing.assert_allclose(grid[part], expected.repeat(3, 0).repeat(3, 1), atol=1 / 255)
        white[part] = False
    assert (grid[white] == 1).all()
    texts = [text.get_text() for text in seen[0].texts]
    assert texts == ["the filters", "each scaled by itself: red above 0, blue below"]


def tiles_of(weight):
    return weight.T.reshape(-1, 3, 3, 1)


@pytest.mark.parametrize(("channels", "shape"), [(1, (3, 3)), (1, (1, 3, 3)), (3, (3, 3, 3)), (2, (2, 3, 3))])
def test_a_convolutions_weight_is_drawn_as_it_is(channels, shape, tmp_path, monkeypatch):
    seen = figures(monkeypatch, "weights")
    weight = np.random.default_rng(0).standard_normal((4, channels, 3, 3))
    plot_weights(weight, shape, tmp_path / "a.svg")
    plot_weights(weight.reshape(4, -1).T, shape, tmp_path / "b.svg")
    first, second = ([np.asarray(image.get_array()) for image in figure.axes[0].images] for figure in seen)
    assert len(first) == 1
    assert first[0].ndim == (2 if channels == 2 else 3)
    np.testing.assert_array_equal(first, second)


def test_names_stand_beside_the_rows_of_a_map_as_many_as_have_room(tmp_path, monkeypatch):
    seen = figures(monkeypatch, "weights")
    names = ["$a_", "", "", "x" * 99, *(f"column {row}" for row in range(4, 120))]
    plot_weights(np.ones((120, 2)), (120,), tmp_path / "a.svg", names=names, title="of a table")
    axes = seen[0].axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["$a_", "x" * 23 + "…", *names[6::3]]
    assert (axes.get_ylabel(), axes.get_title()) == ("", "of a table")
    with pytest.raises(ConfigurationError, match="names to be 3 words, one for each row, got 2 words"):
        plot_weights(np.eye(3), (3,), tmp_path / "c.svg", names=["a", "b"])


def test_weights_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"weight of shape \(64, units\), got \(63, 2\)"):
        plot_weights(np.zeros((63, 2)), (8, 8), tmp_path / "a.png")
    with pytest.raises(ShapeError, match=r"with 9 numbers a unit, or \(9, units\), got \(16, 2, 3, 3\)"):
        plot_weights(np.zeros((16, 2, 3, 3)), (3, 3), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())
