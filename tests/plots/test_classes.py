import numpy as np
import pytest

from minidl.errors import ConfigurationError, DataError, ShapeError
from minidl.plots import plot_confusion_matrix, plot_mistakes
from tests.plots.pictures import drawn, figures, patches


@pytest.mark.parametrize("classes", [1, 3, 14])
def test_counts_and_shares_of_the_rows(classes, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 9, (classes, classes)) * (rng.random((classes, classes)) < 0.2)
    matrix += np.diag(rng.integers(50, 99, classes))
    names = [f"the class of number {number}" for number in range(classes)]
    seen = figures(monkeypatch, "classes")
    plot_confusion_matrix(matrix, tmp_path / "a.png", names)
    drawn(tmp_path / "a.png")
    (axes,) = seen[0].axes
    texts = {text.get_position(): text.get_text().split("\n") for text in axes.texts}
    rows, columns = np.nonzero(matrix)
    assert set(texts) == set(zip(columns, rows, strict=True))
    for (column, row), (count, share) in texts.items():
        assert int(count) == matrix[row, column]
        assert float(share.rstrip("%")) / 100 == pytest.approx(
            matrix[row, column] / matrix[row].sum(), abs=0.0051
        )
    assert [label.get_text() for label in axes.get_yticklabels()] == names
    colours = axes.images[0].get_array()
    assert not np.diag(colours).any()
    mistakes = matrix / matrix.sum(1, keepdims=True) * (1 - np.eye(classes))
    np.testing.assert_allclose(colours, mistakes)
    assert axes.get_title() == f"{np.trace(matrix):,} of {matrix.sum():,} right"


def test_a_mistake_is_red_and_what_is_right_is_not(tmp_path):
    plot_confusion_matrix([[500, 50], [0, 500]], tmp_path / "a.png")
    red = patches(drawn(tmp_path / "a.png"), lambda red, green, blue: (red > 0.6) & (green < 0.2))
    assert len(red) == 1


def test_a_class_without_samples_long_names_and_many_classes(tmp_path, monkeypatch):
    seen = figures(monkeypatch, "classes")
    plot_confusion_matrix([[5, 0], [0, 0]], tmp_path / "a.png", ("$\\frac{$", "x" * 99))
    assert [text.get_text() for text in seen[0].axes[0].texts] == ["5\n100%"]
    assert seen[0].axes[0].get_yticklabels()[1].get_text() == "x" * 23 + "…"
    plot_confusion_matrix(np.ones((31, 31)), tmp_path / "b.png")
    assert not seen[1].axes[0].texts
    plot_confusion_matrix(np.zeros((2, 2)), tmp_path / "c.png")
    assert seen[2].axes[0].get_title() == "no samples"


def test_counts_that_are_none_are_refused(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(ShapeError, match=r"a matrix \(classes, classes\), got \(2, 3\)"):
        plot_confusion_matrix(np.zeros((2, 3)), path)
    with pytest.raises(DataError, match="counts, finite and >= 0"):
        plot_confusion_matrix([[1, -1], [0, 1]], path)
    with pytest.raises(ConfigurationError, match="names to be 2 words, one for each class, got 3 words"):
        plot_confusion_matrix(np.eye(2), path, ["a", "b", "c"])
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- mistakes


def mistakes(count, wrong):
    """Images of one green each, labels, predictions and probabilities; the greener, the surer."""
    order = np.random.default_rng(0).permutation(count)
    sure = 0.5 + order / (2 * count)
    images = np.zeros((count, 3, 4, 4))
    images[:, 1] = sure[:, None, None]
    labels = np.zeros(count, int)
    predictions = np.where(np.arange(count) < wrong, 1, 0)
    probabilities = np.stack([1 - sure, sure], axis=1)
    return images, labels, predictions, probabilities


@pytest.mark.parametrize(("count", "wrong", "tiles"), [(12, 1, 1), (20, 11, 11), (60, 55, 40)])
def test_as_many_tiles_as_mistakes_the_surest_first(count, wrong, tiles, tmp_path):
    images, labels, predictions, probabilities = mistakes(count, wrong)
    images[:, 0] = 1  # red in all, so that none is black
    images[:, 2, 0, 0] = 0
    plot_mistakes(images, labels, predictions, probabilities, tmp_path / "a.png")
    found = patches(drawn(tmp_path / "a.png"), lambda red, green, blue: (red > 0.98) & (blue < 0.02))
    assert len(found) == tiles
    greens = np.sort(probabilities[:wrong, 1])[::-1][:tiles]
    np.testing.assert_allclose([colour[1] for colour in found], greens, atol=0.01)


@pytest.mark.parametrize("shape", [(4, 6), (1, 4, 6), (3, 6, 4)])
def test_label_what_it_was_taken_for_and_how_sure(shape, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    labels, predictions = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 1])
    probabilities = np.array([[1, 0, 0], [0.2, 0, 0.8], [0, 0, 1], [0, 0.91, 0.09]])
    seen = figures(monkeypatch, "classes")
    names = ["cat", "dog", "a very long name of a class"]
    plot_mistakes(rng.random((4, *shape)), labels, predictions, probabilities, tmp_path / "a.png", names)
    title, *captions = (text.get_text() for text in seen[0].axes[0].texts)
    assert title == "2 of 4 samples mistaken"
    assert captions[:3] == ["a very long name of …", "taken for dog", "91.0% sure"]
    assert captions[3:] == ["dog", "taken for a very lon…", "80.0% sure"]
    sure = probabilities[np.arange(4), predictions]
    plot_mistakes(rng.random((4, *shape)), labels, predictions, sure, tmp_path / "b.png", names)
    assert [text.get_text() for text in seen[1].axes[0].texts] == [title, *captions]


def test_captions_stand_on_one_line_and_no_mistake_is_certain(tmp_path, monkeypatch):
    """A slash is higher than a letter: aligned by their tops, the words would stand lower or higher."""
    seen = figures(monkeypatch, "classes")
    sure = [1.0, 0.9996, 0.9994]
    names = ["T-shirt/top", "aaa", "Coat"]
    plot_mistakes(np.ones((3, 4, 4)), [0, 1, 2], [1, 2, 0], sure, tmp_path / "a.png", names)
    _, *captions = seen[0].axes[0].texts
    assert {text.get_verticalalignment() for text in captions} == {"baseline"}
    for line in range(3):
        assert len({text.get_position()[1] for text in captions[line::3]}) == 1
    assert [text.get_text() for text in captions[2::3]] == [">99.9% sure", ">99.9% sure", "99.9% sure"]


def test_without_a_mistake(tmp_path, monkeypatch):
    seen = figures(monkeypatch, "classes")
    plot_mistakes(np.ones((3, 4, 4)), [0, 1, 2], [0, 1, 2], np.ones(3), tmp_path / "a.png")
    assert [text.get_text() for text in seen[0].axes[0].texts if text.get_text()] == [
        "0 of 3 samples mistaken"
    ]
    assert not seen[0].axes[0].images


def test_arrays_that_do_not_fit_are_refused(tmp_path):
    good = [np.zeros((3, 4, 4)), [0, 1, 1], [0, 0, 1], np.ones((3, 2)), tmp_path / "a.png"]
    for place, wrong, error, message in [
        (0, np.zeros((3, 2, 4, 4)), ShapeError, "images of shape"),
        (0, np.full((3, 4, 4), np.nan), DataError, "images of finite numbers"),
        (1, [0, 1], ShapeError, r"labels of shape \(3,\)"),
        (2, [0, -1, 1], DataError, "predictions counted from 0"),
        (3, np.ones((3, 1)), ShapeError, r"probabilities of shape \(3, classes\)"),
        (3, [1, np.nan, 1], DataError, "finite probabilities"),
    ]:
        with pytest.raises(error, match=message):
            plot_mistakes(*good[:place], wrong, *good[place + 1 :])
    with pytest.raises(ConfigurationError, match="names to be at least 2 words"):
        plot_mistakes(*good, ["a"])
    assert not list(tmp_path.iterdir())
