import numpy as np
import pytest

from minidl.errors import DataError, ShapeError
from minidl.plots import plot_units, plot_weights
from minidl.plots.tiles import tile
from tests.plots.pictures import drawn, figures, patches


@pytest.mark.parametrize("shape", [(8, 8), (1, 4, 6), (3, 5, 5), (12,), (2, 3, 4)])
@pytest.mark.parametrize("units", [1, 7, 401])
def test_weights(shape, units, tmp_path):
    weight = np.random.default_rng(0).standard_normal((int(np.prod(shape)), units))
    plot_weights(weight, shape, tmp_path / "weights.png")
    drawn(tmp_path / "weights.png")


def test_tiles_are_scaled_each_by_itself():
    tiles = np.arange(2 * 3 * 3).reshape(2, 3, 3, 1) * np.array([1.0, 1000.0]).reshape(2, 1, 1, 1)
    tiles = np.concatenate([tiles, np.full((1, 3, 3, 1), 5.0)])
    grid = tile(tiles, 2)[..., 0]
    assert grid.shape == (7, 7)
    for top, left in ((0, 0), (0, 4)):
        np.testing.assert_allclose(grid[top : top + 3, left : left + 3].ravel(), np.arange(9) / 8)
    assert (grid[4:, :3] == 0).all()  # a unit whose weights are all equal
    assert (grid[3] == 1).all()


def test_weights_of_another_shape_are_refused(tmp_path):
    with pytest.raises(ShapeError, match=r"weight of shape \(64, units\), got \(63, 2\)"):
        plot_weights(np.zeros((63, 2)), (8, 8), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- units


@pytest.mark.parametrize("places", [(), (3, 2)])
def test_a_row_a_unit_and_the_images_that_excite_it_most_first(places, tmp_path):
    """Images of one colour each; unit 0 likes green ones, unit 1 others, and unit 2 all the same."""
    green = np.linspace(0, 1, 10)
    images = np.zeros((10, 3, 4, 4))
    images[:, 1] = green[:, None, None]
    outputs = np.stack([green, -green, np.zeros(10)], axis=1)
    if places:  # what excites it lies at one place of a map
        maps = np.full((10, 3, *places), -5.0)
        maps[..., 1, 1] = outputs
        outputs = maps
    plot_units(images, outputs, tmp_path / "units.png", samples=3)
    found = patches(drawn(tmp_path / "units.png"), lambda red, green, blue: (red < 0.02) & (blue < 0.02))
    # The scale is that of the images that are shown; black text is small.
    greens = [round(float(colour[1]), 2) for colour in found]
    assert greens == [1, 0.89, 0.78, 0, 0.11, 0.22]


@pytest.mark.parametrize("shape", [(5, 5), (1, 5, 5), (3, 2, 3)])
def test_the_filters_stand_first(shape, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    images, outputs, filters = rng.random((20, 8, 8)), rng.random((20, 6)), rng.standard_normal((6, *shape))
    seen = figures(monkeypatch, "units")
    plot_units(images, outputs, tmp_path / "units.png", filters=filters, units=4, samples=2)
    axes = seen[0].axes[0]
    assert len(axes.images) == 4 * (1 + 2)
    first = np.asarray(axes.images[0].get_array())
    expected = filters[0].reshape(-1, *shape[-2:]).transpose(1, 2, 0)
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_allclose(first.reshape(expected.shape), expected)
    assert axes.texts[0].get_text() == "The first 4 of 6 units: what excites them most"


def test_what_is_no_image_and_no_output_is_refused(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(ShapeError, match=r"images of shape \(N, H, W\), .* got \(4, 2, 3, 3\)"):
        plot_units(np.zeros((4, 2, 3, 3)), np.zeros((4, 2)), path)
    with pytest.raises(
        ShapeError, match=r"outputs of shape \(4, units, ...\), a row for each image, got \(3, 2\)"
    ):
        plot_units(np.zeros((4, 3, 3)), np.zeros((3, 2)), path)
    with pytest.raises(ShapeError, match="a filter for each of 2 units, got 5"):
        plot_units(np.zeros((4, 3, 3)), np.zeros((4, 2)), path, filters=np.zeros((5, 3, 3)))
    with pytest.raises(DataError, match="outputs of finite numbers"):
        plot_units(np.zeros((4, 3, 3)), np.full((4, 2), np.nan), path)
    assert not list(tmp_path.iterdir())
