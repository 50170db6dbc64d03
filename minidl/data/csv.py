"""A table of one's own: a `.csv` or `.csv.gz` file with a row a sample and a column of targets.

NumPy reads the numbers: it takes the least memory, and what comes out does not depend on the packages
that are installed. Where it stumbles, the file is walked once more, cell by cell, to say where and why.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.data.classes import TOO_MANY, Codes, class_name, codes_of, sort_categories, sort_classes
from minidl.data.columns import Column, categories_of
from minidl.data.csv_faults import find_fault, refuse_categories, refuse_target
from minidl.data.dataset import Dataset
from minidl.data.kinds import find_categories, first_rows, guess_task, task_of
from minidl.data.layout import (
    MISSING,
    Categories,
    Layout,
    Target,
    is_number,
    open_text,
    read_layout,
    read_records,
)
from minidl.data.lines import read_lines
from minidl.data.splits import Splits, stratified_hold_out
from minidl.errors import DataError
from minidl.tables import listed
from minidl.types import Array

MAX_VALIDATION = 5_000
TASKS = ("classes", "numbers")
_FEW_CLASSES = 20


def read_csv(
    path: str | os.PathLike[str],
    name: str,
    target: Target | None = None,
    *,
    task: str | None = None,
    categories: Categories | None = None,
    drop: Sequence[Target] = (),
) -> Splits:
    """A table's training part and the validation part drawn from it, as `stratified_hold_out` does.

    Raises
    ------
    DataError
        As `read_table`; or the target column holds a single class or number, or more than half as many
        classes as there are rows.
    """
    table = read_table(path, target, task=task, categories=categories, drop=drop)
    wrong: tuple[str, str] | None = None  # what was expected, and what came
    if table.has_labels:
        classes = table.target_names or ()
        if not 2 <= len(classes) <= _most(len(table)):
            got = f"{len(classes)} in {len(table)} rows ({listed([name[:80] for name in classes])})"
            wrong = "two classes or more, with several rows each", got
    elif (table.targets == table.targets[0]).all():
        wrong = "numbers that differ, to predict", f"{table.targets[0, 0]:g} in each row"
    if wrong:
        refuse_target(path, read_layout(path, target, drop, _names(categories)), *wrong)
    return Splits(name, *stratified_hold_out(table, MAX_VALIDATION))


def read_table(
    path: str | os.PathLike[str],
    target: Target | None = None,
    *,
    task: str | None = None,
    categories: Categories | None = None,
    drop: Sequence[Target] = (),
) -> Dataset:
    """The rows of a table as samples: its columns as features, but one that holds the targets.

    Classes are the distinct words or whole numbers of the target column, in order, named as they are
    written; numbers to predict become floats of shape (N, 1). Features are float32, or float64 where a
    column's values lie so close together beside their size (times in seconds since 1970) that float32
    would blur them. A column of words becomes codes, as `Dataset.columns` says; a missing one is a category.

    Parameters
    ----------
    path : str or path
        UTF-8 text, gzipped or not; its layout is found out as `read_layout` says.
    target : str or int, optional
        The column of targets, by its name or position; the last by default.
    task : "classes" or "numbers", optional
        What the targets are; by default as `task_of` finds.
    categories : sequence of str or int, or mapping of str to sequence of str, optional
        Columns of categories beside those of words, such as whole numbers that are codes; or all of them
        and their categories, as another table has them (`categories_of`): what is none of these is coded 0.
    drop : sequence of str or int
        Columns that are left out.

    Raises
    ------
    DataError
        The file cannot be read, a row has more or fewer cells than the others, a number or a class is
        missing or a number not finite: the message names line and column; or there are more than
        65,536 classes, or more categories in a column than half the rows.
    """
    layout, where = read_layout(path, target, drop, _names(categories)), f"csv file {str(path)!r}"
    rows = first_rows(path, layout)
    known = find_categories(where, layout, rows, categories)
    task = check_task(where, task) or guess_task(layout, rows)
    coded = {column: Codes() for column in [*known, *[layout.target] * (task != "numbers")]}
    try:
        dataset = _read(path, layout, coded, known, task)
    except ValueError as error:  # NumPy's, or a DataError
        full = [column for column, codes in coded.items() if codes.is_full]
        if full and full[0] != layout.target:
            refuse_categories(path, layout, full[0], list(coded[full[0]]), TOO_MANY)
        if full and not (task is None and all(map(is_number, coded[layout.target]))):
            refuse_target(path, layout, "classes", TOO_MANY)
        if not full:
            find_fault(path, layout, coded, task)
            if isinstance(error, DataError):
                raise
            raise DataError.expected(where, "rows of numbers and a target", error) from error
        dataset = None
    if dataset is None:  # whole numbers that are no classes: the file is read anew
        return read_table(path, target, task="numbers", categories=categories, drop=drop)
    return dataset


def _read(
    path: str | os.PathLike[str],
    layout: Layout,
    coded: Mapping[int, Codes],
    known: Mapping[int, Sequence[str] | None],
    task: str | None,
) -> Dataset | None:
    """The table, or None where its target's whole numbers turn out to be no classes."""
    table = _read_numbers(path, layout, coded, np.float32)
    if _is_blurred(table):
        del table
        table = _read_numbers(path, layout, coded, np.float64)
    if any("\n" in word for codes in coded.values() for word in codes):
        raise ValueError("a word that runs over several lines")
    targets, classes = table[:, [layout.target]], None
    if task != "numbers":
        names = list(map(class_name, coded[layout.target]))
        if not MISSING.isdisjoint(names):
            raise ValueError("a class that is missing")
        if task is None and task_of(set(names), len(table)) == "numbers":
            return None
        classes = sort_classes(names)
        targets = codes_of(names, classes)[targets[:, 0].astype(np.intp)] - 1
    columns = [Column(layout.name(column), known.get(column)) for column in layout.features]
    for place, column in enumerate(layout.features):
        if column in known:
            names = ["" if (name := class_name(word)) in MISSING else name for word in coded[column]]
            words = known[column] or sort_categories(names)
            if known[column] is None and len(words) > _most(len(table)):
                refuse_categories(path, layout, column, words, f"{len(words):,} in {len(table):,} rows")
            columns[place] = Column(layout.name(column), words)
            table[:, column] = codes_of(names, words)[table[:, column].astype(np.intp)]
    # `take` gives rows that lie together in memory; slices and masks of columns do not.
    return Dataset(table.take(layout.features, axis=1), targets, target_names=classes, columns=columns)


def describe_table(
    path: str | os.PathLike[str], table: Dataset, target: Target | None = None, drop: Sequence[Target] = ()
) -> dict[str, Any]:
    """What `read_table` needs to read another file as it has read `table` from `path`, for JSON.

    Under ``target``, ``task``, ``categories`` and ``drop``; and under ``columns`` the names of the features,
    or None without a header.
    """
    layout = read_layout(path, target, drop, [column.name for column in table.columns or ()])
    return {
        "target": layout.target_name,
        "columns": layout.feature_names,
        "task": "classes" if table.has_labels else "numbers",
        "categories": categories_of(table.columns),
        "drop": list(drop),
    }


def _names(categories: Categories | None) -> Collection[Target]:
    """The columns of categories, where they are given as they should be."""
    return categories if isinstance(categories, (Mapping, list, tuple)) else ()


def check_task(where: str, task: str | None) -> str | None:
    """`task`, if it is one or None."""
    if task is not None and not (isinstance(task, str) and task in TASKS):
        raise DataError.expected(where, "task to be 'classes' or 'numbers'", shown(task))
    return task


def _most(rows: int) -> int:
    """The most classes or categories that so many rows can teach."""
    return max(rows // 2, _FEW_CLASSES)


def _read_numbers(
    path: str | os.PathLike[str], layout: Layout, coded: Mapping[int, Codes], dtype: type[Any]
) -> Array:
    """All columns: 0 where one is left out, and words as `coded` numbers them."""
    converters: dict[int | str, Callable[[str], int]]
    converters = {column: lambda word: 0 for column in layout.left_out}  # also where it holds words
    converters |= {column: codes.__getitem__ for column, codes in coded.items()}
    with open_text(path) as stream:
        read_records(stream, layout)  # goes past the header
        table = np.loadtxt(
            read_lines(stream, layout.delimiter),
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
    return table


def _is_blurred(features: Array) -> bool:
    """Whether a column's float32 values span so little of their size that they have lost their digits."""
    low, high = features.min(axis=0), features.max(axis=0)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        narrow = np.flatnonzero(high - low < largest * 2.0**-10)
    is_exact = [largest[column] < 1 << 24 and not (features[:, column] % 1).any() for column in narrow]
    return not all(is_exact)
