"""Reading a run, and the data for its net: those it was trained on, or others."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.cli import doubts, report, run_directory
from minidl.cli.rows import Rows, as_samples, label_column, read_rows
from minidl.data import Dataset, Splits, catalog
from minidl.data.classes import match_classes
from minidl.data.npz import read_samples, read_unsplit
from minidl.errors import CheckpointError, DataError, ShapeError
from minidl.net import Net
from minidl.tables import listed
from minidl.types import Array


def read_net(directory: Path) -> tuple[Net, dict[str, Any]]:
    """The net in a run's directory, and what its `run.json` says."""
    made = run_directory.read_run(directory)
    run_directory.check_files(directory, made)
    path = directory / run_directory.NET
    net = minidl.load(path)
    if not isinstance(net, Net):
        raise CheckpointError.expected(str(path), "a whole net", repr(net))
    return net, made


def is_own(made: Mapping[str, Any], data: str | None, directory: Path | None) -> bool:
    """Whether `data` are those that the run was made with; None stands for them."""
    names = (data, os.path.realpath(Path(directory or "", data))) if data else ()
    return data is None or made["data"] in names


def read_own(made: Mapping[str, Any], directory: Path | None = None) -> Splits:
    """The data that a run was made with."""
    if directory is None and made.get("data_dir"):
        directory = Path(made["data_dir"])
    return minidl.data.load(made["data"], directory, target=made.get("target"), **_told(made))


def read_parts(
    net: Net,
    made: Mapping[str, Any],
    data: str | None,
    directory: Path | None,
    target: str | None,
    part: str | None = None,
) -> tuple[str, dict[str, Dataset]]:
    """A data set's name and its parts, or the one `part`, as the net takes them.

    A file other than the run's is measured as it is: a table is one part, and none is held out.

    Raises
    ------
    DataError
        They cannot be read, or are not what the net takes.
    """
    name = data or made["data"]
    path, own = Path(directory or "", name), is_own(made, data, directory)
    if catalog.is_csv(name):
        parts = _table_parts(path, net, made, target, own=own)
    elif own and target is None:
        parts = report.parts(read_own(made, directory))
    elif catalog.is_path(name) and target is None:
        parts = read_unsplit(path)
    else:
        parts = report.parts(minidl.data.load(name, directory, target=target))
    if part is not None:
        parts = {part: _of(name, parts, part)}
    parts = fitted_parts(name, net, parts)
    if not own:
        any(doubts.warn_of_scale(net, each.features, made.get("columns")) for each in parts.values())
    return catalog.stem(name), parts


def _of(name: str, parts: Mapping[str, Dataset], part: str) -> Dataset:
    if part not in parts:
        raise DataError.expected(name, f"a {part} part", f"only {listed(list(parts))}")
    return parts[part]


def fitted_parts(name: str, net: Net, parts: Mapping[str, Dataset]) -> dict[str, Dataset]:
    """The `parts`, each as `fitted`."""
    is_table = catalog.is_csv(name)
    return {
        part: fitted(f"{name}, {part} part", net, data, is_table=is_table) for part, data in parts.items()
    }


def fitted(where: str, net: Net, data: Dataset, *, is_table: bool) -> Dataset:
    """`data`, its labels counted as the net counts the classes; `DataError` if it does not fit the net."""
    names = getattr(net.head, "target_names", None)
    if is_table and (images := as_samples(net, data.features)) is not data.features:
        data = _as_images(images, data, names)
    scores = _first_scores(where, net, data.features)
    if names is None and is_table and data.target_names:
        # What its words are is known, what the net's classes are is not.
        names = tuple(map(str, range(max(scores.shape[1], 2))))
    return data if names is None else match_classes(where, data, names)


def _as_images(images: Array, rows: Dataset, names: Sequence[str] | None) -> Dataset:
    """`rows` with `images` for features; where the net's classes are words, their numbers name them, too."""
    own, targets = rows.target_names, rows.targets
    if own and names and set(own) <= set(map(str, range(len(names)))) and not set(own) <= set(names):
        own, targets = tuple(names), np.array([*map(int, own)])[targets]
    return Dataset(images, targets, target_names=own)


def read_features(
    net: Net,
    made: Mapping[str, Any],
    data: str,
    directory: Path | None,
    part: str | None,
    keep: Sequence[str] = (),
) -> Rows:
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
        rows = read_rows(path, net, made, keep)
    else:
        if keep:
            remedy = "leave it out"
            raise DataError.expected("--keep", "columns of a .csv file only", data, remedy)
        rows = Rows(_samples(net, made, path, data, directory, part), [], [])
    if not is_own(made, data, directory):
        doubts.warn_of_scale(net, rows.features, made.get("columns"))
    return rows


def _samples(
    net: Net, made: Mapping[str, Any], path: Path, data: str, directory: Path | None, part: str | None
) -> Array:
    if catalog.is_path(data):
        features, name = read_samples(path, part)
    else:
        own = is_own(made, data, directory)
        splits = read_own(made, directory) if own else minidl.data.load(data, directory)
        parts = report.parts(splits)
        name = part or list(parts)[-1]
        features = _of(data, parts, name).features
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


def _told(made: Mapping[str, Any], names: Sequence[str] | None = None) -> dict[str, Any]:
    """What a run was told of its table's columns beside the target; to drop are those among `names`."""
    told = {name: made[name] for name in ("task", "categories", "drop") if made.get(name) is not None}
    if "drop" in told:  # another table need not have them
        told["drop"] = [each for each in told["drop"] if not isinstance(each, str) or each in (names or ())]
    return told


def _table_parts(
    path: Path, net: Net, made: Mapping[str, Any], target: str | None, *, own: bool
) -> dict[str, Dataset]:
    """A table's rows: the run's own in the parts of training, another one's together."""
    from minidl.data.csv import read_csv, read_table  # here: not every start reads a table
    from minidl.data.layout import read_layout

    trained_on = made.get("columns")
    found = read_layout(path, named=trained_on).names
    column = made.get("target") if target is None else target
    if column is None and not own:
        column = label_column(found)
    told = _told(made, found)
    _check_names(path, column, made, found)
    layout = read_layout(path, column, told.get("drop", ()), trained_on)
    _check_columns(path, layout.feature_names, trained_on)
    if own:
        return report.parts(read_csv(path, path.name, column, **told))
    table = read_table(path, column, **told)
    coded = [place for place, each in enumerate(table.columns or ()) if each.categories is not None]
    doubts.warn_of_unknown(path, layout, layout.features, table.features, coded)
    return {"test": table}


def _check_names(
    path: Path, target: str | int | None, made: Mapping[str, Any], found: Sequence[str] | None
) -> None:
    """Refuse a table whose header, if it has one, lacks the target, or which needs one and has none."""
    from minidl.data.layout import clean

    trained_on = made.get("columns")
    if isinstance(target, str) and trained_on and found and clean(target) not in found:
        remedy = "to predict it, there is minidl predict; else name it: --target NAME"
        raise DataError.expected(str(path), f"a target column {target!r}", f"columns {listed(found)}", remedy)
    if made.get("categories") and trained_on and not found:
        expected = f"a header with the columns that the net was trained on ({listed(trained_on)})"
        raise DataError.expected(str(path), expected, "none; the net knows its columns by name")


def _check_columns(path: Path, names: Sequence[str] | None, trained_on: Sequence[str] | None) -> None:
    """Refuse a table whose columns are not those that the net was trained on, in their order."""
    if trained_on is None or names is None or names == trained_on:
        return
    missing = [name for name in trained_on if name not in names]
    others = [name for name in names if name not in trained_on]
    got = [f"none named {listed(missing)}"] * bool(missing) + [f"others, {listed(others)}"] * bool(others)
    expected = f"the columns of features that the net was trained on ({listed(trained_on)})"
    got = got or [f"another order, {listed(names)}"]
    raise DataError.expected(str(path), expected, " and ".join(got), "give it these columns, in this order")
