"""``minidl evaluate``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import minidl
from minidl.cli import report, run_directory
from minidl.errors import CheckpointError
from minidl.layers import Sequential


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained net on a data set",
        description="Print loss and accuracy of the net in DIR on each part of a data set.",
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="what minidl train wrote (its --out)")
    parser.add_argument("data", nargs="?", help="data set or FILE.npz (default: the one it was trained on)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the data set's files are")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate and print; returns the exit code."""
    made = run_directory.read_run(arguments.directory)
    path = arguments.directory / run_directory.NET
    net = minidl.load(path)
    if not isinstance(net, Sequential):
        raise CheckpointError.expected(str(path), "a whole net", repr(net))
    name = arguments.data or made["data"]
    directory = arguments.data_dir
    if directory is None and name == made["data"] and made.get("data_dir"):
        directory = Path(made["data_dir"])
    splits = minidl.data.load(name, directory)
    print(report.summary(splits))
    print()
    print(report.scores_table(report.scores(net, splits)))
    return 0
