"""Reading a run, and the data for its net: those it was trained on, or others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.cli import report, run_directory
from minidl.data import Dataset, Splits, catalog
from minidl.data.classes import match_classes
from minidl.data.npz import read_samples
from minidl.errors import CheckpointError, DataError, ShapeError
from minidl.net import Net
from minidl.tables import listed
from minidl.types import Array


def read_net(directory: Path) -> tuple[Net, dict[str, Any]]:
    """The net in a run's directory, and what its `run.json` says."""
    made = run_directory.read_run(directory)
    path = directory / run_directory.NET
    net = minidl.load(path)
    if not isinstance(net, Net):
        raise CheckpointError.expected(str(path), "a whole net", repr(net))
    return net, made


def is_own(made: Mapping[str, Any], data: str | None, directory: Path | None) -> bool:
    """Whether `data` are those that the run was made with; None stands for them."""
    names = (data, str(Path(directory or "", data).resolve())) if data else ()
    return data is None or made["data"] in names


def read_own(made: Mapping[str, Any], directory: Path | None = None) -> Splits:
    """The data that a run was made with."""
    if directory is None and made.get("data_dir"):
        directory = Path(made["data_dir"])
    return minidl.data.load(made["data"], directory, target=made.get("target"), **_told(made))


def read_parts(
    net: Net, made: Mapping[str, Any], data: str | None, directory: Path | None, target: str | None
) -> tuple[str, dict[str, Dataset]]:
    """A data set's name and its parts, as the net takes them; of a table other than the run's, one part.

    Raises
    ------
    DataError
        They cannot be read, or are not what the net takes.
    """
    name = data or made["data"]
    own = is_own(made, data, directory)
    if catalog.is_csv(name):
        from minidl.data.csv import read_table  # here: not every start reads a table

        path = Path(directory or "", name)
        column = made.get("target") if target is None else target
        _check_columns(path, column, made)
        if not own:
            table = read_table(path, column, **_told(made))
            return catalog.stem(name), {"test": fitted(f"{name}, test part", net, table, is_table=True)}
        splits = minidl.data.load(name, directory, target=column, **_told(made))
    elif own and target is None:
        splits = read_own(made, directory)
    else:
        splits = minidl.data.load(name, directory, target=target)
    return splits.name, fitted_parts(name, net, splits)


def fitted_parts(name: str, net: Net, splits: Splits) -> dict[str, Dataset]:
    """The parts of `splits`, each as `fitted`."""
    is_table = catalog.is_csv(name)
    return {
        part: fitted(f"{name}, {part} part", net, data, is_table=is_table)
        for part, data in report.parts(splits).items()
    }


def fitted(where: str, net: Net, data: Dataset, *, is_table: bool) -> Dataset:
    """`data`, its labels counted as the net counts the classes; `DataError` if it does not fit the net."""
    scores = _first_scores(where, net, data.features)
    names = getattr(net.head, "target_names", None)
    if names is None and is_table and data.target_names:
        # What its words are is known, what the net's classes are is not.
        names = tuple(map(str, range(max(scores.shape[1], 2))))
    return data if names is None else match_classes(where, data, names)


def read_features(
    net: Net, made: Mapping[str, Any], data: str, directory: Path | None, part: str | None
) -> Array:
    """Samples to predict: the rows of a table, with targets or without, or a part of another data set.

    Raises
    ------
    DataError
        They cannot be read, or are not what the net takes.
    """
    path = Path(directory or "", data)
    if catalog.is_csv(data):
        if part is not None:
            raise DataError.expected(data, "no --part of a table, which is a whole", part, "leave it out")
        return _table(path, net, made)
    if catalog.is_path(data):
        features, name = read_samples(path, part)
    else:
        own = is_own(made, data, directory)
        splits = read_own(made, directory) if own else minidl.data.load(data, directory)
        parts = report.parts(splits)
        name = part or list(parts)[-1]
        if name not in parts:
            raise DataError.expected(data, f"a {name} part", f"only {listed(list(parts))}")
        features = parts[name].features
    _first_scores(f"{data}, {name}", net, features)
    return features


def _first_scores(where: str, net: Net, features: Array) -> Array:
    """The scores of the first sample; `DataError` where it has another shape than the net takes."""
    try:
        return net(features[:1])
    except ShapeError as error:
        expected = "samples of the shape that the net takes"
        raise DataError.expected(where, expected, features.shape[1:], str(error)) from error


# ---------------------------------------------------------------- tables


def _told(made: Mapping[str, Any]) -> dict[str, Any]:
    """What a run was told of its table's columns, beside the target's."""
    return {name: made[name] for name in ("task", "categories", "drop") if made.get(name) is not None}


def _check_columns(path: Path, target: str | int | None, made: Mapping[str, Any]) -> None:
    """Refuse a table whose columns are not those that the net was trained on, in their order."""
    from minidl.data.layout import read_layout

    trained_on = made.get("columns")
    drop = {"drop": made["drop"]} if made.get("drop") else {}
    names = read_layout(path, target, **drop, named=trained_on).feature_names
    if trained_on is None or names is None or names == trained_on:
        return
    missing = [name for name in trained_on if name not in names]
    others = [name for name in names if name not in trained_on]
    got = [f"none named {listed(missing)}"] * bool(missing) + [f"others, {listed(others)}"] * bool(others)
    expected = f"the columns of features that the net was trained on ({listed(trained_on)})"
    got = got or [f"another order, {listed(names)}"]
    raise DataError.expected(str(path), expected, " and ".join(got), "give it these columns, in this order")


def _table(path: Path, net: Net, made: Mapping[str, Any]) -> Array:
    """The features in a table, found by their names; without a header, by their order."""
    from minidl.data.layout import read_layout

    trained_on, target, where = made.get("columns"), made.get("target"), str(path)
    layout = read_layout(path, named=trained_on)
    if layout.names and trained_on:
        missing = [name for name in trained_on if name not in layout.names]
        if missing:
            expected = f"the columns that the net was trained on ({listed(trained_on)})"
            raise DataError.expected(where, expected, f"none named {listed(missing)}")
        return _cells(path, layout, [layout.names.index(name) for name in trained_on], made)
    columns = list(range(layout.width))
    if trained_on and len(trained_on) != layout.width:
        remedy = "a header with their names says which they are"
        expected = f"{len(trained_on)} columns, those that the net was trained on"
        raise DataError.expected(where, expected, layout.width, remedy)
    if trained_on is None and isinstance(target, int) and not _fits(net, layout.width):
        columns.remove(target % layout.width)
    features = _cells(path, layout, columns, made)
    _first_scores(where, net, features)
    return features


def _fits(net: Net, width: int) -> bool:
    try:
        net(np.zeros((1, width), net.dtype))
    except ShapeError:
        return False
    return True


def _cells(path: Path, layout: Any, columns: Sequence[int], made: Mapping[str, Any]) -> Array:
    """Some columns of a table as numbers; words become the codes of their categories, as in training."""
    from minidl.data.classes import class_name
    from minidl.data.layout import MISSING, is_number, open_text, read_records

    codes: dict[int, dict[str, int]] = {}
    for column in columns:
        words = (made.get("categories") or {}).get(layout.names[column] if layout.names else str(column))
        if words is not None:
            codes[column] = {word: code for code, word in enumerate(words, 1)}
    rows = []
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
                elif is_number(cell) and math.isfinite(float(cell)):
                    row.append(float(cell))
                else:
                    shown = repr(cell if len(cell) < 80 else f"{cell[:80]}…")
                    raise DataError.expected(f"{where}, {layout.label(column)}", "a finite number", shown)
            rows.append(row)
    if not rows:
        raise DataError.expected(f"csv file {str(path)!r}", "a row a sample", "none")
    return np.array(rows)
