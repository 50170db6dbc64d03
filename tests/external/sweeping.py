"""One sweep on two engines: the journals are the same to the byte."""

from minidl.sweep import Halving, Sweep
from tests.sweep.small import SPACE, digits, kept, lines


def judge_sweeps(judge, directory, **options):
    """Run a sweep as it is and by halving, with `options` and on loky with one job, and compare."""
    for halving in (None, Halving()):
        sweep = Sweep("dense_net", SPACE, digits(), steps=30, halving=halving)
        ours, theirs = directory / f"ours, {halving}", directory / f"theirs, {halving}"
        expected, found = sweep.run(ours, jobs=1), sweep.run(theirs, **options)
        assert lines(theirs) == lines(ours)
        assert kept(theirs) == kept(ours)
        values = [[row.value for row in results.done] for results in (found, expected)]
        judge.agrees(*values, "values", rtol=0, floor=0)
        nets = [results.best_net().parameters.values for results in (found, expected)]
        judge.agrees(*nets, "best net", rtol=0, floor=0)
        judge.judged("sweeps")
