import pytest

from minidl.errors import ConfigurationError
from minidl.recipes.augment import augmentation
from minidl.transforms import GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip


@pytest.mark.parametrize(
    ("names", "transform"),
    [
        ("none", None),
        ("flip", RandomFlip()),
        ("crop", RandomCrop(4)),
        ("crop:2,flip", RandomCrop(2) | RandomFlip()),
        ("erase,noise", RandomErase() | GaussianNoise(0.1)),
        ("noise:0.5,mixup:1", GaussianNoise(0.5) | MixUp(1.0)),
    ],
)
def test_names_and_what_they_mean(names, transform):
    assert augmentation(names) == transform


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("rotate", "names among flip, crop, erase, noise, mixup, joined by commas, got 'rotate'"),
        ("flip,", "got ''; such as flip,crop:4"),
        ("none,flip", "got 'none'"),
        ("crop:x", "a whole number after the colon, got 'crop:x'"),
        ("crop:1.5", "a whole number after the colon, got 'crop:1.5'"),
        ("flip:2", "flip without a number, got 'flip:2'"),
        ("crop:-1", "padding to be a whole number >= 0"),
        (None, "names joined by commas"),
    ],
)
def test_other_names_are_refused(names, message):
    with pytest.raises(ConfigurationError, match=message):
        augmentation(names)
