"""What is asked to end ends with all kept that was trained."""

import json
import os
import pkgutil
import signal

import pytest

import minidl
from minidl.cli.progress import EpochLines
from minidl.cli.running import Run
from minidl.cli.signals import do_and_keep, ended_by_signals, exit_code
from minidl.training.interrupts import Interrupts
from tests.cli.calling import call

CODES = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
SIGNALS = [name for name in CODES if hasattr(signal, name)]
TRAIN = "train --steps 40 --hidden 4 --out run"


@pytest.fixture(autouse=True)
def handlers_of_a_fresh_process():
    plain = {name: signal.SIG_DFL for name in SIGNALS} | {"SIGINT": signal.default_int_handler}
    before = {name: signal.signal(getattr(signal, name), handler) for name, handler in plain.items()}
    yield
    assert {name: signal.getsignal(getattr(signal, name)) for name in SIGNALS} == plain
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])


def send(name, times=1):
    for _ in range(times):
        os.kill(os.getpid(), getattr(signal, name))


def at_step(monkeypatch, step, do):
    def hook(self, trainer):
        if trainer.step == step:
            do()

    monkeypatch.setattr(EpochLines, "on_step_end", hook)


def stopped(directory):
    return json.loads((directory / "run.json").read_text())["stopped"]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_ends_a_training_between_two_steps(name, monkeypatch, tmp_path, capsys):
    at_step(monkeypatch, 20, lambda: send(name))
    assert call(TRAIN) == CODES[name]
    assert len(minidl.History.load("run/history.json").steps["loss"]) == 20
    assert stopped(tmp_path / "run") == "interrupted"
    assert "minidl: interrupted after 20 steps (loss " in capsys.readouterr().err
    assert call("evaluate run --part test") == 0


@pytest.mark.parametrize("name", SIGNALS)
def test_while_the_results_are_measured(name, monkeypatch, tmp_path, capsys):
    def measured(*_):
        send(name)
        raise AssertionError("nobody was interrupted")

    with monkeypatch.context() as patch:
        patch.setattr("minidl.cli.report.scores", measured)
        assert call(TRAIN) == CODES[name]
    assert stopped(tmp_path / "run") is None
    assert "saved in run; measure: minidl evaluate run; go on with: minidl train" in capsys.readouterr().err
    assert call("evaluate run --part test") == 0


@pytest.mark.parametrize("name", ["minidl.save", "minidl.History.save", "minidl.cli.run_directory.write_run"])
def test_the_second_signal_does_not_break_off_the_writing(name, monkeypatch, tmp_path):
    """The first ends the fit, and one more comes within each of the writers."""
    at_step(monkeypatch, 20, lambda: send("SIGINT"))
    module, _, short = name.rpartition(".")
    owner = pkgutil.resolve_name(module)
    write = getattr(owner, short)

    def write_meanwhile(*args):
        send("SIGINT")
        write(*args)

    monkeypatch.setattr(owner, short, write_meanwhile)
    assert call(TRAIN) == 130
    assert stopped(tmp_path / "run") == "interrupted"
    assert call("evaluate run --part test") == 0


def test_the_third_signal_breaks_off_the_writing(monkeypatch, tmp_path, capsys):
    with monkeypatch.context() as patch:
        at_step(patch, 20, lambda: send("SIGINT"))
        patch.setattr(minidl, "save", lambda *_: send("SIGINT", 2))
        assert call(TRAIN) == 130
    message = "interrupted while run was written, which is not whole; go on with: minidl train --resume"
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run/net.npz").exists()
    assert call("train --resume --out run --quiet") == 0
    assert call("evaluate run --part test") == 0


def test_two_signals_within_a_step_keep_what_was_trained(monkeypatch, tmp_path):
    at_step(monkeypatch, 20, lambda: send("SIGINT", 2))
    assert call(TRAIN) == 130
    assert stopped(tmp_path / "run") == "interrupted"
    assert call("evaluate run --part test") == 0
    assert call("show run") == 0


def test_a_row_that_was_broken_off_is_dropped(monkeypatch, tmp_path):
    """By a second signal, which comes between two of its columns."""
    keep = Run.keep

    def keep_torn(self, error):
        self.trainer.history.steps["loss"].append(1.0)
        self.trainer.history.epochs["step"].append(20)
        keep(self, error)

    at_step(monkeypatch, 20, lambda: send("SIGINT"))
    monkeypatch.setattr(Run, "keep", keep_torn)
    assert call(TRAIN) == 130
    assert len(minidl.History.load("run/history.json").steps["loss"]) == 20
    assert call("show run") == 0


def test_before_the_first_step_nothing_is_left(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(EpochLines, "on_fit_start", lambda *_: send("SIGINT"))
    assert call(TRAIN) == 130
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err == "minidl: interrupted before the first step; nothing was written\n"


def test_a_signal_in_the_moment_before_the_keeping_is_held_back(monkeypatch):
    """Between the end of the work and the begin of what is shielded."""
    kept, enter = [], Interrupts.__enter__

    def late(self):
        monkeypatch.setattr(Interrupts, "__enter__", enter)
        send("SIGINT")
        raise AssertionError("nobody was interrupted")

    monkeypatch.setattr(Interrupts, "__enter__", late)
    with pytest.raises(KeyboardInterrupt):
        do_and_keep(lambda: None, kept.append)
    assert [type(error) for error in kept] == [KeyboardInterrupt]


def test_what_ends_the_work_is_told_and_raised():
    kept = []
    do_and_keep(lambda: None, kept.append)
    with pytest.raises(ZeroDivisionError):
        do_and_keep(lambda: 1 / 0, kept.append)
    assert [type(error) for error in kept] == [type(None), ZeroDivisionError]


@pytest.mark.parametrize("name", SIGNALS)
def test_at_once(name):
    with pytest.raises((KeyboardInterrupt, SystemExit)) as ended, ended_by_signals():
        send(name)
        raise AssertionError("nobody was ended")
    assert exit_code(ended.value) == CODES[name]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_sweep_is_gone_on_with(name, monkeypatch, tmp_path, capsys):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    line = "sweep --lr .1 .2 --steps 3 --hidden 4 --jobs 1 --quiet --out run"
    with monkeypatch.context() as patch:
        patch.setattr("minidl.cli.report.scores", lambda *_: send(name))
        assert call(line) == CODES[name]
    assert capsys.readouterr().err.endswith("go on with the same command and --out run --resume\n")
    assert call(f"{line} --resume") == 0
    assert call("evaluate run --part test") == 0
