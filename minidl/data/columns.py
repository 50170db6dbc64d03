"""What the columns of a table are: numbers, or categories and their codes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from minidl.advice import shown
from minidl.checks import check_kind
from minidl.errors import DataError
from minidl.tables import listed
from minidl.types import Array


@dataclass(frozen=True)
class Column:
    """A column of a table's features: numbers, or the codes of categories.

    The first category's code is 1, the next one's 2, and so on; 0 stands for every other category.

    Parameters
    ----------
    name : str
    categories : sequence of str, optional
        In the order of their codes, each once; ``""`` is the category of what is missing. None for numbers.

    Raises
    ------
    DataError

    Examples
    --------
    >>> Column("colour", ["blue", "red"]).num_codes
    3
    """

    name: str
    categories: Sequence[str] | None = None

    def __post_init__(self) -> None:
        check_kind("Column", "name", self.name, str, error=DataError)
        if self.categories is None:
            return
        found, expected = self.categories, f"{self.name!r} to have categories, words in an order"
        if not isinstance(found, (list, tuple)) or not found or not all(isinstance(c, str) for c in found):
            raise DataError.expected("Column", expected, shown(found))
        if len(set(found)) < len(found):
            raise DataError.expected("Column", f"{expected}, each once", listed(found))
        object.__setattr__(self, "categories", tuple(found))

    @property
    def num_codes(self) -> int:
        """How many codes there are, that of other categories counted; 0 for a column of numbers."""
        return len(self.categories) + 1 if self.categories is not None else 0


def checked_columns(columns: Iterable[Column], features: Array) -> tuple[Column, ...]:
    """`columns` as a tuple, if they are those of `features`: as many, and codes where they say so."""
    expected = "columns, a Column for each"
    if not isinstance(columns, Iterable) or not all(isinstance(each, Column) for each in columns):
        raise DataError.expected("Dataset", expected, shown(columns))
    columns = tuple(columns)
    if features.shape[1:] != (len(columns),):
        got = f"{len(columns)} of them for samples of shape {features.shape[1:]}"
        raise DataError.expected("Dataset", expected, got)
    for place, column in enumerate(columns):
        if column.categories is None:
            continue
        codes = features[:, [place]]
        codes = codes.toarray() if not isinstance(codes, np.ndarray) else codes
        bad = (codes < 0) | (codes >= column.num_codes) | (codes % 1 != 0)
        if bad.any():
            row = int(np.argmax(bad))
            expected = f"codes from 0 to {column.num_codes - 1} in column {column.name!r}"
            raise DataError.expected("Dataset", expected, f"{codes[row, 0]} in sample {row}")
    return columns


def categories_of(columns: Iterable[Column] | None) -> dict[str, list[str]]:
    """The categories of those columns that have some, as JSON writes them and `load` takes them back."""
    return {each.name: list(each.categories) for each in columns or () if each.categories is not None}
