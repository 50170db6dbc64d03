"""``minidl evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from minidl.cli import looking, options, reading, report, run_directory
from minidl.cli.output import check_folder


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
            "  minidl evaluate runs/digits --part test\n"
            "  minidl evaluate runs/mine new.csv        a table with the same columns\n"
            "  minidl evaluate runs/mine new.npz        its arrays x_test and y_test, or x and y\n"
            "  minidl evaluate runs/mine new.csv --out looks\n"
            "\n"
            "A file other than the run's is measured whole: nothing of it is held out. FILE.npz is what\n"
            "numpy.savez('new.npz', x=samples, y=targets) writes: samples like those of training (pixels in\n"
            "the same range), and labels 0, 1, 2, … in the order of the net's classes, or of target_names,\n"
            "an array of words. It may have parts: x_train, y_train, x_validation, y_validation, x_test, …"
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
    parser.add_argument(
        "--part", choices=("train", "validation", "test"), help="measure this one (default: each there is)"
    )
    options.add_reading(parser, target="as in training")
    parser.add_argument("--out", type=options.path, metavar="DIR", help="where to draw")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print and draw; returns the exit code."""
    if arguments.out is not None:
        check_folder(arguments.out, arguments.out)
    net, made = reading.read_net(arguments.directory)
    name, parts = reading.read_parts(
        net, made, arguments.data, arguments.data_dir, arguments.target, arguments.part
    )
    print(report.summary(name, parts))
    print()
    print(report.scores_table(report.scores(net, parts)))
    last, part = list(parts.items())[-1]
    given = looking.answers(net, part)
    if given.classes is not None:
        print()
        print(report.classes_table(last, given))
        if mixed_up := report.most_mixed_up(given):
            print(mixed_up)
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
