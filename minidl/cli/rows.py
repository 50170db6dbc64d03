"""Rows of a table that a net is to answer: found by the columns' names, or by their order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minidl.cli import doubts
from minidl.errors import DataError, MinidlError, ShapeError
from minidl.net import Net
from minidl.tables import counted, listed
from minidl.types import Array

if TYPE_CHECKING:
    from minidl.data.layout import Layout

_LABELS = ("label", "labels", "class", "target", "y")
"""What a column of labels beside pixels is called."""


class Rows(NamedTuple):
    """Samples to predict, and columns that are only handed on: their names, and their cells row by row."""

    features: Array
    kept_names: list[str]
    kept: list[list[str]]


def read_rows(path: Path, net: Net, made: Mapping[str, Any], keep: Sequence[str] = ()) -> Rows:
    """The features in a table, whether its target is there or not, and the columns to `keep`.

    Columns are found by the names that the net was trained on; without names, by their order. Rows of
    as many numbers as an image has are images, in C order.
    """
    from minidl.data.layout import find_column, read_layout

    layout, where = read_layout(path, named=made.get("columns")), f"csv file {str(path)!r}"
    kept = [find_column(where, "--keep", layout.names, layout.width, name) for name in keep]
    columns = _feature_columns(where, layout, net, made)
    names = made.get("columns") or [layout.name(column) for column in columns]
    known = made.get("categories") or {}
    coded = {column: known[name] for column, name in zip(columns, names, strict=True) if name in known}
    features, cells = _cells(path, layout, columns, coded, kept, has_names=bool(made.get("columns")))
    doubts.warn_of_unknown(path, layout, columns, features, [columns.index(column) for column in coded])
    return Rows(as_samples(net, features), [layout.name(column) for column in kept], cells)


def as_samples(net: Net, rows: Array) -> Array:
    """Rows of numbers as the images that the net takes, where they are as many."""
    shape = getattr(net, "sample_shape", None) or ()
    is_flat = len(shape) > 1 and rows.shape[1:] == (math.prod(shape),)
    return rows.reshape(len(rows), *shape) if is_flat else rows


def label_column(names: Sequence[str] | None) -> str | None:
    """The column of labels in a table of pixels by its name, if there is one that can be meant."""
    labels = [name for name in names or () if name.casefold() in _LABELS]
    return labels[0] if len(labels) == 1 else None


def _feature_columns(where: str, layout: Layout, net: Net, made: Mapping[str, Any]) -> list[int]:
    """The positions of the net's columns, in its order."""
    trained_on, target, every = made.get("columns"), made.get("target"), list(range(layout.width))
    if trained_on and layout.names:
        missing = [name for name in trained_on if name not in layout.names]
        if missing:
            expected = f"the columns that the net was trained on ({listed(trained_on)})"
            got = f"none named {listed(missing)}"
            raise DataError.expected(where, expected, got, f"the file has {listed(layout.names)}")
        return [layout.names.index(name) for name in trained_on]
    if trained_on:
        if len(trained_on) != layout.width:
            remedy = "a header with their names says which they are"
            expected = f"{len(trained_on)} columns, those that the net was trained on"
            raise DataError.expected(where, expected, layout.width, remedy)
        return every
    label = label_column(layout.names)
    labels = [layout.names.index(label)] if layout.names and label is not None else []
    labels += [target % layout.width] if isinstance(target, int) else []
    tried = [every, *([column for column in every if column != label] for label in labels)]
    tried += [[column for column in some if column not in layout.left_out] for some in tried]
    for some in tried:
        if _takes(net, len(some)):
            return some
    raise _refusal(where, layout, net)


def _takes(net: Net, width: int) -> bool:
    """Whether the net takes rows of so many numbers, be it as images."""
    try:
        net(as_samples(net, np.zeros((1, width), net.dtype)))
    except ShapeError:
        return False
    return True


def _refusal(where: str, layout: Layout, net: Net) -> MinidlError:
    expected = "samples of the shape that the net takes"
    shape = getattr(net, "sample_shape", None)
    remedy = f"it takes {shape}" if shape else ""
    if shape and len(shape) > 1:
        sides = f"{math.prod(shape)} numbers a row are taken as images of {shape}"
        remedy = (
            f"{sides}, and a column beside them by its name, one of {', '.join(_LABELS)}; or write the "
            f"images into an .npz: numpy.savez(path, x=images), uint8 of shape (N, {str(shape)[1:]}"
        )
    return DataError.expected(where, expected, f"({layout.width},)", remedy)


def _cells(
    path: Path,
    layout: Layout,
    columns: Sequence[int],
    coded: Mapping[int, Sequence[str]],
    kept: Sequence[int],
    *,
    has_names: bool,
) -> tuple[Array, list[list[str]]]:
    """Some columns as numbers, words as the codes of their categories; and the text of the `kept` ones."""
    from minidl.data.classes import class_name
    from minidl.data.layout import MISSING, is_number, open_text, read_records

    codes = {column: {word: code for code, word in enumerate(words, 1)} for column, words in coded.items()}
    rows, cells = [], []
    lacking: dict[int, list[int]] = {}  # the lines of missing numbers, by column
    with open_text(path) as stream:
        for line, record in read_records(stream, layout):
            where = f"csv file {str(path)!r}, line {line}"
            if len(record) != layout.width:
                raise DataError.expected(where, f"{layout.width} cells, as in the first row", len(record))
            row = []
            for column in columns:
                cell = record[column]
                if column in codes:
                    word = class_name(cell)
                    row.append(float(codes[column].get("" if word in MISSING else word, 0)))
                elif class_name(cell) in MISSING:
                    lacking.setdefault(column, []).append(line)
                elif is_number(cell) and math.isfinite(float(cell)):
                    row.append(float(cell))
                else:
                    remedy = ""
                    if has_names and not layout.names:
                        remedy = "the file has no header, and the net knows its columns by name: give it one"
                    elif is_number(cell.replace(",", ".")):
                        remedy = "write decimals with a point and thousands without a comma"
                    got = repr(cell if len(cell) < 80 else f"{cell[:80]}…")
                    raise DataError.expected(
                        f"{where}, {layout.label(column)}", "a finite number", got, remedy
                    )
            rows.append(row)
            cells.append([record[column] for column in kept])
    if lacking:
        found = [
            f"{layout.label(column)} ({counted(len(lines), 'row')}, first in line {lines[0]})"
            for column, lines in sorted(lacking.items())
        ]
        where, remedy = f"csv file {str(path)!r}", "drop such rows, or fill the values in"
        got = f"missing values in {listed(found, 8)}"
        raise DataError.expected(where, "a number in every row", got, remedy)
    if not rows:
        raise DataError.expected(f"csv file {str(path)!r}", "a row a sample", "none")
    return np.array(rows), cells
