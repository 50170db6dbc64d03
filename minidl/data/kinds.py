"""What the columns of a `.csv` file hold, as its first rows show: numbers, or words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from minidl.data.classes import class_name, is_code
from minidl.data.columns import Column
from minidl.data.layout import (
    MISSING,
    Categories,
    Layout,
    find_column,
    is_amount,
    is_number,
    listed_columns,
    open_text,
    read_records,
)
from minidl.data.lines import first_of
from minidl.errors import DataError

MOST_WHOLE_CLASSES = 30
"""Whole numbers are classes up to so many different ones; ages, years and prices have more."""

_SAMPLE_ROWS = 200


def first_rows(path: str | os.PathLike[str], layout: Layout) -> list[list[str]]:
    """The first rows of cells, those that are as long as the others."""
    with open_text(path) as stream:
        rows = first_of(read_records(stream, layout), _SAMPLE_ROWS, lambda row: sum(map(len, row[1])))
    return [record for _, record in rows if len(record) == layout.width]


def find_categories(
    where: str, layout: Layout, rows: list[list[str]], categories: Categories | None
) -> dict[int, Sequence[str] | None]:
    """The positions of the columns of categories, and these in order where they are known.

    A mapping names them all. Else they are those named, and those in which more than half of the first
    rows' cells, missing ones apart, are words.

    Raises
    ------
    DataError
        A name is that of no column of features.
    """

    def position(column: object) -> int:
        found = find_column(where, "categories", layout.names, layout.width, column)  # type: ignore[arg-type]
        if found not in layout.features:
            remedy = "the target's classes are categories already"
            raise DataError.expected(where, "categories of features only", layout.label(found), remedy)
        return found

    if isinstance(categories, Mapping):
        return {position(name): Column(str(name), words).categories for name, words in categories.items()}
    named = listed_columns(where, "categories", () if categories is None else categories)
    found = {*map(position, named), *_columns_of_words(rows, layout)}
    return dict.fromkeys(sorted(found))


def guess_task(layout: Layout, rows: list[list[str]]) -> str | None:
    """What the target column's first cells are: ``"classes"`` where a word is among them.

    ``"numbers"`` where there are fractions among numbers; None for whole numbers alone, which may be either.
    """
    names = [class_name(row[layout.target]) for row in rows]
    return task_of(set(names) - MISSING)


def task_of(names: Iterable[str], rows: int | None = None) -> str | None:
    """What the different `names` in a target column of so many rows are, ``"classes"`` or ``"numbers"``.

    Words are classes, and so are codes such as 007. Numbers with a fraction are to be predicted, and so
    are whole numbers of which more than `MOST_WHOLE_CLASSES` are different, or all. While `rows` is
    unknown, None stands for whole numbers.
    """
    names = list(names)
    if any(is_code(name) or not is_amount(name) for name in names):
        return "classes"
    if any(not is_number(name) or float(name) % 1 for name in names):
        return "numbers"
    if rows is None:
        return None
    return "numbers" if len(names) > MOST_WHOLE_CLASSES or 2 < len(names) == rows else "classes"


def _columns_of_words(rows: list[list[str]], layout: Layout) -> list[int]:
    found = []
    for column in layout.features:
        cells = [cell for row in rows if (cell := row[column].strip()) not in MISSING]
        if 2 * sum(map(is_amount, cells)) < len(cells):
            found.append(column)
    return found
