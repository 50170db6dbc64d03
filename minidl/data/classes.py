"""Classes by their names: words that become labels, and labels counted as a net counts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minidl.data.dataset import Dataset
from minidl.errors import DataError
from minidl.tables import listed
from minidl.types import Array

MAX_CLASSES, MAX_CHARACTERS = 1 << 16, 1 << 24
"""Of different words in a column, and of characters in them."""

TOO_MANY = f"more than {MAX_CLASSES:,} different words or numbers, or {MAX_CHARACTERS:,} characters of them"
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})(\.0*)?")
_CODE = re.compile(r"[+-]?0[0-9]+")


def is_code(name: str) -> bool:
    """Whether it is written with digits, but as no number is: 007."""
    return _CODE.fullmatch(name) is not None


def class_name(word: str) -> str:
    """A class's name as it is written in a cell: without the space around it, 2 for ``2.0``.

    What reads as a whole number is one however it is written, but one with leading zeros, as codes
    have them, is a word.
    """
    name = " ".join(word.split()).strip('"')
    return str(int(name.partition(".")[0])) if _WHOLE.fullmatch(name) else name


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct `names` in order: by number where all are whole numbers, else as words."""
    distinct = set(names)
    return tuple(sorted(distinct, key=int) if all(map(_WHOLE.fullmatch, distinct)) else sorted(distinct))


def sort_categories(names: Iterable[str]) -> tuple[str, ...]:
    """The distinct `names` in order, as `sort_classes`, with ``""`` in front, for what is missing."""
    distinct = set(names)
    return ("",) * ("" in distinct) + sort_classes(distinct - {""})


def codes_of(names: Iterable[str], categories: Sequence[str]) -> Array:
    """The code of each name: 1 for the first of the categories, and 0 for what is none."""
    codes = {category: code for code, category in enumerate(categories, 1)}
    return np.array([codes.get(name, 0) for name in names], np.int64)


class Codes(dict[str, int]):
    """Numbers the words it is asked for, in the order of their coming; ValueError once it is full."""

    characters = 0

    @property
    def is_full(self) -> bool:
        """Whether there are more words than a column may have."""
        return len(self) > MAX_CLASSES or self.characters > MAX_CHARACTERS

    def __missing__(self, word: str) -> int:
        if self.is_full:
            raise ValueError("too many words")
        self.characters += len(word)
        return self.setdefault(word, len(self))


def match_classes(where: str, dataset: Dataset, target_names: Sequence[str]) -> Dataset:
    """`dataset` with its labels counted as `target_names` counts the classes, matched by name.

    Labels of a data set without names stay as they are.

    Raises
    ------
    DataError
        For a sample of a class that is not among `target_names`.
    """
    own = dataset.target_names
    if own is None or own == tuple(target_names):
        return dataset
    places = {name: label for label, name in enumerate(target_names)}
    new: Array = np.array([places.get(name, -1) for name in own])
    targets = new[dataset.targets]
    if (targets < 0).any():
        counts = np.bincount(dataset.targets[targets < 0], minlength=len(own))
        strangers = [f"{name!r} ({count} samples)" for name, count in zip(own, counts, strict=True) if count]
        expected = f"no class but the net's: {listed(target_names, 30)}"
        remedy = "correct these labels, leave these samples out, or train a net on all classes"
        raise DataError.expected(where, expected, listed(strangers), remedy)
    options: Any = {"weights": dataset.weights, "columns": dataset.columns}
    return Dataset(dataset.features, targets, target_names=target_names, **options)
