"""Programs that can be killed and begun again: trainings and a search, which tell where they are."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from minidl import Checkpoint, EarlyStopping, Trainer
from minidl.callbacks import Average
from tests.training.resumable import EPOCHS, everything, fit, resume

PHASES = [
    "starting", "resuming", "first step", "mid-epoch", "last partial batch", "an epoch's end", "saving",
    "the fit's end", "after it", "searching", "in a rung",
]  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A program that is killed.

    Attributes
    ----------
    do : callable ``(folder, every, tell)``
        Begins in an empty folder, goes on in one that was left, and returns what it came to; ``tell(phase)``
        says where it is.
    every : list
        How often it saves.
    """

    do: Callable[..., Any]
    every: list[int | str]


def train(kind, folder, every, tell):
    """A training as the documentation shows it."""
    _watch(tell)
    tell("resuming")
    path = folder / "run.npz"
    trainer = resume(path, kind, saving=[Checkpoint(path, every)], missing_ok=True)
    fit(trainer, kind, EPOCHS)
    tell("after it")
    return trainer.state_dict()


def search(folder, every, tell):
    """A search by successive halving, which keeps a journal."""
    from minidl.sweep import Grid, Halving, Sweep
    from tests.sweep.small import build, digits, kept, lines

    whole = Trainer.fit

    def fit_told(trainer, *arguments, **options):
        tell("in a rung")
        whole(trainer, *arguments, **options)
        tell("searching")

    Trainer.fit = fit_told
    tell("searching")
    space = Grid(hidden=[8, 16], lr=[0.01, 0.1, 1e6])
    Sweep(build, space, digits(60), steps=8, halving=Halving(2)).run(folder / "search", jobs=1)
    names = kept(folder / "search")
    nets = [(folder / "search" / "best" / name).read_bytes() for name in names if name.endswith(".npz")]
    return {"lines": lines(folder / "search"), "kept": names, "nets": nets}


_plain_compute, _plain_end = Trainer._compute, Trainer._end_epoch
_plain_save = Checkpoint._save


def _watch(tell):
    """Have the Trainer and the callback of this process tell where they are."""

    @functools.wraps(_plain_compute)
    def compute(trainer):
        last = trainer._batches.position == trainer._batches.steps_per_epoch - 1
        tell("first step" if not trainer.step else "last partial batch" if last else "mid-epoch")
        _plain_compute(trainer)

    @functools.wraps(_plain_end)
    def end(trainer):
        tell("an epoch's end")
        _plain_end(trainer)
        if trainer.step == trainer.last_step:
            tell("the fit's end")

    @functools.wraps(_plain_save)
    def save(callback, trainer):
        before = tell("saving")
        _plain_save(callback, trainer)
        tell(before)

    Trainer._compute, Trainer._end_epoch, Checkpoint._save = compute, end, save


def stop_early(folder, every, tell):
    """A training that comes to its end before its epochs have."""
    _watch(tell)
    tell("resuming")
    path = folder / "run.npz"
    arguments, options = everything()
    callbacks = [Average(0.9), EarlyStopping(1, "validation_accuracy"), Checkpoint(path, every)]
    trainer = Trainer.resume(path, *arguments, **{**options, "callbacks": callbacks}, missing_ok=True)
    if trainer.stop_reason is None:
        fit(trainer, "everything", 20)
    tell("after it")
    assert trainer.epoch < 20
    return trainer.state_dict()


STEPS = [1, 2, 3, 4, "1 epoch", "2 epochs", "1 hour"]
RUNS = {
    "two-layers": Run(functools.partial(train, "two layers"), STEPS),
    "everything": Run(functools.partial(train, "everything"), STEPS),
    "stopping-early": Run(stop_early, STEPS),
}
if find_spec("joblib") and find_spec("cloudpickle"):
    RUNS["halving"] = Run(search, [0])
