"""``minidl train``."""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import Any

import numpy as np

import minidl
from minidl.callbacks import ProgressBar
from minidl.checks import check_int
from minidl.cli import options, report, run_directory
from minidl.console import print_error
from minidl.errors import DivergedError
from minidl.recipes import sgd_trainer
from minidl.sweep.named import NamedModel
from minidl.training.interrupts import Interrupts


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
            "  minidl train mine.csv --target species --out runs/mine\n"
            "  minidl train mine.npz"
        ),
    )
    options.add_data(parser)
    parser.add_argument("--hidden", type=int, nargs="+", metavar="UNITS", help="units of each hidden layer")
    options.add_hyperparameters(parser)
    options.add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write; returns the exit code."""
    splits = minidl.data.load(arguments.data, arguments.data_dir, target=arguments.target)
    settings = options.settings(arguments, len(splits.train))
    for name in ("epochs", "batch_size", *(["steps"] if "steps" in settings else [])):
        check_int("train", name, settings[name], at_least=1)
    rng = np.random.default_rng(check_int("--seed", "seed", arguments.seed, at_least=0))
    # The net of a sweep's trial, so that both come to the same one.
    model = NamedModel.of("mlp", splits, arguments.dtype, [])
    net = model({name: settings[name] for name in options.KEYS}, splits, rng)
    trainer = sgd_trainer(net, settings, callbacks=[] if arguments.quiet else [ProgressBar()], rng=rng)
    out = run_directory.prepare(arguments.out, options.data_name(arguments), force=arguments.force)
    say = report.silent if arguments.quiet else print
    sizes = " → ".join(map(str, (math.prod(splits.sample_shape), *settings["hidden"], splits.num_classes)))
    say(report.summary(splits.name, report.parts(splits)))
    say(f"net: {sizes}, {net.parameters.count:,} parameters, {arguments.dtype}")

    made = {**options.described(arguments), "settings": settings}
    history = trainer.history

    def keep(stopped: str | None) -> None:
        run_directory.write(out, net, history, {**made, "results": None, "stopped": stopped})

    def draw() -> None:
        run_directory.draw(run_directory.pictures(out, net, history, splits))

    started = time.perf_counter()
    try:
        trainer.fit(
            splits.train,
            epochs=None if "steps" in settings else settings["epochs"],
            steps=settings.get("steps"),
            batch_size=settings["batch_size"],
            validation=splits.validation,
        )
        seconds = time.perf_counter() - started
        with Interrupts():  # before anything is measured, which may take long, and may fail
            keep(None)
    except DivergedError as error:
        keep("diverged")
        print_error("minidl", error)
        draw()
        return 2
    except KeyboardInterrupt:  # taken between two steps or once all is written, so that it is whole
        keep("interrupted")
        print(f"minidl: interrupted after {trainer.step} steps, saved in {out}", file=sys.stderr)
        draw()
        return 130
    except BaseException:  # whatever it was: what was trained until then stays
        if trainer.step:
            keep("failed")
        raise

    results = report.scores(net, report.parts(splits))
    run_directory.write_run(out, {**made, "results": results, "seconds": seconds, "stopped": None})
    samples = _samples_seen(trainer, len(splits.train), settings["batch_size"])
    say(f"\n{report.scores_table(results)}\n")
    say(f"{trainer.step:,} steps in {seconds:.1f} s, {samples / seconds:,.0f} samples a second")
    for finding in history.diagnose(net, splits):
        say(f"\n{finding.name}: {finding.evidence}\n  {finding.advice}")
    draw()
    say(f"\nwritten to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")
    return 0


def _samples_seen(trainer: minidl.Trainer, samples: int, batch_size: int) -> int:
    whole_epochs = trainer.history.epochs["step"]
    rest = trainer.step - (whole_epochs[-1] if whole_epochs else 0)
    return int(trainer.epoch * samples + rest * min(batch_size, samples))
