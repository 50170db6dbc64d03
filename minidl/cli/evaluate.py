"""``minidl evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import minidl
from minidl.cli import options, report, run_directory
from minidl.data import Dataset, catalog
from minidl.data.classes import match_classes
from minidl.errors import CheckpointError, DataError, ShapeError
from minidl.net import Net
from minidl.tables import listed


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained net on a data set",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Print loss and accuracy of the net in DIR on each part of a data set, and the accuracy on\n"
            "each class of the last part."
        ),
        epilog=(
            "examples:\n"
            "  minidl evaluate runs/digits\n"
            "  minidl evaluate runs/mine new.csv        a table with the same columns"
        ),
    )
    parser.add_argument(
        "directory", type=options.path, metavar="DIR", help="what minidl train wrote (its --out)"
    )
    parser.add_argument(
        "data",
        type=options.data_set,
        nargs="?",
        help="data set, FILE.csv or FILE.npz (default: the one it was trained on)",
    )
    options.add_reading(parser, target="as in training")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print; returns the exit code."""
    made = run_directory.read_run(arguments.directory)
    path = arguments.directory / run_directory.NET
    net = minidl.load(path)
    if not isinstance(net, Net):
        raise CheckpointError.expected(str(path), "a whole net", repr(net))
    data = arguments.data or made["data"]
    name, parts = _load(data, arguments, made)
    for part in parts:
        parts[part] = _fitted(f"{data}, {part} part", net, parts[part], is_table=catalog.is_csv(data))
    print(report.summary(name, parts))
    print()
    print(report.scores_table(report.scores(net, parts)))
    print()
    print(report.classes_table(net, *list(parts.items())[-1]))
    return 0


def _load(
    data: str, arguments: argparse.Namespace, made: Mapping[str, Any]
) -> tuple[str, dict[str, Dataset]]:
    """The data set's name and parts: of a table that the net was not trained on, one for testing."""
    directory, target = arguments.data_dir, arguments.target
    path = Path(directory or "", data)
    is_own = data == made["data"] or str(path.resolve()) == made["data"]
    if is_own and directory is None and made.get("data_dir"):
        directory = Path(made["data_dir"])
    if catalog.is_csv(data):
        from minidl.data.csv import read_table  # here: not every start reads a table

        target = made.get("target") if target is None else target
        _check_columns(path, target, made.get("columns"))
        if not is_own:
            return catalog.stem(data), {"test": read_table(path, target)}
    splits = minidl.data.load(data, directory, target=target)
    return splits.name, report.parts(splits)


def _check_columns(path: Path, target: str | int | None, trained_on: list[str] | None) -> None:
    """Refuse a table whose columns are not those that the net was trained on, in their order."""
    from minidl.data.layout import read_layout

    names = read_layout(path, target).feature_names
    if trained_on is None or names is None or names == trained_on:
        return
    missing = [name for name in trained_on if name not in names]
    others = [name for name in names if name not in trained_on]
    got = [f"none named {listed(missing)}"] * bool(missing) + [f"others, {listed(others)}"] * bool(others)
    expected = f"the columns of features that the net was trained on ({listed(trained_on)})"
    got = got or [f"another order, {listed(names)}"]
    raise DataError.expected(str(path), expected, " and ".join(got), "give it these columns, in this order")


def _fitted(where: str, net: Net, data: Dataset, *, is_table: bool) -> Dataset:
    """`data`, its labels counted as the net counts the classes; `DataError` if it does not fit the net."""
    try:
        scores = net(data.features[:1])
    except ShapeError as error:
        expected = "samples of the shape that the net takes"
        raise DataError.expected(where, expected, data.sample_shape, str(error)) from error
    names = getattr(net.head, "target_names", None)
    if names is None and is_table:  # what its words are is known, what the net's classes are is not
        names = tuple(map(str, range(scores.shape[1])))
    return data if names is None else match_classes(where, data, names)
