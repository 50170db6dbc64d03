"""``minidl train``."""

from __future__ import annotations

import argparse
import math
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

import minidl
from minidl.callbacks import Checkpoint
from minidl.checks import check_int
from minidl.cli import options, preparing, report, resuming, run_directory, running
from minidl.cli.progress import progress
from minidl.data import Splits
from minidl.recipes import build_trainer
from minidl.recipes.augment import augmentation
from minidl.recipes.defaults import Settings
from minidl.recipes.settings import configuration_of
from minidl.sweep.named import NamedModel
from minidl.tables import counted

_DEFAULTS = {"data": "digits", "seed": 0, "dtype": "float32"}


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        usage="minidl train [DATA] [options]",
        help="train a net on a data set",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Train a net and write it, its history and pictures into a directory.\n\n"
            "examples:\n"
            "  minidl train                                          digits, a dense net\n"
            "  minidl train fashion-mnist --model conv\n"
            "  minidl train cifar10 --data-dir cifar-10-batches-bin --model resnet --augment flip,crop:4\n"
            "  minidl train mine.csv --target species --hidden 50 50 --dropout 0.2 --early-stopping 10\n"
            "  minidl train houses.csv --target price --loss huber   numbers to predict: a regression\n"
            "  minidl train mine.npz --optimizer adam --lr 0.002 --schedule cosine --out runs/mine\n"
            "  minidl train texts.npz --dropout 0.3                  sparse counts of words\n"
            "  minidl train --resume                                 go on with the last run\n"
            "  minidl train --resume --out runs/mine --epochs 100    make it longer"
        ),
    )
    options.add_data(parser)
    options.add_settings(parser)
    in_use = options.add_output(parser)
    in_use.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run that --out holds (default: the last in runs), from its checkpoint alone; "
        "what else is said must be as it was, but a greater --epochs or --steps makes it longer, and "
        "--data-dir says where its data are now",
    )
    parser.add_argument_group("checkpoints").add_argument(
        "--checkpoint-every",
        default="5 minutes",
        metavar="WHEN",
        help="how often to save all that --resume needs: '10 minutes', '5 epochs', 500 (steps), or never "
        "(5 minutes); it is saved at the start and the end, too, and after Ctrl-C or SIGTERM",
    )
    # None says that the command line does not say it.
    parser.set_defaults(run=run, **dict.fromkeys(_DEFAULTS))


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write; returns the exit code."""
    every = resuming.every(arguments.checkpoint_every)
    with ExitStack() as stack:
        saved, moved = None, arguments.data_dir is not None
        if arguments.resume:
            out = stack.enter_context(resuming.resumed(arguments.out, arguments.data))
            saved = resuming.read(out / run_directory.CHECKPOINT, arguments)
        for name, value in _DEFAULTS.items():
            setattr(arguments, name, value if getattr(arguments, name) is None else getattr(arguments, name))
        splits = options.load(arguments)
        given = options.given(arguments, splits)
        made = options.described(arguments, splits)
        if saved is None:
            made |= {"settings": options.settings(arguments, splits, given), "results": None}
        else:
            made = resuming.agreed(saved.note, made, given, moved=moved)
            made["settings"] = options.settings(arguments, splits, made["settings"])  # which checks them
        trainer, settings = _trainer(arguments, splits, made["settings"]), made["settings"]
        if saved is None:
            name = options.data_name(arguments)
            out = stack.enter_context(preparing.prepared(arguments.out, name, force=arguments.force))
        going = {name: value for name, value in made.items() if name != "stopped"}
        if every is not None:
            path = out / run_directory.CHECKPOINT
            trainer.callbacks.append(Checkpoint(path, every, overwrite=arguments.force, note=going))
        length = {unit: settings[unit] for unit in ("steps", "epochs") if unit in settings}
        if saved is not None:
            resuming.load(out / run_directory.CHECKPOINT, trainer, saved, splits.train)
            length = resuming.left(trainer, settings, saved.note)
        say = report.silent if arguments.quiet else print
        say(report.summary(splits.name, report.parts(splits)))
        say(f"net: {_sizes(settings, splits)}, {trainer.net.parameters.count:,} parameters, {made['dtype']}")
        say(f"training: {_described(settings)}")
        if saved is not None:
            say(f"going on after {counted(trainer.step, 'step')}")
        fit = partial(
            trainer.fit,
            splits.train,
            epochs=length.get("epochs"),
            steps=length.get("steps"),
            batch_size=settings["batch_size"],
            validation=splits.validation,
            transform=augmentation(settings.get("augment", "none")),
        )
        training = running.Run(trainer, splits, out, going, resumable=every is not None)
        return running.train(training, fit if length else lambda: trainer.history, say)


def _trainer(arguments: argparse.Namespace, splits: Splits, settings: dict[str, Any]) -> minidl.Trainer:
    """The net and what trains it."""
    for name in ("steps" if "steps" in settings else "epochs", "batch_size"):
        check_int(f"--{name.replace('_', '-')}", name, settings[name], at_least=1)
    augmentation(settings.get("augment", "none"))  # an error before anything is built
    rng = np.random.default_rng(check_int("--seed", "seed", arguments.seed, at_least=0))
    # The net of a sweep's trial, so that both come to the same one.
    model = NamedModel.of(settings["model"], splits, arguments.dtype, [])
    net = model(configuration_of(settings), splits, rng)
    shown = [] if arguments.quiet else [progress()]
    return build_trainer(net, settings, len(splits.train), callbacks=shown, rng=rng)


def _sizes(settings: dict[str, Any], splits: Splits) -> str:
    """The model in a few words: of dense layers, how many numbers go in and come out of each."""
    if settings["model"] != "mlp":
        return str(settings["model"])
    outputs = splits.num_classes if splits.has_labels else math.prod(splits.train.targets.shape[1:])
    return " → ".join(map(str, (math.prod(splits.sample_shape), *settings["hidden"], outputs)))


def _described(settings: dict[str, Any]) -> str:
    """What is set, as the command line would say it: the length first, and nothing that is plain."""
    unit = "steps" if "steps" in settings else "epochs"
    shown = {unit: settings[unit], "batch_size": settings["batch_size"], "optimizer": settings["optimizer"]}
    plain = vars(Settings()) | {"reg": 0.0}
    often = ("lr", "momentum", "schedule", "lr_decay")
    for name in options.TRAINING:
        if name in settings and (name in often or settings[name] != plain[name]):
            shown.setdefault(name, settings[name])
    for name in ("dropout", "label_smoothing", "class_weights"):
        if settings.get(name, plain[name]) != plain[name]:
            shown[name] = settings[name]
    texts = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in shown.values())
    return " ".join(f"--{name.replace('_', '-')} {text}" for name, text in zip(shown, texts, strict=True))
