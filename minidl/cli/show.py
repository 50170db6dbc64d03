"""``minidl show``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from minidl.cli import looking, options, reading, report, run_directory
from minidl.console import one_line
from minidl.data import Dataset, Splits
from minidl.errors import MinidlError
from minidl.net import Net
from minidl.tables import counted, table
from minidl.training import History

DIAGRAM = "net.png"
_MOST_CHARACTERS = 70


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "show",
        help="look into a run: its net, settings, figures and pictures",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Print the layers of the net in DIR, what it was trained on and how, the last epoch's figures\n"
            "and what the curves say. Draw all pictures anew into DIR:\n"
            "  history.png, weights.png      the curves, and the first layer's weights\n"
            "  net.png                       the layers\n"
            "  confusion.png                 of classes: which are taken for which\n"
            "  mistakes.png                  of images: the surest mistakes\n"
            "  units.png                     of images: those that excite the first layer's units most,\n"
            "                                among up to 2,000 of the last part\n"
            "  predictions.png               of numbers: predicted against true ones\n"
            "A run that was interrupted is shown as far as it came."
        ),
        epilog="examples:\n  minidl show runs/digits\n  minidl show runs/mine --data-dir moved",
    )
    parser.add_argument(
        "directory", type=options.path, metavar="DIR", help="what minidl train wrote (its --out)"
    )
    parser.add_argument(
        "--data-dir", type=options.path, metavar="DIR", help="where the data set's files are now"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print and draw; returns the exit code."""
    out = arguments.directory
    net, made = reading.read_net(out)
    history = History.load(out / run_directory.HISTORY)
    splits, parts = _data(net, made, arguments.data_dir)
    shape = None if splits is None else splits.sample_shape
    print(net.summary(shape))
    print(f"\n{_described(made)}\n")
    print(_last_epoch(history))
    if results := made.get("results"):
        print(f"\n{report.scores_table(results)}")
    for finding in history.diagnose(net, splits) if splits else history.diagnose():
        print(f"\n{finding.name}: {finding.evidence}\n  {finding.advice}")
    pictures: dict[Path, Callable[[Path], object]] = {
        **run_directory.pictures(out, net, history, splits),
        out / DIAGRAM: partial(net.diagram, sample_shape=shape),
    }
    if splits is not None:
        name, part = list(parts.items())[-1]
        pictures |= looking.unit_pictures(out, net, name, part)
        try:
            pictures |= looking.pictures(out, net, looking.answers(net, part), made.get("target"))
        except MinidlError as error:  # such as scores that are NaN
            print(f"minidl: no pictures of what it answers: {one_line(error)}", file=sys.stderr)
    if drawn := run_directory.draw(pictures):
        print(f"\ndrawn into {out}: {', '.join(drawn)}")
    return 0


def _data(
    net: Net, made: Mapping[str, Any], directory: Path | None
) -> tuple[Splits | None, dict[str, Dataset]]:
    """The data of the run, and its parts as the net takes them.

    Where they are no longer there, a line, and what needs no data is shown.
    """
    name = Path(made["data"]).name
    if directory is not None and name != made["data"]:  # a file, which run.json names by its whole path
        made, directory = {**made, "data": str(directory / name), "data_dir": None}, None
    try:
        splits = reading.read_own(made, directory)
        return splits, reading.fitted_parts(made["data"], net, report.parts(splits))
    except (MinidlError, OSError) as error:
        print(f"minidl: shown without the data: {one_line(error)}", file=sys.stderr)
        return None, {}


def _described(made: Mapping[str, Any]) -> str:
    """What a run was made of, a line each."""
    apart = ("results", "settings", "categories", "files")
    told = {name: value for name, value in made.items() if name not in apart}
    told = {**told, **(made.get("settings") or {})}
    if made.get("stopped"):
        told |= {name: f"{told[name]} asked for" for name in ("epochs", "steps") if told.get(name)}
    told["stopped"] = made.get("stopped") or "at its end"
    rows = [
        (name.replace("_", " "), _shown(name, value)) for name, value in told.items() if value is not None
    ]
    return table(("run", ""), rows, left=(0, 1))


def _shown(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        text = ", ".join(map(str, value))
    elif isinstance(value, float):
        text = f"{value:.1f}" if name == "seconds" else f"{value:.6g}"
    else:
        text = str(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"


def _last_epoch(history: History) -> str:
    """The figures of the last epoch that was completed; before the first, of the last step."""
    steps, epochs = len(history.steps["loss"]), len(history.epochs["lr"])
    if not epochs:
        rows = [
            (name.replace("_", " "), f"{column[-1]:.4g}") for name, column in history.steps.items() if column
        ]
        return table((f"{counted(steps, 'step')}, no epoch completed", "the last one's"), rows)
    names = [name for name, column in history.epochs.items() if name != "step" and column[-1] is not None]
    rows = [(name.replace("_", " "), _figure(name, history.epochs[name][-1])) for name in names]
    return table((f"epoch {epochs:,}", f"after {history.epochs['step'][-1]:,} steps"), rows)


def _figure(name: str, value: float) -> str:
    return report.figure(name.partition("_")[2], value) if name != "seconds" else f"{value:.2f}"
