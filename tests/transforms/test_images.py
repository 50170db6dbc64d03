import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, ShapeError
from minidl.transforms import RandomCrop, RandomErase, RandomFlip
from tests.transforms.drawing import DTYPES, SEEDS, draw_features, image_shapes, is_likely


def cropped(images, padding, tops, lefts):
    """What RandomCrop makes of `images`, one image after the other."""
    out = np.zeros(images.shape, images.dtype)
    high, wide = images.shape[-2:]
    for index, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        for row in range(high):
            for column in range(wide):
                i, j = row + top - padding, column + left - padding
                if 0 <= i < high and 0 <= j < wide:
                    out[index, ..., row, column] = images[index, ..., i, j]
    return out


@given(image_shapes(), st.sampled_from(DTYPES), st.integers(0, 7), SEEDS)
def test_crop_is_what_its_loops_say(shape, dtype, padding, seed):
    images, targets = draw_features(shape, dtype, seed), np.arange(shape[0])
    padding %= min(shape[-2:])
    made, kept = RandomCrop(padding)(images, targets, np.random.default_rng(seed))
    places = np.random.default_rng(seed).integers(0, 2 * padding + 1, (2, shape[0]))
    np.testing.assert_array_equal(made, cropped(images, padding, *places), strict=True)
    assert kept is targets


@pytest.mark.parametrize(("padding", "shape"), [(2, (2, 5)), (2, (3, 5, 2)), (9, (2, 2)), (10**9, (2, 2))])
def test_a_crop_leaves_something_of_each_image(padding, shape):
    with pytest.raises(
        ShapeError, match=f"of more than {padding} rows and columns .padding., got .* x .*; pad"
    ):
        RandomCrop(padding)(np.ones((1, *shape)), np.zeros(1), 0)


def test_crop_takes_all_places_alike():
    images = np.arange(1, 10).reshape(1, 3, 3).repeat(3000, axis=0)
    made, _ = RandomCrop(1)(images, np.zeros(3000), 0)
    for top in range(3):
        for left in range(3):
            here = made == cropped(images[:1], 1, [top], [left])
            assert is_likely(here.all((1, 2)).sum(), 3000, 1 / 9)


@given(image_shapes(), st.sampled_from(DTYPES), st.sampled_from([-1, -2]), SEEDS)
def test_a_flip_of_all_is_undone_by_another(shape, dtype, axis, seed):
    images, targets = draw_features(shape, dtype, seed), np.arange(shape[0])
    flip = RandomFlip(1, axis=axis)
    made, kept = flip(images, targets, seed)
    np.testing.assert_array_equal(made, np.flip(images, axis), strict=True)
    np.testing.assert_array_equal(flip(made, targets, seed)[0], images, strict=True)
    assert kept is targets


@pytest.mark.parametrize("p", [0, 0.3, 1])
def test_so_many_images_are_flipped_and_each_as_a_whole(p):
    images = np.arange(1, 13).reshape(1, 2, 2, 3).repeat(2000, axis=0)
    made, _ = RandomFlip(p)(images, np.zeros(2000), 0)
    flipped = (made == images[..., ::-1]).all((1, 2, 3))
    assert ((made == images).all((1, 2, 3)) ^ flipped).all()
    assert is_likely(flipped.sum(), 2000, p)


@given(
    image_shapes(),
    st.sampled_from(DTYPES),
    st.sampled_from([(0, 1), (0.1, 0.4), (0.5, 0.5), (1, 1), (0, 0)]),
    st.sampled_from([(0.3, 3.3), (1, 1), (0.1, 0.2)]),
    SEEDS,
)
def test_erase_changes_rectangles_of_the_right_area_and_nothing_else(shape, dtype, scale, ratio, seed):
    images, targets = draw_features(shape, dtype, seed), np.arange(shape[0])
    made, kept = RandomErase(1, scale, ratio)(images, targets, seed)
    assert kept is targets
    assert (made.dtype, made.shape) == (images.dtype, images.shape)
    for image, after in zip(images, made, strict=True):
        erased = after != image
        np.testing.assert_array_equal(after, np.where(erased, 0, image))
        if len(shape) == 4:
            assert (erased == erased[:1]).all()  # the same in all channels
            erased = erased[0]
        rows, columns = erased.any(1), erased.any(0)
        np.testing.assert_array_equal(erased, rows[:, None] & columns)
        assert all((np.diff(np.flatnonzero(side)) == 1).all() for side in (rows, columns))
        assert not erased.any() or scale[0] <= erased.mean() <= scale[1]


def test_erase_has_the_ratio_of_height_to_width():
    images = np.ones((50, 8, 8), np.uint8)
    made, _ = RandomErase(1, (0.25, 0.25), (4, 4), 7)(images, np.zeros(50), 0)
    assert ((made == 7).any(2).sum(1) == 8).all()
    assert ((made == 7).any(1).sum(1) == 2).all()


def test_erase_draws_the_area_evenly_and_the_ratio_by_its_logarithm():
    images = np.ones((600, 99, 99), np.uint8)
    made, _ = RandomErase(1, (0.1, 0.3), (0.5, 2))(images, np.zeros(600), 0)
    areas = (made == 0).mean((1, 2))
    assert is_likely((areas < 0.15).sum(), 600, 0.25)
    highs, wides = (made == 0).any(2).sum(1), (made == 0).any(1).sum(1)
    assert is_likely((highs / wides < 2**-0.5).sum(), 600, 0.25)


def test_so_many_images_are_erased_anywhere_within():
    images = np.ones((3000, 1, 6, 6))
    made, _ = RandomErase(0.4, (0.25, 0.25), (1, 1), -2.5)(images, np.zeros(3000), 0)
    erased = made[:, 0] == -2.5
    chosen = erased.any((1, 2))
    assert is_likely(chosen.sum(), 3000, 0.4)
    tops, lefts = (erased[chosen].any(axis).argmax(1) for axis in (2, 1))
    for top in range(4):
        assert is_likely((tops == top).sum(), len(tops), 1 / 4)
        for left in range(4):
            assert is_likely(((tops == top) & (lefts == left)).sum(), len(tops), 1 / 16)


def test_an_image_in_which_no_rectangle_fits_stays():
    images = np.ones((20, 3, 3))
    made, _ = RandomErase(1, (0.9, 1), (9, 9))(images, np.zeros(20), 0)
    np.testing.assert_array_equal(made, images)


@pytest.mark.parametrize("transform", [RandomCrop(1), RandomFlip(0), RandomErase(0)], ids=repr)
def test_what_is_made_is_not_what_was_given(transform):
    images = np.ones((3, 2, 2))
    made, _ = transform(images, np.zeros(3), 0)
    assert not np.shares_memory(made, images)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomCrop(-1), "RandomCrop: expected padding to be a whole number >= 0, got -1"),
        (lambda: RandomCrop(1.5), "padding to be a whole number"),
        (lambda: RandomFlip(1.1), "RandomFlip: expected p to be a finite number >= 0 and <= 1, got 1.1"),
        (lambda: RandomFlip(axis=1), r"axis -1 \(left and right\) or -2 \(top and bottom\), got 1"),
        (lambda: RandomErase(-0.1), "RandomErase: expected p"),
        (lambda: RandomErase(scale=0.5), r"scale to be a pair \(least, most\) .* from 0 to 1, got 0.5"),
        (lambda: RandomErase(scale=(0.5, 0.2)), r"pair .* got \(0.5, 0.2\)"),
        (lambda: RandomErase(scale=(0.5, 1.2)), "scale to be a finite number >= 0 and <= 1, got 1.2"),
        (lambda: RandomErase(ratio=(0, 1)), "ratio to be a finite number"),
        (lambda: RandomErase(value="random"), "value to be a finite number"),
        (
            lambda: RandomErase(value=0.5)(np.ones((1, 2, 2), np.uint8), np.zeros(1), 0),
            "a value that uint8 holds, got 0.5",
        ),
        (lambda: RandomErase(value=256)(np.ones((1, 2, 2), np.uint8), np.zeros(1), 0), "got 256"),
    ],
)
def test_arguments_are_checked(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


@pytest.mark.parametrize("transform", [RandomCrop(1), RandomFlip(), RandomErase()], ids=repr)
@pytest.mark.parametrize("shape", [(2,), (2, 64), (2, 1, 1, 4, 4)])
def test_what_is_no_image_is_refused(transform, shape):
    words = rf"{type(transform).__name__}: expected features of shape \(N, C, H, W\) or \(N, H, W\)"
    with pytest.raises(ShapeError, match=words):
        transform(np.ones(shape), np.zeros(2), 0)
