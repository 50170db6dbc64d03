"""A training that a command runs: what is kept of it, however it ends, and what is said of it."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minidl
from minidl.cli import report, run_directory
from minidl.cli.signals import ASKED, do_and_keep, ended_by_signals, exit_code
from minidl.console import print_error
from minidl.data import Splits
from minidl.errors import DivergedError
from minidl.tables import counted, last_measured
from minidl.training import History

_STEPS_FOR_A_RATE = 20  # in fewer, what is made ready at the start takes most of the time


class Run:
    """A training and the directory that it is written to.

    Parameters
    ----------
    made : dict
        How it is made, as run.json says it.
    resumable : bool
        Whether there are checkpoints of it.
    """

    def __init__(
        self,
        trainer: minidl.Trainer,
        splits: Splits,
        out: Path,
        made: dict[str, Any],
        *,
        resumable: bool,
    ) -> None:
        self.trainer, self.splits, self.out, self.made = trainer, splits, out, made
        self.resumable = resumable
        self.begun = trainer.step  # other than 0 where it goes on
        self.is_ending = False  # whether its results are written, said and drawn
        self._seen = self._samples_seen()

    @property
    def seen(self) -> int:
        """Samples trained on since it began, or went on."""
        return self._samples_seen() - self._seen

    def _samples_seen(self) -> int:
        trainer, samples = self.trainer, len(self.splits.train)
        whole_epochs = trainer.history.epochs["step"]
        rest = trainer.step - (whole_epochs[-1] if whole_epochs else 0)
        return int(trainer.epoch * samples + rest * min(self.made["settings"]["batch_size"], samples))

    def keep(self, error: BaseException | None) -> None:
        """Write what was trained, if there is something, and how it ended."""
        trainer, stopped = self.trainer, None
        if isinstance(error, DivergedError):
            stopped = "diverged"
        elif error is not None:
            if trainer.step == self.begun:
                if not self.begun:  # nothing is lost with a checkpoint of the start
                    run_directory.remove(self.out, run_directory.CHECKPOINTS)
                return
            stopped = "interrupted" if isinstance(error, ASKED) else "failed"
        for table in (trainer.history.steps, trainer.history.epochs):
            rows = min(map(len, table.values()))  # a row may be broken off, by a second Ctrl-C
            for column in table.values():
                del column[rows:]
        made = {**self.made, "stopped": stopped}
        if self.resumable:
            made["run"] = trainer.run_id
        write = run_directory.write
        try:
            self.made = write(self.out, trainer.net, trainer.history, made, resumable=self.resumable)
        except OSError as problem:
            if not self.resumable:
                raise
            go_on = f"the last checkpoint is whole: make room, and {run_directory.resuming_command(self.out)}"
            raise OSError(problem.errno, f"{problem.strerror}; {go_on}", problem.filename) from None
        if error is None and self.resumable:  # what says that nothing is left to be done
            trainer.save(self.out / run_directory.CHECKPOINT, note=made)

    def draw(self) -> list[str]:
        """Draw its pictures; returns their names."""
        net, history = self.trainer.net, self.trainer.history
        return run_directory.draw(run_directory.pictures(self.out, net, history, self.splits))

    def end_diverged(self, error: object) -> int:
        """Say so; returns the exit code."""
        print_error("minidl train", error)
        self.draw()
        return 2

    def end_asked(self, asked: BaseException) -> int:
        """Say how far it came and what to do now; returns the exit code."""
        trainer, out, quoted = self.trainer, self.out, shlex.quote(str(self.out))
        if trainer.step == self.begun and "stopped" not in self.made:
            told = "interrupted before the first step; nothing was written"
        elif "stopped" not in self.made:
            told = f"interrupted while {out} was written, which is not whole"
        elif self.made["stopped"] is None:
            told = f"interrupted once it was trained; saved in {out}; measure: minidl evaluate {quoted}"
        else:
            told = f"interrupted after {_reached(trainer)}, saved in {out}; see it with: minidl show {quoted}"
        if self.resumable and trainer.step:
            told += f"; go on with: {run_directory.resuming_command(out)}"
        print(f"minidl: {told}", file=sys.stderr)
        # After other signals there may be little time left, and drawing may be what was broken off.
        if "stopped" in self.made and not self.is_ending and isinstance(asked, KeyboardInterrupt):
            self.draw()
        return exit_code(asked)


def train(run: Run, fit: Callable[[], History], say: Callable[[str], object]) -> int:
    """Train, keep, measure and draw; returns the exit code."""
    started = time.perf_counter()
    try:
        do_and_keep(fit, run.keep)
        elapsed = time.perf_counter() - started
        with ended_by_signals():  # all is kept: what is computed from here on may be broken off
            _finish(run, _measured(run), elapsed, say)
    except DivergedError as error:
        return run.end_diverged(error)
    except ASKED as asked:
        return run.end_asked(asked)
    return 0


def _finish(run: Run, results: Any, elapsed: float, say: Callable[[str], object]) -> None:
    """Write what was measured, say it, and draw."""
    run.is_ending, trainer, history = True, run.trainer, run.trainer.history
    run_directory.write_run(run.out, {**run.made, "results": results, "seconds": _seconds(history)})
    steps = trainer.step - run.begun
    say(f"\n{report.scores_table(results)}\n")
    rate = f", {run.seen / elapsed:,.0f} samples a second" if steps >= _STEPS_FOR_A_RATE else ""
    say(f"{counted(steps, 'further step' if run.begun else 'step')} in {elapsed:.1f} s{rate}")
    if run.begun and not steps:
        say("nothing was left to be trained; a greater --epochs or --steps makes it longer")
    if trainer.stop_reason:
        say(f"stopped early: {trainer.stop_reason}")
    for finding in history.diagnose(trainer.net, run.splits):
        say(f"\n{finding.name}: {finding.evidence}\n  {finding.advice}")
    say(f"\n{run_directory.written(run.out, run.draw())}")


def _measured(run: Run) -> dict[str, dict[str, float]]:
    """What came of it; `DivergedError` by the last step, which no other has followed."""
    try:
        return report.scores(run.trainer.net, report.parts(run.splits))
    except DivergedError as error:
        lr = run.trainer.history.steps["lr"][-1]
        diverged = DivergedError(f"after the last step, at learning rate {lr:g}: {error}")
        run.keep(diverged)
        raise diverged from error


def _seconds(history: History) -> float:
    """What the training took, in all sessions together."""
    return math.fsum([*history.epochs["seconds"], (history.unfinished or {}).get("seconds") or 0.0])


def _reached(trainer: minidl.Trainer) -> str:
    """How far a training has come, and the last figures that it has measured."""
    history = trainer.history
    figures = [f"loss {history.steps['loss'][-1]:.4f}"] if trainer.step else []
    figures += last_measured(history.epochs)
    return f"{counted(trainer.step, 'step')}{' (' * bool(figures)}{', '.join(figures)}{')' * bool(figures)}"
