"""A `.csv` file as text, line by line, none of which makes a row beyond a limit."""

from __future__ import annotations

import csv
import io
import itertools
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar

from minidl.data.readers.opening import open_binary
from minidl.errors import DataError

MAX_ROW = 1 << 20
"""Characters of a row: a bound, for what is no table may be one line of any length."""

MAX_TEXT_BYTES = 1 << 30
"""Of a table, once it is unpacked, where it is gzipped."""

_Item = TypeVar("_Item")


@contextmanager
def open_text(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """The file as text, unpacked where it is gzipped; what cannot be read there is a `DataError`."""
    where = f"csv file {str(path)!r}"
    try:
        # A spreadsheet's byte order mark is no part of the first cell.
        with open_binary(path, MAX_TEXT_BYTES) as (raw, _), io.TextIOWrapper(raw, "utf-8-sig") as stream:
            yield stream
    except UnicodeDecodeError as error:
        got = f"byte 0x{error.object[error.start]:02x}, which is none"
        remedy = "save it as CSV in UTF-8"
        raise DataError.expected(where, "text in UTF-8", got, remedy) from error
    except csv.Error as error:
        raise DataError.expected(where, "cells", error, "is there a quote that is not closed?") from error
    except (OSError, EOFError, zlib.error) as error:
        remedy = "check the path, or get the file anew"
        raise DataError.expected(where, "a readable file", error or type(error).__name__, remedy) from error


def read_lines(stream: TextIO, delimiter: str | None = None) -> Iterator[str]:
    """The lines of a file, if no row of cells between delimiters is longer than `MAX_ROW`.

    Where one is, it is a `csv.Error`. A row may run over several lines in a quoted cell, and empty lines
    count as a part of it. Without a delimiter, each line is a row.
    """
    closed = _closed(delimiter) if delimiter else None
    is_open, length, most = False, 0, MAX_ROW + 1
    while line := stream.readline(most - length):
        if length or '"' in line or not 1 < len(line) < most:  # nearly all lines are none of these
            length += len(line)
            if length > MAX_ROW:
                raise csv.Error(f"a row of more than {MAX_ROW:,} characters")
            if closed and (is_open or '"' in line):
                is_open = not closed.fullmatch(f'"{line}' if is_open else line)
            length *= is_open or line == "\n"
        yield line


def _closed(delimiter: str) -> re.Pattern[str]:
    """What a line of cells is in which no quoted cell runs on."""
    rest = f"[^{re.escape(delimiter)}]*+"
    cell = f'(?:"(?:[^"]++|"")*+"{rest}|(?!"){rest})'
    return re.compile(f"{cell}(?:{re.escape(delimiter)}{cell})*+")


def first_of(items: Iterable[_Item], count: int, size: Callable[[_Item], int]) -> list[_Item]:
    """The first items, `count` of them or fewer: no more once they are as large as a row can be."""
    found, total = [], 0
    for item in itertools.islice(items, count):
        found.append(item)
        total += size(item)
        if total > MAX_ROW:
            break
    return found
