import numpy as np
import pytest

from minidl.errors import DataError, ShapeError
from minidl.plots import plot_units
from minidl.plots.tiles import coloured
from tests.plots.pictures import drawn, figures, patches


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
    images_of = filters.reshape(6, -1, *shape[-2:]).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(first, coloured(images_of)[0])
    sign = ": red above 0, blue below" if len(shape) == 2 or shape[0] == 1 else ""
    title, note, *_ = (text.get_text() for text in axes.texts)
    assert title == "What excites each of 6 units most, of 20 images"
    assert note == f"the first 4 of 6 units; filters: each scaled by itself{sign}"
    assert [text.get_text() for text in axes.texts[-3:]] == ["filter", "1.", "2."]


@pytest.mark.parametrize(
    ("sizes", "maps", "box"),
    [
        ({}, (4, 3), (1, 2, 4, 5)),
        ({"padding": 1}, (6, 5), (0, 1, 3, 4)),
        ({"padding": 1, "stride": (2, 1)}, (3, 5), (0, 3, 3, 6)),
        ({"padding": 2, "dilation": 2}, (6, 5), (0, 0, 4, 5)),  # it begins at -1 and ends at 4 + 1
        ({"padding": 1}, (4, 3), None),
        ({}, (), None),
    ],
)
def test_a_box_marks_the_patch_of_the_highest_output(sizes, maps, box, tmp_path, monkeypatch):
    """Images of six by five pixels, in which the first unit is excited at row 2, column 1 of its map."""
    outputs = np.zeros((2, 1, *maps))
    outputs[1] = 0.5
    if maps:
        outputs[(0, 0, 2, 1)] = 1
    else:
        outputs[0] = 1
    seen = figures(monkeypatch, "units")
    images, filters = np.random.default_rng(0).random((2, 6, 5)), np.ones((1, 3, 3))
    plot_units(images, outputs, tmp_path / "a.svg", filters=filters, samples=1, title="conv2d0", **sizes)
    (axes,) = seen[0].axes
    left, right, bottom, top = axes.images[1].get_extent()
    assert (right - left) / 5 == pytest.approx((bottom - top) / 6)
    marks = [path.get_extents().extents for path in axes.collections[1].get_paths()]
    pixel = (right - left) / 5
    found = [
        ((x - left) / pixel, (y - top) / pixel, (r - left) / pixel, (b - top) / pixel) for x, y, r, b in marks
    ]
    assert found == ([pytest.approx(box)] if box else [])
    title, note, *_ = (text.get_text() for text in axes.texts)
    assert title == "conv2d0"
    assert ("box" in note) == (box is not None)


def test_a_long_title_has_room(tmp_path, monkeypatch):
    """Its end would be cut off where the tiles are few."""
    seen = figures(monkeypatch, "units")
    title = "conv2d0: what excites each unit most, of 2,000 test images (1 in 5 of 10,000)"
    plot_units(np.eye(4).reshape(1, 4, 4), np.ones((1, 1)), tmp_path / "a.png", title=title)
    text = seen[0].axes[0].texts[0]
    assert text.get_window_extent().x1 < seen[0].bbox.x1


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
