"""How the cells stand in a `.csv` file: the separator, the header, and which column holds the classes."""

from __future__ import annotations

import collections
import csv
import itertools
import operator
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TextIO, TypeAlias

from minidl.advice import shown
from minidl.data.lines import first_of, read_lines
from minidl.data.lines import open_text as open_text
from minidl.errors import DataError
from minidl.tables import listed

Target: TypeAlias = "str | int"
"""A column's name, or its position counted from 0; negative from the end."""

Categories: TypeAlias = "Sequence[Target] | Mapping[str, Sequence[str]]"
"""Columns that hold categories; or all such columns and their categories in order."""

MISSING = {
    *("", "?", "na", "NA", "n/a", "N/A", "#NA", "#N/A", "<NA>"),
    *("nan", "NaN", "NAN", "-nan", "-NaN", "null", "NULL"),
}
"""What stands for no value; not ``Na``, ``None`` or ``-``, which name classes."""

MAX_COLUMNS = 1 << 16

_DELIMITERS = "\t;|,"
_INDEX_NAMES = ("", "Unnamed: 0")
_SAMPLE_LINES = 20
_SAMPLE_ROWS = 1_000  # in which a cell of a header of words does not come again


class Layout(NamedTuple):
    """`names` are the header's, or None; `left_out` are pandas' index and what is dropped."""

    delimiter: str
    names: tuple[str, ...] | None
    width: int
    target: int
    left_out: tuple[int, ...]

    @property
    def features(self) -> list[int]:
        """The positions of the columns of features."""
        others = {self.target, *self.left_out}
        return [column for column in range(self.width) if column not in others]

    @property
    def feature_names(self) -> list[str] | None:
        """The names of the columns of features."""
        return [self.names[column] for column in self.features] if self.names else None

    @property
    def target_name(self) -> Target:
        """The target column's name, or without a header its position."""
        return self.names[self.target] if self.names else self.target

    def name(self, column: int) -> str:
        """The column's name, or without a header its position."""
        return self.names[column] if self.names else str(column)

    def label(self, column: int) -> str:
        """How messages name a column."""
        return f"column {self.names[column][:80]!r}" if self.names else f"column {column} (counted from 0)"


def read_layout(
    path: str | os.PathLike[str],
    target: Target | None = None,
    drop: Sequence[Target] = (),
    named: Collection[Target] | None = None,
) -> Layout:
    """The layout that the first rows of a file show.

    The separator is the one of comma, semicolon, tab and bar that cuts the first rows into equally
    many cells. The first row is a header if a name that `target`, `drop` or `named` gives stands in it; if
    its cells are words above columns of numbers, or count the columns; or, in a table of words alone, if
    they all differ and none of them comes again in its column. A first column without a name, as pandas
    writes its index, is left out, and so are the columns that `drop` names.

    Raises
    ------
    DataError
        The file is missing or no text, has no rows or a single column, names two columns alike, or
        has no column `target` or one to drop.
    """
    where = f"csv file {str(path)!r}"
    with open_text(path) as stream:
        lines = first_of(read_lines(stream), _SAMPLE_LINES, len)
    readings = {delimiter: _records(lines, delimiter) for delimiter in _DELIMITERS}
    delimiter = max(readings, key=lambda each: _score(readings[each]))
    records = readings[delimiter]
    if not records:
        raise DataError.expected(where, "a row a sample", "a file without rows")
    first, width = tuple(map(clean, records[0])), len(records[0])
    if width > MAX_COLUMNS:
        raise DataError.expected(where, f"at most {MAX_COLUMNS:,} columns", f"{width:,}")
    given = [target, *listed_columns(where, "drop", drop), *(named or ())]
    is_named = any(isinstance(each, str) and not is_number(each) and clean(each) in first for each in given)
    has_header = is_named or _has_header(records)
    names = first if (_stands_apart(path, delimiter, first) if has_header is None else has_header) else None
    if width < 2:
        remedy = "separate the cells by commas, semicolons or tabs"
        raise DataError.expected(where, "a column of classes and one or more of numbers", "one", remedy)
    if names:
        _check_names(where, names)
        if len(records) < 2:
            raise DataError.expected(where, "a row or more below the header", "none")
    column = width - 1 if target is None else find_column(where, "target", names, width, target)
    dropped = {find_column(where, "drop", names, width, each) for each in listed_columns(where, "drop", drop)}
    if names and names[0] in _INDEX_NAMES and column and width > 2:
        dropped.add(0)
    layout = Layout(delimiter, names, width, column, tuple(sorted(dropped)))
    if not layout.features or column in dropped:
        remedy = "drop fewer columns, and not the target"
        raise DataError.expected(where, "a target column and one of features or more", repr(drop), remedy)
    return layout


def read_records(stream: TextIO, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header, each with the number of its (last) line; empty lines are none.

    The header is read at once, so that what `stream` gives next is what stands below it.
    """
    reader = csv.reader(read_lines(stream, layout.delimiter), delimiter=layout.delimiter)
    rows = ((reader.line_num, record) for record in reader if record)
    if layout.names:
        next(rows)
    return rows


def clean(cell: str) -> str:
    """A word without the space and the stray quotes around it."""
    return " ".join(cell.split()).strip('"')


def is_number(cell: str) -> bool:
    """Whether NumPy reads it as a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def is_amount(cell: str) -> bool:
    """Whether somebody meant a number, be it with a decimal comma, which is refused later."""
    return is_number(cell.replace(",", "."))


def _records(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return [record for record in csv.reader(lines, delimiter=delimiter) if record]
    except csv.Error:  # a cell of more than 128 KB: not this delimiter
        return []


def _score(records: list[list[str]]) -> tuple[int, int]:
    """How well a delimiter cuts: by the rows as long as the first, then by the numbers in them."""
    width = len(records[0]) if records else 0
    alike = [record for record in records if len(record) == width > 1]
    return len(alike), sum(map(is_amount, itertools.chain(*alike)))


def _has_header(records: list[list[str]]) -> bool | None:
    """Whether the first row is none of numbers above numbers; None where there are but words below it."""
    first, rest = records[0], records[1:]
    numbers = [cell.strip() for cell in first if is_amount(cell)]
    if not rest:
        return not numbers
    if len(numbers) > 2 and numbers == [str(number) for number in range(len(numbers))]:
        return True  # an array's columns, numbered by pandas
    columns = itertools.zip_longest(*rest, fillvalue="")
    above = [cell for cell, below in zip(first, columns, strict=False) if any(map(_is_known_amount, below))]
    if not above:
        return None
    judges = [is_amount(cell) for cell in above if cell.strip() not in MISSING]
    return 2 * sum(judges) < len(judges)


def _stands_apart(path: str | os.PathLike[str], delimiter: str, first: tuple[str, ...]) -> bool:
    """Whether a row of words is one of names: they differ, and none of them comes again in its column."""
    if len(set(first)) < len(first) or any(cell in MISSING for cell in first[1:]):
        return False
    with open_text(path) as stream:
        records = csv.reader(read_lines(stream, delimiter), delimiter=delimiter)
        rows = itertools.islice(filter(None, records), 1, _SAMPLE_ROWS)
        return not any(name == clean(cell) for row in rows for name, cell in zip(first, row, strict=False))


def _is_known_amount(cell: str) -> bool:
    return is_amount(cell) and cell.strip() not in MISSING


def _check_names(where: str, names: tuple[str, ...]) -> None:
    twice = sorted(name for name, count in collections.Counter(names).items() if count > 1)
    if twice:
        got = f"{listed(list(map(repr, twice)))} more than once"
        raise DataError.expected(where, "a header that names every column once", got, "rename the columns")


def find_column(where: str, what: str, names: tuple[str, ...] | None, width: int, column: Target) -> int:
    """The position of a column that is given by its name or position; `what` it is for, if it is missing."""
    if isinstance(column, str) and names and clean(column) in names:
        return names.index(clean(column))
    try:
        if isinstance(column, bool):
            raise TypeError
        position = int(column) if isinstance(column, str) else operator.index(column)
        if -width <= position < width:
            return position % width
    except (TypeError, ValueError):
        pass
    got = f"columns {listed(names)}" if names else f"{width} columns without a header"
    remedy = f"give a name of these, or a position from 0 to {width - 1}"
    if isinstance(column, str) and "," in column and names:
        remedy = f"separate columns by spaces: {' '.join(map(str.strip, column.split(',')))}"
    raise DataError.expected(where, f"a {what} column {column!r}", got, remedy)


def listed_columns(where: str, what: str, columns: Sequence[Target]) -> Sequence[Target]:
    """`columns`, if they are a list of names or positions, and no single name."""
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Sequence):
        remedy = f"write {what}=[{columns!r}]" if isinstance(columns, (str, int)) else ""
        raise DataError.expected(where, f"{what} to be a list of columns", shown(columns), remedy)
    return columns
