"""What ``minidl train`` and ``minidl sweep`` share: their options and defaults."""

from __future__ import annotations

import argparse
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import minidl
from minidl.data import Splits, catalog
from minidl.files import as_path
from minidl.kernels.sparse import is_csr
from minidl.recipes import Settings, settings_for
from minidl.recipes.names import (
    ACTIVATIONS,
    AVERAGES,
    CLASS_WEIGHTS,
    LABEL_LOSSES,
    MODELS,
    NORMS,
    NUMBER_LOSSES,
    OPTIMIZERS,
    SCHEDULES,
)

EXPLAINED = (
    "What is not given is set to suit model and data set, and written to run.json; in brackets stands what a "
    "dense net gets where nothing is known of the data."
)


class Option(NamedTuple):
    """An option of the command line: what reads it, its choices, how its value is called, and what it is."""

    kind: Callable[[str], Any]
    text: str
    metavar: str | None = None
    choices: tuple[str, ...] | None = None


NET = {
    "model": Option(str, "dense layers, convolutions, a residual net, embedded categories", "NAME", MODELS),
    "hidden": Option(int, "units of each hidden layer, of mlp, conv and table", "UNITS"),
    "channels": Option(int, "of each stage, of conv and resnet", "N"),
    "blocks": Option(int, "residual blocks of each stage, of resnet", "N"),
    "activation": Option(str, "behind each hidden layer of mlp", "NAME", tuple(ACTIVATIONS)),
    "norm": Option(str, "before each activation of mlp", "NAME", ("none", *NORMS)),
    "dropout": Option(float, "share of the units that are dropped in training", "SHARE"),
    "loss": Option(
        str, "of labels the first two, of numbers the others", "NAME", (*LABEL_LOSSES, *NUMBER_LOSSES)
    ),
    "label_smoothing": Option(float, "share of each label that goes to all classes, of softmax", "SHARE"),
    "class_weights": Option(
        str, "let rare classes count as much as frequent ones, of softmax", "NAME", CLASS_WEIGHTS
    ),
}
"""What makes the net."""

TRAINING = {
    "optimizer": Option(str, "how the weights follow the gradients", "NAME", tuple(OPTIMIZERS)),
    "lr": Option(float, "learning rate at the start"),
    "momentum": Option(float, "of sgd and rmsprop, in [0, 1)"),
    "weight_decay": Option(float, "of adamw", "DECAY"),
    "reg": Option(float, "strength of the L2 penalty on the weights", "STRENGTH"),
    "schedule": Option(str, "how the learning rate falls", "NAME", tuple(SCHEDULES)),
    "lr_decay": Option(float, "factor on it after every epoch, of step", "GAMMA"),
    "warmup": Option(int, "so many steps first, in which it rises", "STEPS"),
    "batch_size": Option(int, "samples a step", "N"),
    "augment": Option(
        str, "change samples at random: flip, crop:4, erase, noise:0.1, mixup:0.2, or flip,crop:4", "NAMES"
    ),
    "early_stopping": Option(
        int, "stop after N epochs without a better validation loss, and keep the best net", "N"
    ),
    "average": Option(str, "keep the mean of the weights over the last steps or epochs", "NAME", AVERAGES),
    "clip_norm": Option(float, "largest norm of the gradients", "NORM"),
}
"""What makes the training, its length apart."""

SEVERAL = (*NET, *TRAINING)
"""The options of which a sweep takes several values."""


def path(text: str) -> Path:
    """A path, ``~`` expanded: no shell does it within ``--out=~/runs``."""
    return as_path("path", text)


def data_set(text: str) -> str:
    """A data set's name, or a file's path."""
    return str(path(text)) if text.startswith("~") else text


def layers(text: str) -> int | tuple[int, ...]:
    """The units of one hidden layer, or of several: ``300`` or ``300,100``."""
    try:
        units = tuple(map(int, text.split(",")))
    except ValueError:
        expected = "expected whole numbers, such as 300 100 or 300,100"
        raise argparse.ArgumentTypeError(f"{expected}, got {text!r}") from None
    return units if len(units) > 1 else units[0]


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the data set and where its files are."""
    group = parser.add_argument_group("data")
    group.add_argument(
        "data",
        metavar="DATA",
        type=data_set,
        nargs="?",
        default="digits",
        help="digits (default), fashion-mnist, mnist, cifar10, FILE.csv with a row a sample, or FILE.npz "
        "with x_train, y_train, …",
    )
    add_reading(group)
    group.add_argument(
        "--task",
        choices=("classes", "numbers"),
        help="what the targets of FILE.csv are, where words, or at most 30 whole numbers, are no classes",
    )
    group.add_argument(
        "--categories", nargs="+", metavar="NAME", help="columns of FILE.csv whose numbers are categories"
    )
    group.add_argument("--drop", nargs="+", metavar="NAME", help="columns of FILE.csv to leave out")


def add_reading(parser: argparse._ActionsContainer, *, target: str = "the last") -> None:
    """Add where a data set's files are, and which column of a table holds the classes."""
    parser.add_argument("--data-dir", type=path, metavar="DIR", help="where the data set's files are")
    parser.add_argument(
        "--target",
        metavar="NAME",
        help=f"the column in FILE.csv that is to be predicted, or its position from 0 (default: {target})",
    )


def add_settings(
    parser: argparse.ArgumentParser,
    *,
    nargs: str | None = None,
    number: Callable[[str], Any] = float,
) -> None:
    """Add what makes net and training, in groups.

    `nargs` "+" takes several values of each; `number` reads those that need not be whole.
    """
    net = parser.add_argument_group("net")
    training = parser.add_argument_group("training", EXPLAINED)
    length = training.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, metavar="N", help="passes over the training set")
    length.add_argument("--steps", type=int, metavar="N", help="updates, instead of epochs")
    for group, options in ((net, NET), (training, TRAINING)):
        for name, option in options.items():
            each_layer = name in ("hidden", "channels")
            kind = layers if each_layer else number if option.kind is float else option.kind
            names = f": {', '.join(option.choices)}" if option.choices else ""
            group.add_argument(
                f"--{name.replace('_', '-')}",
                type=kind,
                nargs="+" if each_layer else nargs,
                metavar=option.metavar or name.upper(),
                choices=option.choices,
                help=f"{option.text}{names} ({_default(name)})",
            )


def _default(name: str) -> str:
    """What it is where nothing is said, of the model mlp."""
    if name == "reg":
        return f"{Settings.prior:g} / training samples"
    value = getattr(Settings, name)
    if isinstance(value, tuple):
        return " ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def add_output(
    parser: argparse.ArgumentParser, *, seeds: str | None = None
) -> argparse._MutuallyExclusiveGroup:
    """Add seed (as many as `seeds` says) and dtype, the directory to write to, and how much to say.

    Returns the group of what becomes of a directory that is in use.
    """
    output = parser.add_argument_group("output")
    several = "; of several, each trial is run with each, and means are compared" if seeds else ""
    seed_help = f"of weights and shuffles (0){several}"
    output.add_argument("--seed", type=int, default=0, nargs=seeds, metavar="SEED", help=seed_help)
    output.add_argument(
        "--dtype", choices=("float32", "float64"), default="float32", help="of the net (float32)"
    )
    output.add_argument("--out", type=path, metavar="DIR", help="where to write (a new runs/NAME)")
    output.add_argument("--quiet", action="store_true", help="print errors only")
    in_use = output.add_mutually_exclusive_group()
    in_use.add_argument("--force", action="store_true", help="overwrite the run that --out holds")
    return in_use


def given(arguments: argparse.Namespace, splits: Splits) -> dict[str, Any]:
    """The settings that the command line says; and the model table for a table with categories."""
    said = {name: getattr(arguments, name) for name in (*SEVERAL, "epochs", "steps")}
    found = {name: value for name, value in said.items() if value is not None}
    if arguments.command == "train":  # of one net: 300,100 means the same as 300 100
        for name in {"hidden", "channels"} & found.keys():
            each = (units if isinstance(units, tuple) else (units,) for units in found[name])
            found[name] = [*itertools.chain(*each)]
    if any(column.categories for column in splits.train.columns or ()):
        found.setdefault("model", "table" if arguments.command == "train" else ["table"])
    return found


def settings(
    arguments: argparse.Namespace, splits: Splits, values: Mapping[str, Any], *, strict: bool = True
) -> dict[str, Any]:
    """All settings of a training with these `values`, as `settings_for` completes them."""
    samples, is_sparse = len(splits.train), is_csr(splits.train.features)
    told = {"has_labels": splits.has_labels, "is_sparse": is_sparse, "strict": strict}
    return settings_for(arguments.data, values, samples, **told)


def data_name(arguments: argparse.Namespace) -> str:
    """The data set's name, that of a file without its suffix."""
    return catalog.stem(arguments.data)


def load(arguments: argparse.Namespace) -> Splits:
    """The data set that the command line names."""
    columns = {name: value for name in ("task", "categories", "drop") if (value := getattr(arguments, name))}
    return minidl.data.load(arguments.data, arguments.data_dir, target=arguments.target, **columns)


def described(arguments: argparse.Namespace, splits: Splits) -> dict[str, Any]:
    """What ``run.json`` says of the data set, the seed and the dtype."""
    data, directory = arguments.data, arguments.data_dir
    described = {
        "data": os.path.realpath(Path(directory or "", data)) if catalog.is_path(data) else data,
        "data_dir": os.path.realpath(directory) if directory else None,
        "seed": arguments.seed,
        "dtype": arguments.dtype,
    }
    if catalog.is_csv(data):
        from minidl.data.csv import describe_table  # here: not every start reads a table

        drop = arguments.drop or ()
        described |= describe_table(described["data"], splits.train, arguments.target, drop)
    return described
