"""Where a `.csv` file is no table, and why: it is walked cell by cell once NumPy has stumbled over it."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Sequence
from typing import NoReturn

import numpy as np

from minidl.data.classes import class_name
from minidl.data.layout import MISSING, Layout, is_number, open_text, read_records
from minidl.errors import DataError
from minidl.tables import listed

_LARGEST = float(np.finfo(np.float32).max)


def find_fault(path: str | os.PathLike[str], layout: Layout, coded: Collection[int], task: str) -> None:
    """Raise for the first row of another length, the first cell that is missing or no finite number.

    Cells in the columns `coded` are words, those of features may be missing.
    """
    columns = [*layout.features, layout.target]
    numbers = [column for column in columns if column not in coded]
    with open_text(path) as stream:
        for line, record in read_records(stream, layout):
            where = f"csv file {str(path)!r}, line {line}"
            if len(record) != layout.width:
                expected = f"{layout.width} cells, as in the first row"
                remedy = "quote cells that hold the separator, and drop or fill in broken rows"
                raise DataError.expected(where, expected, len(record), remedy)
            target = [record[layout.target]] if layout.target in coded else []
            has_words = not any("\n" in record[column] for column in coded)
            has_target = not any(class_name(cell) in MISSING for cell in target)
            if has_words and has_target and _are_sound([record[column] for column in numbers]):
                continue
            for column in sorted(columns):
                named = f"{where}, {layout.label(column)}"
                if column in coded:
                    _check_word(named, record[column], column == layout.target)
                else:
                    _check_number(named, record[column], column == layout.target, task)


def refuse_target(path: str | os.PathLike[str], layout: Layout, expected: str, got: str) -> NoReturn:
    """Raise for a target column that does not hold what is `expected`."""
    where = f"csv file {str(path)!r}, {layout.label(layout.target)}"
    remedy = "name the column of classes: target=NAME, or --target NAME"
    raise DataError.expected(where, expected, got, remedy)


def refuse_categories(
    path: str | os.PathLike[str], layout: Layout, column: int, words: Sequence[str], got: str
) -> NoReturn:
    """Raise for a column of `words` of which there are too many."""
    where = f"csv file {str(path)!r}, {layout.label(column)}"
    few = listed([word if len(word) < 40 else f"{word[:40]}…" for word in words[:4]])
    remedy = f"names and free text teach nothing: drop the column (drop=[{layout.name(column)!r}])"
    raise DataError.expected(where, "categories that come back row after row", f"{got} ({few}, …)", remedy)


def _are_sound(cells: list[str]) -> bool:
    """Whether `_check_number` has nothing to say about them: a glance, for nearly all rows are sound."""
    try:
        numbers = [*map(float, cells)]
    except ValueError:
        return False
    is_plain = all("_" not in cell and "\n" not in cell for cell in cells)
    return is_plain and math.isfinite(sum(numbers)) and max(map(abs, numbers), default=0) <= _LARGEST


def _check_word(where: str, cell: str, is_target: bool) -> None:
    expected = "a class" if is_target else "a category"
    if is_target and class_name(cell) in MISSING:
        remedy = "drop such rows, or fill the value in"
        raise DataError.expected(where, expected, f"a missing value ({_shown(cell)})", remedy)
    if "\n" in cell:
        remedy = "is there a quote that is not closed? else drop the column"
        raise DataError.expected(where, expected, _shown(cell), remedy)


def _check_number(where: str, cell: str, is_target: bool, task: str) -> None:
    expected = "a number to predict" if is_target else "a number"
    if class_name(cell) in MISSING:
        remedy = "drop such rows, or fill the value in"
        raise DataError.expected(where, expected, f"a missing value ({_shown(cell)})", remedy)
    if "\n" in cell:
        raise DataError.expected(where, expected, _shown(cell), "is there a quote that is not closed?")
    if not is_number(cell):
        if is_number(cell.replace(",", ".")):
            remedy = "write decimals with a point and thousands without a comma"
        elif is_target:
            remedy = "correct it, or learn the column's words and numbers as classes (task='classes')"
        else:
            classes = "if this is the column of classes, name it (target=NAME, --target NAME)"
            remedy = f"{classes}; if one of categories, too (categories=[NAME]); else correct or drop it"
        raise DataError.expected(where, expected, _shown(cell), remedy)
    if not abs(float(cell)) <= _LARGEST:
        expected = f"a number of at most {_LARGEST:.2g}"
        raise DataError.expected(where, expected, _shown(cell), "scale the column")


def _shown(cell: str) -> str:
    return repr(cell if len(cell) < 80 else f"{cell[:80]}…")
