"""A table of one's own: a `.csv` or `.csv.gz` file with a row a sample and a column of classes.

NumPy reads the numbers: it takes the least memory, and what comes out does not depend on the packages
that are installed. Where it stumbles, the file is walked once more, cell by cell, to say where and why.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from minidl.data.classes import class_name, sort_classes
from minidl.data.dataset import Dataset, Labels
from minidl.data.layout import MISSING, Layout, Target, is_number, open_text, read_layout, read_records
from minidl.data.splits import Splits, stratified_hold_out
from minidl.errors import DataError
from minidl.tables import listed
from minidl.types import Array

MAX_VALIDATION = 5_000
MAX_CLASSES = 1 << 16
_FEW_CLASSES = 20
_LARGEST = float(np.finfo(np.float32).max)


def read_csv(path: str | os.PathLike[str], name: str, target: Target | None = None) -> Splits:
    """A table's training part and the validation part drawn from it, as `stratified_hold_out` does.

    Raises
    ------
    DataError
        As `read_table`; or the target column holds no classes to learn but a single one, or more
        than half as many as there are rows.
    """
    table = read_table(path, target)
    classes, samples = table.target_names or (), len(table)
    if not 2 <= len(classes) <= max(samples // 2, _FEW_CLASSES):
        layout = read_layout(path, target)
        got = f"{len(classes)} in {samples} rows ({listed(classes)})"
        _refuse_target(path, layout, "two classes or more, with several rows each", got)
    return Splits(name, *stratified_hold_out(table, MAX_VALIDATION))


def read_table(path: str | os.PathLike[str], target: Target | None = None) -> Dataset:
    """The rows of a table as samples: its columns as features, but one that holds the classes.

    The classes are the distinct words or whole numbers of the target column, in order, named as
    they are written. Features are float32, or float64 where a column's values lie so close together
    beside their size (times in seconds since 1970) that float32 would blur them.

    Parameters
    ----------
    path : str or path
        UTF-8 text, gzipped or not; its layout is found out as `read_layout` says.
    target : str or int, optional
        The column of classes, by its name or position; the last by default.

    Raises
    ------
    DataError
        The file cannot be read, a row has more or fewer cells than the others, a cell is missing or
        a feature is no finite number: the message names line and column; or the target column holds
        numbers that are not whole, or more than `MAX_CLASSES` classes.
    """
    layout = read_layout(path, target)
    codes = _Codes()
    try:
        features, numbers = _read_numbers(path, layout, codes, np.float32)
        if _is_blurred(features):
            del features
            features, numbers = _read_numbers(path, layout, codes, np.float64)
        names = [class_name(cell) for cell in codes]
        if not MISSING.isdisjoint(names) or any("\n" in cell for cell in codes):
            raise ValueError("a class that is missing or runs over several lines")
        classes = sort_classes(names)
        labels = {name: label for label, name in enumerate(classes)}
        targets = np.array([labels[name] for name in names])[numbers]
        dataset = Dataset(features, targets, target_names=classes)
    except ValueError as error:  # NumPy's, or a DataError
        if len(codes) > MAX_CLASSES:
            _refuse_target(path, layout, "classes", f"more than {MAX_CLASSES:,} different words or numbers")
        _find_fault(path, layout)
        where = f"csv file {str(path)!r}"
        raise DataError.expected(where, "rows of numbers and a class", error) from error
    fractions = [name for name in classes if is_number(name) and not float(name).is_integer()]
    if fractions and all(map(is_number, classes)):
        _refuse_target(path, layout, "classes, that is words or whole numbers", fractions[0])
    return dataset


class _Codes(dict[str, int]):
    """Numbers the words it is asked for, in the order of their coming."""

    def __missing__(self, word: str) -> int:
        if len(self) > MAX_CLASSES:
            raise ValueError("too many classes")
        return self.setdefault(word, len(self))


def _read_numbers(
    path: str | os.PathLike[str], layout: Layout, codes: _Codes, dtype: type[Any]
) -> tuple[Array, Labels]:
    """The features, and the target column's words as `codes` numbers them."""
    converters: dict[int | str, Callable[[str], int]] = {layout.target: codes.__getitem__}
    if layout.left_out is not None:
        converters[layout.left_out] = lambda word: 0  # also where it holds words
    with open_text(path) as stream:
        read_records(stream, layout)  # goes past the header
        table = np.loadtxt(
            stream,
            dtype,
            comments=None,
            delimiter=layout.delimiter,
            quotechar='"',
            converters=converters,
            encoding="utf-8",
            ndmin=2,
        )
    if table.shape[1] != layout.width:
        raise ValueError(f"rows of {table.shape[1]} cells")
    # `take` gives rows that lie together in memory; slices and masks of columns do not.
    return table.take(layout.features, axis=1), table[:, layout.target].astype(np.int64)


def _is_blurred(features: Array) -> bool:
    """Whether a column's float32 values span so little of their size that they have lost their digits."""
    low, high = features.min(axis=0), features.max(axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        narrow = np.flatnonzero(high - low < largest * 2.0**-10)
    is_exact = [largest[column] < 1 << 24 and not (features[:, column] % 1).any() for column in narrow]
    return not all(is_exact)


def _find_fault(path: str | os.PathLike[str], layout: Layout) -> None:
    """Raise for the first row of another length, the first cell that is missing or no finite number."""
    columns = layout.features
    with open_text(path) as stream:
        for line, record in read_records(stream, layout):
            if len(record) == layout.width and _is_sound(record[layout.target], [record[c] for c in columns]):
                continue
            where = f"csv file {str(path)!r}, line {line}"
            if len(record) != layout.width:
                expected = f"{layout.width} cells, as in the first row"
                remedy = "quote cells that hold the separator, and drop or fill in broken rows"
                raise DataError.expected(where, expected, len(record), remedy)
            for column, cell in enumerate(record):
                if column != layout.left_out:
                    _check_cell(f"{where}, {layout.label(column)}", cell, column == layout.target)


def _is_sound(word: str, cells: list[str]) -> bool:
    """Whether `_check_cell` has nothing to say about a row: a glance, for nearly all rows are sound."""
    try:
        numbers = [*map(float, cells)]
    except ValueError:
        return False
    is_finite = math.isfinite(sum(numbers)) and max(map(abs, numbers)) <= _LARGEST
    text = "".join(cells)
    is_plain = "_" not in text and "\n" not in text and "\n" not in word
    return is_finite and is_plain and class_name(word) not in MISSING


def _check_cell(where: str, cell: str, is_target: bool) -> None:
    expected = "a class" if is_target else "a number"
    shown = repr(cell if len(cell) < 80 else f"{cell[:80]}…")
    if class_name(cell) in MISSING:
        remedy = "drop such rows, or fill the value in"
        raise DataError.expected(where, expected, f"a missing value ({shown})", remedy)
    if is_target and "\n" not in cell:
        return
    if "\n" in cell:
        raise DataError.expected(where, expected, shown, "is there a quote that is not closed?")
    if not is_number(cell):
        classes = "if this is the column of classes, name it (target=NAME, --target NAME)"
        remedy = f"{classes}; else make numbers of words (pandas.get_dummies with dtype=int)"
        if is_number(cell.replace(",", ".")):
            remedy = "write decimals with a point and thousands without a comma"
        raise DataError.expected(where, expected, shown, remedy)
    if not abs(float(cell)) <= _LARGEST:
        raise DataError.expected(where, f"a number of at most {_LARGEST:.2g}", shown, "scale the column")


def _refuse_target(path: str | os.PathLike[str], layout: Layout, expected: str, got: str) -> NoReturn:
    where = f"csv file {str(path)!r}, {layout.label(layout.target)}"
    remedy = "name the column of classes: target=NAME, or --target NAME"
    raise DataError.expected(where, expected, got, remedy)
