"""A sweep that is over in a moment: its parts, and itself as a program that can be killed."""

import io
import os
import signal
import sys
from pathlib import Path

import numpy as np

import minidl
from minidl import Dataset, mlp
from minidl.data import Splits
from minidl.sweep import Grid, Halving, Sweep
from minidl.sweep.journal import JOURNAL
from minidl.sweep.lines import read_lines

RATES = [0.01, 0.1, 1e9]
SPACE = Grid(hidden=[8, 16], lr=[0.01, 0.1, 1e6], reg=[1e-4, 1e-2])


def digits(samples=300):
    """A part of the digits."""
    data = minidl.data.load("digits")
    return minidl.data.Splits("digits", data.train[:samples], data.validation, data.test)


def sweep_of(*rates):
    """Trials of two steps on samples that are the same on every machine, by default of `RATES`."""
    features = (np.arange(24 * 64) % 17 / 16).astype(np.float32).reshape(24, 64)
    train, validation = Dataset(features, np.arange(24) % 10), Dataset(features[:10], np.arange(10))
    space = Grid(hidden=[3], lr=list(rates or RATES))
    return Sweep(build, space, Splits("numbers", train, validation), steps=2)


def rows_in(raw):
    """The rows of a journal's bytes."""
    return [row for _, rows in read_lines(io.BytesIO(raw), Path("it")).sections for row in rows]


def lines(directory):
    """The journal's lines; all that two journals of one sweep have in common is their set."""
    return sorted((Path(directory) / JOURNAL).read_text().splitlines())


def kept(directory):
    """The names of the files in the folder ``best``."""
    return sorted(path.name for path in (Path(directory) / "best").iterdir())


def build(configuration, data, rng):
    """The net of a trial, unless it is broken."""
    hidden = configuration["hidden"]
    if hidden == "broken":
        raise KeyError(hidden)
    return mlp(64, [hidden], 10, rng=rng)


def deadly(configuration, data, rng):
    """Kills its process: never, once or always."""
    flag = Path(configuration["flag"])
    if configuration["kills"] == "always" or (configuration["kills"] == "once" and not flag.exists()):
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mlp(64, [8], 10, rng=rng)


def deadly_space(folder):
    """For `deadly`."""
    return Grid(lr=[0.1], kills=["never", "once", "always"], flag=[str(folder / "flag")])


def main(directory, halving):
    """Ten short trials on two workers."""
    space = Grid(hidden=[16, 32], lr=[0.001, 0.003, 0.01, 0.03, 1e6])
    sweep = Sweep(build, space, digits(), steps=270, halving=Halving() if halving else None)
    sweep.run(directory, jobs=2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["halving"])
