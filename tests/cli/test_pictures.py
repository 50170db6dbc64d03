"""What cannot be drawn costs a line, and what ends a command costs nothing that was there by then."""

import errno
import json
import os
import signal
import sys

import numpy as np
import pytest

import minidl
import minidl.sweep.pictures  # before a test replaces what it takes over from minidl.plots
from minidl.cli.locking import LOCK
from minidl.cli.progress import EpochLines
from minidl.errors import DataError
from tests.cli.calling import call
from tests.deep import first_only

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")

RUN = {"net.npz", "history.json", "run.json"}
TRAIN = RUN | {"checkpoint.npz", "checkpoint.previous.npz"}
SWEEP = RUN | {"best", "journal.jsonl", "results.csv"}
PICTURES = {"train": {"history.png", "weights.png"}}
PICTURES["sweep"] = PICTURES["train"] | {"curves.png", "heatmap.png"}
COMMANDS = {
    "train": "train --steps 5 --out run",
    "sweep": "sweep --steps 5 --jobs 1 --lr .1 .2 --reg 0 1 --out run",
}
FILES = {"train": TRAIN, "sweep": SWEEP}


@pytest.fixture(params=COMMANDS)
def command(request):
    if request.param == "sweep":
        pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    return request.param


@pytest.fixture
def at_each_picture(monkeypatch):
    """Does something in place of writing a picture."""

    def replace(do):
        def save(figure, path):
            do(path)

        for module in (
            "minidl.plots.history",
            "minidl.plots.weights",
            "minidl.sweep.pictures",
            "minidl.sweep.maps",
        ):
            monkeypatch.setattr(f"{module}.save_figure", save)

    return replace


def written(directory):
    return {path.name for path in directory.iterdir()}


def raising(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "shown"),
    first_only(
        (RuntimeError("latex failed on\n\n  b'lp'\n" + "x" * 5000), "RuntimeError: latex failed on b'lp' …"),
        (ValueError("Key savefig.dpi: 'much'"), "ValueError: Key savefig.dpi: 'much'"),
        (KeyError("font"), "KeyError: 'font'"),
        (MemoryError(), "MemoryError"),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (DataError("plot: expected this, got that"), "plot: expected this, got that"),
    ),
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_pictures_that_cannot_be_drawn_cost_one_line(
    command, error, shown, at_each_picture, capsys, tmp_path
):
    assert call(COMMANDS[command]) == 0
    drawn = capsys.readouterr().out
    assert written(tmp_path / "run") == FILES[command] | PICTURES[command]
    at_each_picture(raising(error))
    assert call(f"{COMMANDS[command]}2") == 0
    out, err = capsys.readouterr()
    assert err == f"minidl: no pictures: {shown}\n"
    assert written(tmp_path / "run2") == FILES[command]
    assert [line for line in out.splitlines() if "%" in line] == [
        line for line in drawn.splitlines() if "%" in line
    ]
    results = [json.loads((tmp_path / name / "run.json").read_text())["results"] for name in ("run", "run2")]
    assert results[0] == results[1] is not None


def test_one_that_cannot_be_drawn_costs_no_other(at_each_picture, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("minidl.cli.run_directory.plot_weights", raising(ValueError("these weights")))
    assert call(COMMANDS["train"]) == 0
    assert capsys.readouterr().err == "minidl: no weights.png: ValueError: these weights\n"
    assert written(tmp_path / "run") == TRAIN | {"history.png"}


def test_without_latex(command, monkeypatch, capsys, tmp_path):
    import matplotlib

    monkeypatch.setenv("PATH", str(tmp_path))
    with matplotlib.rc_context({"text.usetex": True}):
        assert call(COMMANDS[command]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("minidl: no ")
    assert "latex" in line
    assert written(tmp_path / "run") >= FILES[command]


def test_a_matplotlib_that_cannot_be_imported(command, monkeypatch, capsys, tmp_path):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "matplotlib.figure":
                raise SystemError("module was compiled for another NumPy")

    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    assert call(COMMANDS[command]) == 0
    err = capsys.readouterr().err
    assert err == "minidl: no pictures: SystemError: module was compiled for another NumPy\n"
    assert written(tmp_path / "run") == FILES[command]


def test_all_else_is_written_and_printed_before_the_first(command, at_each_picture, capsys, tmp_path):
    seen = []

    def look(path):
        results = json.loads((tmp_path / "run/run.json").read_text())["results"]
        seen.append((written(tmp_path / "run"), results, capsys.readouterr().out))

    at_each_picture(look)
    assert call(COMMANDS[command]) == 0
    assert len(seen) == len(PICTURES[command])
    files, results, out = seen[0]
    assert files == FILES[command] | {LOCK}
    assert f"{results['test']['accuracy']:.2%}" in out
    assert "steps in " in out or "trials in " in out


def test_pictures_of_a_run_that_diverged(at_each_picture, capsys, tmp_path):
    at_each_picture(raising(RuntimeError("no fonts")))
    assert call("train --lr 1e6 --momentum 0 --out bad") == 2
    error, pictures = capsys.readouterr().err.splitlines()
    assert "expected a finite" in error
    assert pictures == "minidl: no pictures: RuntimeError: no fonts"
    assert written(tmp_path / "bad") == TRAIN


# ---------------------------------------------------------------- interrupts


@pytest.fixture(autouse=True)
def interrupts_as_python_has_them():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(*_, **__):
    signal.raise_signal(signal.SIGINT)
    raise AssertionError("nobody was interrupted")


PLACES = {
    "train": ["report.scores", "report.scores_table", "run_directory.plot_weights"],
    "sweep": ["report.scores", "report.scores_table", "run_directory.plot_weights", "searching.make_figure"],
}


@pytest.mark.parametrize(
    ("name", "place"), first_only(*((name, place) for name in PLACES for place in PLACES[name]))
)
def test_no_interrupt_is_swallowed(name, place, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(f"minidl.cli.{place}", interrupted)
    assert call(COMMANDS[name]) == 130
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1
    assert err[0].startswith("minidl: interrupted")
    kept = "run/net.npz" if name == "train" or place != "searching.make_figure" else "run/best"
    assert (tmp_path / kept).exists()


def test_an_interrupt_while_the_net_is_written(monkeypatch, capsys, tmp_path):
    save, times = minidl.save, []

    def save_meanwhile(net, path):
        times.append(path)
        if len(times) == 1:
            signal.raise_signal(signal.SIGINT)
        save(net, path)
        assert path.exists()

    monkeypatch.setattr(minidl, "save", save_meanwhile)
    assert call("train --steps 5 --out run") == 130
    assert "interrupted once it was trained; saved in run; measure: " in capsys.readouterr().err
    assert written(tmp_path / "run") == TRAIN | PICTURES["train"]


@pytest.mark.parametrize(
    ("error", "code", "stopped"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (DataError("no more"), 2, "failed"),
        (RuntimeError("bug"), None, "failed"),
    ],
    ids=["interrupt", "ours", "another"],
)
def test_whatever_ends_a_fit_what_was_trained_is_kept(error, code, stopped, monkeypatch, tmp_path):
    update = EpochLines.on_step_end

    def fail(self, trainer):
        if trainer.step == 30:
            raise error
        update(self, trainer)

    monkeypatch.setattr(EpochLines, "on_step_end", fail)
    if code is None:
        with pytest.raises(RuntimeError, match="bug"):
            call("train --steps 50 --out run")
    else:
        assert call("train --steps 50 --out run") == code
    assert written(tmp_path / "run") == (TRAIN | PICTURES["train"] if code == 130 else TRAIN)
    assert json.loads((tmp_path / "run/run.json").read_text())["stopped"] == stopped
    assert len(minidl.History.load("run/history.json").steps["loss"]) == 30
    assert np.isfinite(minidl.load("run/net.npz").parameters.values).all()
    assert call("evaluate run") == 0


def test_a_measurement_that_fails_costs_no_net(monkeypatch, tmp_path):
    monkeypatch.setattr("minidl.cli.report.evaluate", raising(DataError("scores that are no numbers")))
    assert call("train --steps 50 --out run") == 2
    assert written(tmp_path / "run") == TRAIN


@pytest.mark.parametrize("handler", [signal.SIG_IGN, lambda *_: None], ids=["ignored", "a program's own"])
def test_another_handler_is_left_alone(handler, monkeypatch):
    fit, seen = minidl.Trainer.fit, []

    def look(self, *args, **options):
        seen.append(signal.getsignal(signal.SIGINT))
        return fit(self, *args, **options)

    monkeypatch.setattr(minidl.Trainer, "fit", look)
    signal.signal(signal.SIGINT, handler)
    assert call("train --steps 5 --quiet") == 0
    assert seen == [handler] == [signal.getsignal(signal.SIGINT)]


def test_the_second_interrupt_is_immediate(monkeypatch, tmp_path):
    def twice(self, trainer):
        if trainer.step == 20:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("nobody was interrupted")

    monkeypatch.setattr(EpochLines, "on_step_end", twice)
    assert call("train --steps 50 --out run") == 130
    assert json.loads((tmp_path / "run/run.json").read_text())["stopped"] == "interrupted"
