"""``minidl predict``."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minidl.cli import looking, options, reading
from minidl.cli.output import check_folder
from minidl.cli.rows import Rows
from minidl.errors import ConfigurationError
from minidl.files import atomic_write
from minidl.net import Net
from minidl.types import Array

_OUT = "predictions.csv"


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "predict",
        help="write what a trained net says of new samples",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Write a CSV file with a row for each sample, in the order of FILE: what the net in DIR\n"
            "predicts, a class or a number, and for classes the probability of each."
        ),
        epilog=(
            "examples:\n"
            "  minidl predict runs/mine new.csv                  into predictions.csv\n"
            "  minidl predict runs/mine new.csv --out - | head   to the standard output\n"
            "  minidl predict runs/digits digits --part test\n"
            "  minidl predict runs/mine new.csv --keep id name   these of its columns, too\n"
            "  minidl predict runs/mine new.npz                  its array x, or x_test\n"
            "\n"
            "A table's columns are found by their names in any order; the target need not be there.\n"
            "FILE.npz is what numpy.savez('new.npz', x=samples) writes; a net of images also takes a table\n"
            "with a pixel a column."
        ),
    )
    parser.add_argument(
        "directory", type=options.path, metavar="DIR", help="what minidl train wrote (its --out)"
    )
    parser.add_argument(
        "data", type=options.data_set, metavar="FILE", help="FILE.csv, FILE.npz or a data set's name"
    )
    parser.add_argument(
        "--part",
        choices=("train", "validation", "test"),
        help="of a data set or FILE.npz (default: the last there is)",
    )
    parser.add_argument(
        "--keep", nargs="+", default=[], metavar="COLUMN", help="columns of FILE.csv to put before the others"
    )
    parser.add_argument("--data-dir", type=options.path, metavar="DIR", help="where the data set's files are")
    parser.add_argument(
        "--out",
        type=options.path,
        metavar="FILE",
        default=Path(_OUT),
        help=f"where to write (default: {_OUT}), or - for the standard output",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict and write; returns the exit code."""
    net, made = reading.read_net(arguments.directory)
    directory, out = arguments.data_dir, arguments.out
    source = Path(directory or "", arguments.data)
    if source.exists() and out.exists() and source.samefile(out):
        remedy = "give another"
        raise ConfigurationError.expected("--out", "another file than the one that is read", out, remedy)
    if out.is_dir():
        raise ConfigurationError.expected("--out", "a file", f"the directory {out}", f"give {out / _OUT}")
    if out.suffix.lower() in (".npz", ".npy"):
        remedy = f"give {out.with_suffix('.csv')}"
        raise ConfigurationError.expected("--out", "the name of a .csv file, which is written", out, remedy)
    check_folder(out.parent, out)
    read = reading.read_features(net, made, arguments.data, directory, arguments.part, arguments.keep)
    rows = _rows(net, read)
    if str(out) == "-":
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(out) as file:
        stream = io.TextIOWrapper(file, encoding="utf-8", newline="")
        csv.writer(stream, lineterminator="\n").writerows(rows)
        stream.flush()
        stream.detach()  # the file is not the stream's to close
    print(f"{len(read.features):,} predictions written to {out}")
    return 0


def _rows(net: Net, read: Rows) -> Iterator[Sequence[str]]:
    """The header, and the cells of each sample, chunk after chunk."""
    net.predict(read.features[:1])  # a net that cannot predict says so before anything is written
    classes = None
    for number, (chunk, scores) in enumerate(net.score_chunks(read.features)):
        predicted = net.head.predict(scores)  # type: ignore[union-attr]
        classes = looking.class_names(net, scores.shape[1:])
        columns = [_words(predicted, classes)]
        if classes is not None and hasattr(net.head, "probabilities"):
            columns.append(_digits(looking.both(net.head.probabilities(scores))))  # type: ignore[union-attr]
        table = np.hstack(columns)
        if not number:
            yield read.kept_names + _header(columns, classes)
        kept = read.kept[chunk] if read.kept_names else [[]] * len(table)
        yield from (before + cells for before, cells in zip(kept, table.tolist(), strict=True))


def _words(predicted: Array, classes: Sequence[str] | None) -> Array:
    """The predicted classes' names, or numbers, in columns."""
    if classes is None or predicted.ndim > 1:
        return _digits(predicted.reshape(len(predicted), -1))
    return np.array(classes, object)[predicted][:, None]


def _digits(numbers: Array) -> Array:
    """Numbers as text: the shortest that reads as the same number in its dtype."""
    return numbers.astype(str).astype(object)


def _header(columns: Sequence[Array], classes: Sequence[str] | None) -> list[str]:
    count = columns[0].shape[1]
    names = [""] if count == 1 else [f"_{name}" for name in classes or range(count)]
    header = [f"prediction{name}" for name in names]
    return header + [f"probability_{name}" for name in classes or ()] * (len(columns) > 1)
