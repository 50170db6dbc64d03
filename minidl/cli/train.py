"""``minidl train``."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import minidl
from minidl.cli import report, run_directory
from minidl.data import Splits
from minidl.errors import DivergedError, MissingExtraError, check_int
from minidl.initializers import he_normal, scaled
from minidl.layers import Sequential, Standardize
from minidl.models import dense_net
from minidl.optimizers import SGD
from minidl.plots import plot_weights
from minidl.regularizers import L2
from minidl.schedulers import StepDecay
from minidl.training import ProgressBar, Trainer


@dataclass(frozen=True)
class Settings:
    """How a data set is trained on where the command line is silent.

    `prior` gives the L2 penalty's strength as ``prior / training samples``: like a prior's, its
    weight against the data falls as they grow, so that one number suits a data set and a sample
    of it. `first_scale` shrinks the first layer's start, as `dense_net` explains.
    """

    hidden: tuple[int, ...] = (100,)
    epochs: int = 40
    batch_size: int = 50
    lr: float = 0.05
    lr_decay: float = 0.95
    momentum: float = 0.9
    prior: float = 5.0
    first_scale: float = 1.0


DEFAULTS = {
    "digits": Settings(hidden=(100,), epochs=60, batch_size=32),
    "mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "fashion-mnist": Settings(hidden=(300,), epochs=15, batch_size=100, lr_decay=0.85, first_scale=0.1),
    "cifar10": Settings(hidden=(300,), epochs=20, lr=0.005, lr_decay=0.9, prior=100.0, first_scale=0.1),
}


def add_command(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "train",
        help="train a dense net on a data set",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Train a net of affine and ReLU layers with a softmax on top, by minibatch SGD, and write\n"
            "net, history and pictures into a directory. What is not given is set to suit the data."
        ),
        epilog=(
            "examples:\n"
            "  minidl train\n"
            "  minidl train fashion-mnist --hidden 300\n"
            "  minidl train cifar10 --data-dir cifar-10-batches-bin --hidden 300 100 --lr 0.005\n"
            "  minidl train mine.npz --out runs/mine"
        ),
    )
    parser.add_argument(
        "data",
        nargs="?",
        default="digits",
        help="digits (default), fashion-mnist, mnist, cifar10, or FILE.npz with x_train, y_train, …",
    )
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where the data set's files are")
    parser.add_argument("--hidden", type=int, nargs="+", metavar="UNITS", help="units of each hidden layer")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--epochs", type=int, help="passes over the training set")
    length.add_argument("--steps", type=int, help="updates, instead of epochs")
    parser.add_argument("--batch-size", type=int, metavar="N", help="samples a step")
    parser.add_argument("--lr", type=float, help="learning rate at the start")
    parser.add_argument("--lr-decay", type=float, metavar="GAMMA", help="factor on it after every epoch")
    parser.add_argument("--momentum", type=float, help="of SGD, in [0, 1)")
    parser.add_argument("--reg", type=float, metavar="STRENGTH", help="of the L2 penalty on the weights")
    parser.add_argument("--seed", type=int, default=0, help="of weights and shuffles (default 0)")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: a new runs/NAME)")
    parser.add_argument("--force", action="store_true", help="overwrite the run that --out holds")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write; returns the exit code."""
    name = Path(arguments.data).stem if arguments.data.endswith(".npz") else arguments.data
    splits = minidl.data.load(arguments.data, arguments.data_dir)
    settings = _settings(arguments, len(splits.train))
    rng = np.random.default_rng(check_int("--seed", "seed", arguments.seed, at_least=0))
    net = _build(splits, settings, arguments.dtype, rng)
    trainer = Trainer(
        net,
        SGD(settings["lr"], momentum=settings["momentum"]),
        scheduler=StepDecay(settings["lr_decay"]),
        regularizer=L2(settings["reg"]),
        callbacks=[] if arguments.quiet else [ProgressBar()],
        rng=rng,
    )
    out = run_directory.prepare(arguments.out, name, force=arguments.force)
    say = _silent if arguments.quiet else print
    sizes = " → ".join(map(str, (math.prod(splits.sample_shape), *settings["hidden"], splits.num_classes)))
    say(report.summary(splits))
    say(f"net: {sizes}, {net.parameters.count:,} parameters, {arguments.dtype}")

    made = {
        "data": str(Path(arguments.data).resolve()) if arguments.data.endswith(".npz") else arguments.data,
        "data_dir": str(arguments.data_dir.resolve()) if arguments.data_dir else None,
        "settings": settings,
        "seed": arguments.seed,
        "dtype": arguments.dtype,
    }
    started = time.perf_counter()
    try:
        _fit(trainer, splits, settings)
    except DivergedError:
        _write(out, trainer, {**made, "results": None, "stopped": "diverged"}, splits)
        raise
    seconds = time.perf_counter() - started
    if trainer.stop_reason:
        _write(out, trainer, {**made, "results": None, "stopped": trainer.stop_reason}, splits)
        print(f"minidl: {trainer.stop_reason} after {trainer.step} steps, saved in {out}", file=sys.stderr)
        return 130

    results = report.scores(net, splits)
    _write(out, trainer, {**made, "results": results, "seconds": seconds, "stopped": None}, splits)
    samples = _samples_seen(trainer, len(splits.train), settings["batch_size"])
    say(f"\n{report.scores_table(results)}\n")
    say(f"{trainer.step:,} steps in {seconds:.1f} s, {samples / seconds:,.0f} samples a second")
    for finding in trainer.history.diagnose(net, splits.train.features):
        say(f"\n{finding.name}: {finding.evidence}\n  {finding.advice}")
    say(f"\nwritten to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return 0


def _settings(arguments: argparse.Namespace, samples: int) -> dict[str, Any]:
    """What the command line says, and the defaults for the rest."""
    settings = vars(DEFAULTS.get(arguments.data, Settings())).copy()
    settings["reg"] = settings.pop("prior") / samples
    given = {name: getattr(arguments, name, None) for name in (*settings, "steps")}
    settings |= {name: value for name, value in given.items() if value is not None}
    for name in ("epochs", "batch_size", *(["steps"] if "steps" in settings else [])):
        check_int("train", name, settings[name], at_least=1)
    return settings


def _build(splits: Splits, settings: dict[str, Any], dtype: str, rng: np.random.Generator) -> Sequential:
    features = splits.train.features
    # Pixels share one scale; measurements of different kinds each need their own.
    is_image = len(splits.sample_shape) > 1 or features.dtype == np.uint8
    return dense_net(
        math.prod(splits.sample_shape),
        settings["hidden"],
        splits.num_classes,
        standardize=Standardize.fit(features, shared_scale=is_image, dtype=dtype),
        first_initializer=scaled(he_normal, settings["first_scale"]),
        rng=rng,
        dtype=dtype,
    )


def _fit(trainer: Trainer, splits: Splits, settings: dict[str, Any]) -> None:
    """Fit; the first Ctrl-C ends it after the step under way, so that what is saved is whole."""

    def interrupt(*_: Any) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the second one is immediate
        trainer.stop("interrupted")

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        trainer.fit(
            splits.train,
            epochs=None if "steps" in settings else settings["epochs"],
            steps=settings.get("steps"),
            batch_size=settings["batch_size"],
            validation=splits.validation,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def _write(out: Path, trainer: Trainer, run: dict[str, Any], splits: Splits) -> None:
    """Write everything, the net first: it is what cannot be had again."""
    minidl.save(trainer.net, out / run_directory.NET)
    trainer.history.save(out / run_directory.HISTORY)
    run_directory.write_run(out, run)
    try:
        if trainer.step:
            trainer.history.plot(out / run_directory.CURVES)
        weight = trainer.net.parameters["affine0.weight"].value
        plot_weights(weight, splits.sample_shape, out / run_directory.WEIGHTS)
    except MissingExtraError as error:
        print(f"minidl: no pictures: {error}", file=sys.stderr)


def _silent(*_: object) -> None:
    """Print nothing."""


def _samples_seen(trainer: Trainer, samples: int, batch_size: int) -> int:
    whole_epochs = trainer.history.epochs["step"]
    rest = trainer.step - (whole_epochs[-1] if whole_epochs else 0)
    return int(trainer.epoch * samples + rest * min(batch_size, samples))
