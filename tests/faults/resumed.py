"""Runs that are killed at random moments and resumed, again and again, end as if nothing had happened."""

import functools
import json
import mmap
import os
import pickle
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from minidl import Checkpoint, Trainer
from tests.training.resumable import EPOCHS, assert_same, fit, resume

ROOT = Path(__file__).parents[2]
GUARD_SECONDS = 120
PHASES = [
    "starting", "resuming", "first step", "mid-epoch", "last partial batch", "an epoch's end", "saving",
    "the fit's end", "after it", "searching", "in a rung",
]  # fmt: skip
SIGNALS = [signal.SIGKILL] * 6 + [signal.SIGTERM, signal.SIGINT]
ENDS = {0, 130, 143, *(-number for number in SIGNALS)}
PLACE, RESULT, ERRORS = "place", "result", "errors"


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


STEPS = [1, 2, 3, 4, "1 epoch", "2 epochs", "1 hour"]
RUNS = {
    "two-layers": Run(functools.partial(train, "two layers"), STEPS),
    "everything": Run(functools.partial(train, "everything"), STEPS),
    "halving": Run(search, [0]),
}


def work(name, folder, every):
    """What a child does: the run to its end, and what it came to into a file, whole or not at all."""
    folder = Path(folder)
    with (folder / PLACE).open("r+b") as file:
        place = mmap.mmap(file.fileno(), 1)

    def tell(phase):
        before, place[0] = PHASES[place[0]], PHASES.index(phase)
        return before

    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        result = RUNS[name].do(folder, every, tell)
        (folder / "new").write_bytes(pickle.dumps(result))
        (folder / "new").replace(folder / RESULT)
        return 0
    except KeyboardInterrupt:
        return 130
    except SystemExit as error:
        return error.code
    except BaseException:
        (folder / ERRORS).write_text(traceback.format_exc())
        return 1


def kill_runs(name, count, seed=0, fresh=False):
    """Kill runs, `count` times in all, and resume each until it ends: it equals one left alone, to the bit.

    Returns in what phase how many kills fell. With `fresh`, each process is one of its own and not a fork.
    """
    rng, fell, seconds, whole = random.Random(seed), Counter(), {}, None
    while fell.total() < count:
        every = rng.choice(RUNS[name].every)
        with TemporaryDirectory() as place:
            folder, kills = Path(place), 0
            if every in seconds:
                while rng.random() < 0.7**kills:
                    moment, number = rng.uniform(0, seconds[every]), rng.choice(SIGNALS)
                    if _attempt(name, folder, every, fresh, moment, number):
                        break
                    fell[_phase(folder)] += 1
                    kills += 1
            if not (folder / RESULT).exists():
                took = _attempt(name, folder, every, fresh)
                assert took, f"{name} {every}: hangs"
                seconds.setdefault(every, took)
            result = pickle.loads((folder / RESULT).read_bytes())
            whole = whole or result  # of the first, which nobody kills
            try:
                assert_same(whole, result)
            except AssertionError as error:
                raise AssertionError(f"{name} {every}, after {kills} kills: {error}") from None
            assert not [path for path in folder.rglob("*.tmp") if fnmatch(path.name, ".minidl-*")]
    return {phase: fell[phase] for phase in PHASES if fell[phase]}


def _attempt(name, folder, every, fresh, moment=GUARD_SECONDS, number=signal.SIGKILL):
    """Start or resume the run, and send a signal at this moment; how long it took where it ended before."""
    (folder / RESULT).unlink(missing_ok=True)
    (folder / PLACE).write_bytes(b"\0")
    (folder / ERRORS).write_bytes(b"")
    pid = _start(name, folder, every, fresh)
    if fresh:  # it imports for longer than it runs
        while _phase(folder) == PHASES[0] and not _ends(pid, 0.002):
            pass
    start = time.perf_counter()
    ended = _ends(pid, moment)
    took = time.perf_counter() - start
    if not ended:
        os.kill(pid, number)
        hangs = not _ends(pid, GUARD_SECONDS)
        os.kill(pid, signal.SIGKILL)
        assert not hangs, f"{name} {every}: hangs after {number.name}"
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code in ({0} if ended else ENDS), f"{name} {every}: {code}, {(folder / ERRORS).read_text()}"
    return took if ended else 0.0


def _phase(folder):
    return PHASES[(folder / PLACE).read_bytes()[0]]


def _start(name, folder, every, fresh):
    """A process that does the run; signals wait until it can tell what they did."""
    if fresh:
        arguments = [sys.executable, "-m", "tests.faults.resumed", name, str(folder), json.dumps(every)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        errors = (os.POSIX_SPAWN_OPEN, 2, str(folder / ERRORS), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        return os.posix_spawn(sys.executable, arguments, environment, file_actions=[errors])
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    pid = os.fork()
    if not pid:
        code = 1
        try:
            code = work(name, folder, every)
        finally:
            os._exit(code)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _ends(pid, seconds):
    """Whether the process ends within so long."""
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(work(sys.argv[1], sys.argv[2], json.loads(sys.argv[3])))
