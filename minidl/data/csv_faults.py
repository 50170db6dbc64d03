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
_WORDS_OF_A_TEXT = 4
_MOST_COLUMNS = 5


def find_fault(
    path: str | os.PathLike[str], layout: Layout, coded: Collection[int], task: str | None
) -> None:
    """Raise for the first row of another length, the first cell that is missing or no finite number.

    Cells in the columns `coded` are words, those of features may be missing. `task` is None where the
    targets are whole numbers, which may be either.
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
                named, cell = f"{where}, {layout.label(column)}", record[column]
                is_target = column == layout.target
                if class_name(cell) in MISSING and (is_target or column not in coded):
                    word = "a class" if task else "a class or a number"
                    number = "a number to predict" if is_target else "a number"
                    expected = word if column in coded else number
                    remedy = _lacking(path, layout, [*numbers, *[layout.target] * (layout.target in coded)])
                    raise DataError.expected(named, expected, f"a missing value ({_shown(cell)})", remedy)
                if column in coded:
                    _check_word(named, cell, is_target)
                else:
                    _check_number(named, cell, is_target)


def refuse_target(path: str | os.PathLike[str], layout: Layout, expected: str, got: str) -> NoReturn:
    """Raise for a target column that does not hold what is `expected`."""
    where = f"csv file {str(path)!r}, {layout.label(layout.target)}"
    remedy = "name the column of classes: target=NAME, or --target NAME"
    if any(map(str.isdigit, got)):
        remedy += "; numbers to predict are written without a unit, and are the task 'numbers'"
    raise DataError.expected(where, expected, got, remedy)


def refuse_categories(
    path: str | os.PathLike[str], layout: Layout, column: int, words: Sequence[str], got: str
) -> NoReturn:
    """Raise for a column of `words` of which there are too many."""
    where = f"csv file {str(path)!r}, {layout.label(column)}"
    few = listed([word if len(word) < 40 else f"{word[:40]}…" for word in words[:4]])
    remedy = f"names and free text teach nothing: drop the column {layout.name(column)!r}"
    if any(word.count(" ") >= _WORDS_OF_A_TEXT - 1 for word in words[:4]):
        remedy += ", or turn texts into bags of words (see docs/tables.md)"
    raise DataError.expected(where, "categories that come back row after row", f"{got} ({few}, …)", remedy)


def _lacking(path: str | os.PathLike[str], layout: Layout, columns: list[int]) -> str:
    """How many rows have no value in which of the `columns`, and what to do about it."""
    lack, rows, count = dict.fromkeys(columns, 0), 0, 0
    with open_text(path) as stream:
        for _, record in read_records(stream, layout):
            lacking = [
                column for column in columns if "".join(record[column : column + 1]).strip() in MISSING
            ]
            for column in lacking:
                lack[column] += 1
            rows, count = rows + bool(lacking), count + 1
    most = sorted(filter(lack.__getitem__, lack), key=lack.__getitem__, reverse=True)
    named = listed([f"{layout.name(column)!r} in {lack[column]:,}" for column in most], _MOST_COLUMNS)
    what_to_do = "drop these rows or columns, or fill the values in (see docs/tables.md)"
    return f"{rows:,} of {count:,} rows lack values ({named}): {what_to_do}"


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
    if "\n" in cell:
        remedy = "is there a quote that is not closed? else drop the column"
        raise DataError.expected(where, expected, _shown(cell), remedy)


def _check_number(where: str, cell: str, is_target: bool) -> None:
    expected = "a number to predict" if is_target else "a number"
    if "\n" in cell:
        raise DataError.expected(where, expected, _shown(cell), "is there a quote that is not closed?")
    if not is_number(cell):
        if is_number(cell.replace(",", ".")):
            remedy = "write decimals with a point and thousands without a comma"
        elif is_target:
            remedy = (
                "correct it, write it without a unit, or learn words and numbers as classes: task 'classes'"
            )
        else:
            classes = "if this is the column of classes, name it (target=NAME, --target NAME)"
            remedy = f"{classes}; if one of categories, name it among the categories; else correct or drop it"
        raise DataError.expected(where, expected, _shown(cell), remedy)
    if not abs(float(cell)) <= _LARGEST:
        expected = f"a number of at most {_LARGEST:.2g}"
        raise DataError.expected(
            where, expected, _shown(cell), "scale the column, or replace what is infinite"
        )


def _shown(cell: str) -> str:
    return repr(cell if len(cell) < 80 else f"{cell[:80]}…")
