"""One sweep on two engines: the journals are the same to the byte."""

import os
import subprocess
import sys
from pathlib import Path

from minidl.sweep import Halving, Sweep
from tests.sweep.small import SPACE, digits, kept, lines

ROOT = Path(__file__).resolve().parents[2]


BOTH = None, Halving()


def judge_sweeps(judge, directory, halvings=BOTH, **options):
    """Run a sweep as it is and by halving, with `options` and on loky with one job, and compare."""
    for halving in halvings:
        sweep = Sweep("mlp", SPACE, digits(), steps=30, halving=halving)
        ours, theirs = directory / f"ours, {halving}", directory / f"theirs, {halving}"
        expected, found = sweep.run(ours, jobs=1), sweep.run(theirs, **options)
        assert lines(theirs) == lines(ours)
        assert kept(theirs) == kept(ours)
        values = [[row.value for row in results.done] for results in (found, expected)]
        judge.agrees(*values, "values", rtol=0, floor=0)
        nets = [results.best_net().parameters.values for results in (found, expected)]
        judge.agrees(*nets, "best net", rtol=0, floor=0)
        judge.judged("sweeps")


def check_unguarded(backend):
    """A script without a main guard gets its rows, once, and its process back as it was."""
    command = [sys.executable, ROOT / "tests/sweep/unguarded.py", backend]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.returncode) == ("done done []\n", 0), f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
