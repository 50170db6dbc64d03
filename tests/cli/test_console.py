"""The commands need no UTF-8, no terminal, no standard error and no patient reader."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.cli.calling import call
from tests.deep import deep, first_only
from tests.test_console import ENCODINGS, FULL, opened

FILES = {"net.npz", "history.json", "history.png", "weights.png", "run.json"}
FILES |= {"checkpoint.npz", "checkpoint.previous.npz"}


@pytest.fixture
def not_measured(monkeypatch):
    """`minidl doctor` without its measurement, in a process of its own."""
    monkeypatch.setattr("minidl.cli.doctor._gflops", lambda environment, threads: 1.0)


def run(*command, redirected="", **options):
    """Run minidl as a shell does, with redirections."""
    shell = ["sh", "-c", f'exec "$@" {redirected}', "sh", sys.executable, "-m", "minidl", *command]
    return subprocess.run(shell, capture_output=True, check=False, **options)


def written(directory):
    return {path.name for path in directory.iterdir()}


@pytest.mark.usefixtures("not_measured")
@deep
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_gets_readable_text(encoding, monkeypatch):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    monkeypatch.setattr("sys.stdout", out := opened(encoding))
    monkeypatch.setattr("sys.stderr", err := opened(encoding, terminal=True))
    assert call("train --steps 40 --out run") == 0
    assert call("evaluate run") == 0
    assert call("predict run digits --out -") == 0
    assert call("sweep --steps 5 --jobs 1 --hidden 4 8,6 --out search") == 0
    assert call("doctor") == 0
    for command in ("", "train ", "sweep ", "evaluate ", "predict ", "show ", "doctor "):
        with pytest.raises(SystemExit) as ended:
            call(f"{command}--help")
        assert ended.value.code == 0
    assert call("train nonsense") == 2
    shown = out.buffer.getvalue().decode(encoding)
    times, arrow = ("×" if "×".encode(encoding, "ignore") else "x"), ("→" if encoding == "utf-8" else "->")
    assert f"samples of 8 {times} 8 uint8" in shown
    assert f"net: 64 {arrow} 100 {arrow} 10," in shown
    assert f"(1024 {times} 1024)" in shown
    assert ("y_train, …" if "…".encode(encoding, "ignore") else "y_train, ...") in shown
    assert "\\x" not in shown
    assert "\\u" not in shown
    shown = err.buffer.getvalue().decode(encoding)
    assert "0/40 [" in shown  # the bar
    assert "trial [" in shown
    assert "got 'nonsense'" in shown


@deep
def test_the_encoding_of_the_environment():
    done = run("train", "--steps", "5", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert b"64 -> 100 -> 10" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("redirected", first_only("<&- >&- 2>&-", "2>&-", ">&-"))
def test_closed_streams(redirected, tmp_path):
    assert run("train", "--steps", "5", "--out", "run", redirected=redirected).returncode == 0
    assert written(tmp_path / "run") == FILES
    assert run("nonsense", redirected=redirected).returncode == 2


@deep
def test_closed_streams_of_a_sweep(tmp_path):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    command = ["sweep", "--steps", "5", "--lr", "0.1", "0.2", "--jobs", "2", "--out", "run"]
    assert run(*command, redirected="<&- >&- 2>&-").returncode == 0
    assert json.loads((tmp_path / "run/run.json").read_text())["trial"] in (0, 1)


@pytest.mark.parametrize("absent", [("stdout",), ("stderr",), ("stdin", "stdout", "stderr")])
def test_absent_streams(absent, tmp_path, monkeypatch):
    for name in absent:
        monkeypatch.setattr(sys, name, None)
    assert call("train --steps 5 --out run") == 0
    assert call("train --steps 5 --out run") == 2
    assert written(tmp_path / "run") == FILES
    assert all(getattr(sys, name) is None for name in absent)


@pytest.mark.parametrize("unbuffered", first_only("1", ""))
@pytest.mark.parametrize("stream", first_only("stdout", "stderr"))
def test_a_reader_that_goes_away_ends_the_printing_not_the_training(stream, unbuffered, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: writing}
    command = [sys.executable, "-m", "minidl", "train", "--steps", "5", "--out", "run"]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen(command, env=environment, **streams)
    os.close(writing)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert not err  # nor does Python say that it could not flush
    assert written(tmp_path / "run") == FILES


@deep
@pytest.mark.skipif(not FULL.exists(), reason="Linux's disk that is always full")
def test_a_table_that_found_no_room_is_an_error(tmp_path):
    done = run("train", "--steps", "5", "--out", "run", redirected=f">{FULL}")
    assert done.returncode == 2
    assert done.stderr.decode() == "minidl train: error: [Errno 28] No space left on device: '<stdout>'\n"
    assert written(tmp_path / "run") == FILES


@deep
@pytest.mark.usefixtures("not_measured")
def test_the_process_is_left_as_it_was(monkeypatch, capsys):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    monkeypatch.setattr("minidl.cli.usable_cores", lambda: 1)

    def state():
        handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
        pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
        return Path.cwd(), dict(os.environ), handlers, pools, sys.stdout, sys.stderr, sys.argv[:]

    assert call("train --steps 5 --out run --quiet") == 0  # imports what is imported once
    with threadpool_limits(2):
        before = state()
        assert call("train --steps 5") == 0
        assert call("train --lr 1e9 --momentum 0 --steps 50") == 2
        assert call("evaluate run") == 0
        assert call("sweep --steps 5 --lr 0.1 0.2 --jobs 2 --quiet") == 0
        assert call("doctor") == 0
        assert call("evaluate nowhere") == 2
        with pytest.raises(SystemExit):
            call("train --nonsense")
        assert state() == before


def test_a_thread_other_than_the_main_one_may_call(tmp_path):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(call("train --steps 5 --out run --quiet")))
    thread.start()
    thread.join()
    assert codes == [0]
    assert written(tmp_path / "run") == FILES
