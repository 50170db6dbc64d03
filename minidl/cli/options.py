"""What ``minidl train`` and ``minidl sweep`` share: their options and defaults."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minidl.data import catalog
from minidl.files import as_path
from minidl.recipes import SETTINGS, Settings

KEYS = ("hidden", "lr", "reg", "momentum", "lr_decay", "batch_size", "first_scale")
"""The settings that make a trial's configuration."""

_HYPERPARAMETERS: dict[str, tuple[Callable[[str], Any], str | None, str]] = {
    "batch_size": (int, "N", "samples a step"),
    "lr": (float, None, "learning rate at the start"),
    "lr_decay": (float, "GAMMA", "factor on it after every epoch"),
    "momentum": (float, None, "of SGD, in [0, 1)"),
    "reg": (float, "STRENGTH", "of the L2 penalty on the weights"),
}
"""Type, metavar and help of the options that a sweep can vary, the hidden layers apart."""


def path(text: str) -> Path:
    """A path, ``~`` expanded: no shell does it within ``--out=~/runs``."""
    return as_path("path", text)


def data_set(text: str) -> str:
    """A data set's name, or a file's path."""
    return str(path(text)) if text.startswith("~") else text


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the data set and where its files are."""
    parser.add_argument(
        "data",
        type=data_set,
        nargs="?",
        default="digits",
        help="digits (default), fashion-mnist, mnist, cifar10, FILE.csv with a row a sample, or FILE.npz "
        "with x_train, y_train, …",
    )
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser, *, target: str = "the last") -> None:
    """Add where a data set's files are, and which column of a table holds the classes."""
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="where the data set's files are")
    parser.add_argument(
        "--target",
        metavar="NAME",
        help=f"the column of classes in FILE.csv, or its position from 0 (default: {target})",
    )


def add_hyperparameters(
    parser: argparse.ArgumentParser, *, nargs: str | None = None, number: Callable[[str], Any] = float
) -> None:
    """Add how long to train, and what `Settings` names but `hidden`.

    `nargs` "+" takes several values of each; `number` reads those that need not be whole.
    """
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="passes over the training set")
    length.add_argument("--steps", type=int, help="updates, instead of epochs")
    for name, (kind, metavar, text) in _HYPERPARAMETERS.items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(
            option,
            type=number if kind is float else kind,
            nargs=nargs,
            metavar=metavar or name.upper(),
            help=text,
        )


def add_output(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """Add seed and dtype, the directory to write to, and how much to say.

    Returns the group of what becomes of a directory that is in use.
    """
    parser.add_argument("--seed", type=int, default=0, help="of weights and shuffles (default 0)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--out", type=path, metavar="DIR", help="where to write (default: a new runs/NAME)")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    in_use = parser.add_mutually_exclusive_group()
    in_use.add_argument("--force", action="store_true", help="overwrite the run that --out holds")
    return in_use


def settings(arguments: argparse.Namespace, samples: int) -> dict[str, Any]:
    """What the command line says, and the defaults for the rest; `samples` to train on."""
    chosen = vars(SETTINGS.get(arguments.data, Settings())).copy()
    chosen["hidden"] = list(chosen["hidden"])
    chosen["reg"] = chosen.pop("prior") / samples
    given = {name: getattr(arguments, name, None) for name in (*chosen, "steps")}
    return chosen | {name: value for name, value in given.items() if value is not None}


def data_name(arguments: argparse.Namespace) -> str:
    """The data set's name, that of a file without its suffix."""
    return catalog.stem(arguments.data)


def described(arguments: argparse.Namespace) -> dict[str, Any]:
    """What ``run.json`` says of the data set, the seed and the dtype."""
    data, directory = arguments.data, arguments.data_dir
    described = {
        "data": str(Path(directory or "", data).resolve()) if catalog.is_path(data) else data,
        "data_dir": str(directory.resolve()) if directory else None,
        "seed": arguments.seed,
        "dtype": arguments.dtype,
    }
    if catalog.is_csv(data):
        from minidl.data.layout import read_layout  # here: not every start reads a table

        layout = read_layout(described["data"], arguments.target)
        described |= {"target": layout.target_name, "columns": layout.feature_names}
    return described
