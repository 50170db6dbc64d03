"""Augmentation by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import or_

from minidl import transforms
from minidl.advice import shown
from minidl.errors import ConfigurationError
from minidl.transforms import Transform

_NAMES: dict[str, tuple[Callable[..., Transform], float | None]] = {
    "flip": (transforms.RandomFlip, None),
    "crop": (transforms.RandomCrop, 4),
    "erase": (transforms.RandomErase, None),
    "noise": (transforms.GaussianNoise, 0.1),
    "mixup": (transforms.MixUp, 0.2),
}
"""The transform that each name means, and the number that it takes where none follows the name."""


def augmentation(names: str) -> Transform | None:
    """The transform that names mean: ``"flip,crop:4"`` is ``RandomFlip() | RandomCrop(4)``.

    Parameters
    ----------
    names : str
        Some of "flip", "crop" (4 pixels each way), "erase", "noise" (standard deviation 0.1) and
        "mixup" (alpha 0.2), joined by commas; another number follows a colon, as in "crop:2". "none"
        is none.

    Raises
    ------
    ConfigurationError
        For another name, or a number that the transform does not take.
    """
    if not isinstance(names, str):
        raise ConfigurationError.expected(
            "augment", "names joined by commas, such as 'flip,crop:4'", shown(names)
        )
    return None if names == "none" else reduce(or_, map(_one, names.split(",")))


def _one(text: str) -> Transform:
    name, colon, number = text.partition(":")
    kind, usual = _NAMES.get(name, (None, None))
    if kind is None:
        expected = f"none, or names among {', '.join(_NAMES)}, joined by commas"
        raise ConfigurationError.expected("augment", expected, shown(text), "such as flip,crop:4")
    if usual is None:
        if colon:
            raise ConfigurationError.expected("augment", f"{name} without a number", shown(text))
        return kind()
    try:
        return kind(type(usual)(number) if colon else usual)
    except ValueError as error:
        if isinstance(error, ConfigurationError):
            raise ConfigurationError(f"augment {text!r}: {error}") from None
        expected = f"a {'whole number' if type(usual) is int else 'number'} after the colon"
        raise ConfigurationError.expected("augment", expected, shown(text)) from None
