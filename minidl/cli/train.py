"""``minidl train``."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
import time
from typing import Any

import numpy as np

import minidl
from minidl.checks import check_int
from minidl.cli import options, report, run_directory
from minidl.cli.progress import progress
from minidl.console import print_error
from minidl.data import Splits
from minidl.errors import DivergedError
from minidl.recipes import build_trainer
from minidl.recipes.augment import augmentation
from minidl.recipes.defaults import Settings
from minidl.recipes.settings import configuration_of
from minidl.sweep.named import NamedModel
from minidl.tables import counted, last_measured
from minidl.training.interrupts import Interrupts

_STEPS_FOR_A_RATE = 20  # in fewer, what is made ready at the start takes most of the time


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
            "  minidl train texts.npz --dropout 0.3                  sparse counts of words"
        ),
    )
    options.add_data(parser)
    options.add_settings(parser)
    options.add_output(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, print and write; returns the exit code."""
    splits = options.load(arguments)
    samples = len(splits.train)
    settings = options.settings(arguments, splits, options.given(arguments, splits))
    for name in ("steps" if "steps" in settings else "epochs", "batch_size"):
        check_int(f"--{name.replace('_', '-')}", name, settings[name], at_least=1)
    transform = augmentation(settings.get("augment", "none"))
    rng = np.random.default_rng(check_int("--seed", "seed", arguments.seed, at_least=0))
    # The net of a sweep's trial, so that both come to the same one.
    model = NamedModel.of(settings["model"], splits, arguments.dtype, [])
    net = model(configuration_of(settings), splits, rng)
    shown = [] if arguments.quiet else [progress()]
    trainer = build_trainer(net, settings, samples, callbacks=shown, rng=rng)
    out = run_directory.prepare(arguments.out, options.data_name(arguments), force=arguments.force)
    say = report.silent if arguments.quiet else print
    say(report.summary(splits.name, report.parts(splits)))
    say(f"net: {_sizes(settings, splits)}, {net.parameters.count:,} parameters, {arguments.dtype}")
    say(f"training: {_described(settings)}")

    made = {**options.described(arguments, splits), "settings": settings}
    history = trainer.history

    def keep(stopped: str | None) -> None:
        run_directory.write(out, net, history, {**made, "results": None, "stopped": stopped})

    def draw() -> list[str]:
        return run_directory.draw(run_directory.pictures(out, net, history, splits))

    def end_diverged(error: object) -> int:
        keep("diverged")
        print_error("minidl train", error)
        draw()
        return 2

    started = time.perf_counter()
    try:
        trainer.fit(
            splits.train,
            epochs=settings.get("epochs"),
            steps=settings.get("steps"),
            batch_size=settings["batch_size"],
            validation=splits.validation,
            transform=transform,
        )
        seconds = time.perf_counter() - started
        with Interrupts():  # before anything is measured, which may take long, and may fail
            keep(None)
    except DivergedError as error:
        return end_diverged(error)
    except KeyboardInterrupt:  # taken between two steps or once all is written, so that it is whole
        keep("interrupted")
        saved = f"saved in {out}; see it with: minidl show {shlex.quote(str(out))}"
        print(f"minidl: interrupted after {_reached(trainer)}, {saved}", file=sys.stderr)
        draw()
        return 130
    except BaseException:  # whatever it was: what was trained until then stays
        if trainer.step:
            keep("failed")
        raise

    try:
        results = report.scores(net, report.parts(splits))
    except DivergedError as error:  # by the last step, which no other has followed
        lr = history.steps["lr"][-1]
        return end_diverged(f"after the last step, at learning rate {lr:g}: {error}")
    run_directory.write_run(out, {**made, "results": results, "seconds": seconds, "stopped": None})
    seen = _samples_seen(trainer, samples, settings["batch_size"])
    say(f"\n{report.scores_table(results)}\n")
    rate = f", {seen / seconds:,.0f} samples a second" if trainer.step >= _STEPS_FOR_A_RATE else ""
    say(f"{counted(trainer.step, 'step')} in {seconds:.1f} s{rate}")
    if trainer.stop_reason:
        say(f"stopped early: {trainer.stop_reason}")
    for finding in history.diagnose(net, splits):
        say(f"\n{finding.name}: {finding.evidence}\n  {finding.advice}")
    say(f"\n{run_directory.written(out, draw())}")
    return 0


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


def _reached(trainer: minidl.Trainer) -> str:
    """How far a training has come, and the last figures that it has measured."""
    history = trainer.history
    figures = [f"loss {history.steps['loss'][-1]:.4f}"] if trainer.step else []
    figures += last_measured(history.epochs)
    return f"{counted(trainer.step, 'step')}{' (' * bool(figures)}{', '.join(figures)}{')' * bool(figures)}"


def _samples_seen(trainer: minidl.Trainer, samples: int, batch_size: int) -> int:
    whole_epochs = trainer.history.epochs["step"]
    rest = trainer.step - (whole_epochs[-1] if whole_epochs else 0)
    return int(trainer.epoch * samples + rest * min(batch_size, samples))
