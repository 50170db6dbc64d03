"""``minidl evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from minidl.cli import looking, options, reading, report, run_directory


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "evaluate",
        help="measure a trained net on a data set",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Print loss and metrics of the net in DIR on each part of a data set, and of the last part\n"
            "recall, precision and F1 of each class. Draw which classes are mixed up (confusion.png) and\n"
            "the surest mistakes (mistakes.png), or predicted numbers (predictions.png): into DIR for the\n"
            "data set it was trained on, into --out for others."
        ),
        epilog=(
            "examples:\n"
            "  minidl evaluate runs/digits\n"
            "  minidl evaluate runs/mine new.csv        a table with the same columns\n"
            "  minidl evaluate runs/mine new.csv --out looks"
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
    parser.add_argument("--out", type=options.path, metavar="DIR", help="where to draw")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print and draw; returns the exit code."""
    net, made = reading.read_net(arguments.directory)
    name, parts = reading.read_parts(net, made, arguments.data, arguments.data_dir, arguments.target)
    print(report.summary(name, parts))
    print()
    print(report.scores_table(report.scores(net, parts)))
    last, part = list(parts.items())[-1]
    given = looking.answers(net, part)
    if given.classes is not None:
        print()
        print(report.classes_table(last, given))
    out = arguments.out
    if out is None and reading.is_own(made, arguments.data, arguments.data_dir):
        out = arguments.directory
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        target = made.get("target") if arguments.target is None else arguments.target
        drawn = run_directory.draw(looking.pictures(out, net, given, target))
        if drawn:
            print(f"\ndrawn into {out}: {', '.join(drawn)}")
    return 0
