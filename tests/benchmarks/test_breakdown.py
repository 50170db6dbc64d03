"""Every part of a step is watched, and left as it was."""

from benchmarks import breakdown
from benchmarks.contestants import ours
from benchmarks.problems import Training
from minidl.data import Batches
from minidl.training import loop

TINY = Training("", (8,), features=6, batch=4, samples=16)


def test_every_part_is_timed_once_a_step_and_put_back():
    before = Batches.__next__, loop.update
    task, times = ours.Step(TINY), {}
    with breakdown._watched(task, times):
        task.run(2)
    assert {len(seconds) for seconds in times.values()} == {2 * TINY.units}
    for _, layer in task.net.children():
        assert "forward" not in vars(layer)
    assert (Batches.__next__, loop.update) == before
    assert "add" not in vars(task.trainer._tally)
    task.run(1)
    assert {len(seconds) for seconds in times.values()} == {2 * TINY.units}


def test_the_parts_add_up_to_the_step(monkeypatch):
    monkeypatch.setattr(breakdown, "_SECONDS", 1e-9)
    times = breakdown.measure(TINY)
    assert set(times.products) < set(times.parts)
    lines = breakdown.show(times).splitlines()
    last = next(line for line in lines if line.startswith("step "))
    rows = lines[1 : lines.index(last)]
    beyond = [float(row.split()[-2].replace(",", "")) for row in rows]
    assert abs(sum(beyond) - float(last.split()[-2].replace(",", ""))) < 0.1 * len(rows)
    assert beyond == sorted(beyond, reverse=True)


def test_the_command_prints_the_machine_and_the_table(monkeypatch, capsys):
    monkeypatch.setattr(breakdown, "_SECONDS", 1e-9)
    sizes = ["--hidden", "8", "4", "--features", "6", "--batch", "4", "--samples", "16"]
    assert breakdown.main(sizes) == 0
    printed = capsys.readouterr().out
    for part in ("BLAS", "affine2 gradient of the input", "relu1 backward", "gather the batch", "penalty"):
        assert part in printed
