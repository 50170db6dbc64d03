"""A directory is of one run, and one command at a time writes to it."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minidl
from minidl.cli import preparing, run_directory
from minidl.cli.locking import LOCK, held
from minidl.errors import CheckpointError
from tests.cli import runs
from tests.cli.calling import call, refused
from tests.deep import DEEP

TRAIN = "train mine.npz --steps 3 --hidden 4 --quiet --out run"
FILES = ("net.npz", "history.json")


@pytest.fixture
def run(tmp_path):
    """A run of numbers that took no training."""
    return runs.keep(tmp_path / "run", runs.regression(), runs.numbers_file(tmp_path / "mine.npz"))


@pytest.fixture
def no_pictures(monkeypatch):
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])


# ---------------------------------------------------------------- the seal


class Killed(BaseException):
    """In place of a signal that nobody can catch."""


def test_a_directory_of_two_runs_is_refused(run, monkeypatch, capsys):
    def die(*_):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(minidl.History, "save", die)
        call(f"{TRAIN} --force")
    message = "run/net.npz: expected the file that run.json belongs to, of SHA-256 "
    for command in ("evaluate run", "show run", "predict run mine.npz"):
        assert refused(command, message, capsys) == ""


@pytest.mark.parametrize("name", FILES)
def test_each_file_belongs_to_its_run(name, run, capsys):
    whole = (run / name).read_bytes()
    for changed in (whole[:-1], whole.replace(b"1", b"2", 1)):
        (run / name).write_bytes(changed)
        refused("show run", f"run/{name}: expected the file that run.json belongs to", capsys)
    (run / name).unlink()
    refused("evaluate run", f"{name}: expected the file that run.json belongs to", capsys)
    (run / name).write_bytes(whole)
    run_directory.check_files(run, run_directory.read_run(run))


def test_a_sweeps_directory_is_sealed_too(tmp_path, no_pictures, capsys):
    pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
    assert call("sweep --lr .1 --steps 3 --hidden 4 --jobs 1 --quiet --out run") == 0
    assert call("evaluate run --part test") == 0
    (tmp_path / "run/net.npz").write_bytes(b"another")
    refused("evaluate run", "run/net.npz: expected the file that run.json belongs to", capsys)


def test_a_directory_of_before_has_no_hashes(run, no_pictures):
    runs.change(run, files=None)
    for command in ("evaluate run", "show run", "predict run mine.npz"):
        assert call(command) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes of a name")
@pytest.mark.parametrize("name", [*FILES, "run.json"])
def test_a_pipe_is_no_file(name, run, capsys):
    runs.change(run, files=None)
    (run / name).unlink()
    os.mkfifo(run / name)
    refused("show run", "not a regular file", capsys)


# ---------------------------------------------------------------- run.json

OTHERS = [None, True, 0, -1, 1.5, 10**400, "", "x", "a\0b", [], [1], ["x"], [[]], {}, {"x": 1}, {"x": {}}]


def places(value, place=()):
    """Where something stands in nested lists and dicts."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [each for key, item in items for each in ((*place, key), *places(item, (*place, key)))]


def changed(made, rng):
    """With something in it removed, or replaced by something of another kind."""
    made = json.loads(json.dumps(made))
    *above, key = rng.choice(places(made))
    node = made
    for each in above:
        node = node[each]
    if rng.random() < 0.2:
        del node[key]
    else:
        node[key] = rng.choice(OTHERS)
    return made


def test_odd_types_are_refused_in_a_line(run, no_pictures, capsys):
    made = {
        **json.loads((run / "run.json").read_text()), "target": "y", "task": "numbers", "columns": ["a", "b"],
        "categories": {"a": ["1", "2"]}, "drop": ["c", 3], "seconds": 1.5, "trial": 1, "dtype": "float32",
        "results": {"train": {"samples": 3, "loss": 1.0}, "test": {"samples": 3, "loss": None}},
    }  # fmt: skip
    (run.parent / "t.csv").write_text("a,b,y\n" + "1,2,3\n2,1,3\n" * 5)
    rng = random.Random(0)
    for data in ("mine.npz", "t.csv"):
        made["data"] = str(run.parent / data)
        for _ in range(100 if DEEP else 10):
            runs.write(run / "run.json", changed(made, rng))
            for command in ("evaluate run", "show run", f"predict run {data} --out -"):
                code = call(command)  # nothing else is raised
                errors = [line for line in capsys.readouterr().err.splitlines() if " error: " in line]
                assert (code, len(errors)) in ((0, 0), (2, 1))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("data", 3, "a data set's name or path, got 3"),
        ("data", "a\0b", "a data set's name or path, got 'a\\x00b'"),
        ("data_dir", ["x"], "a directory, got ['x']"),
        ("seed", True, "a whole number, got True"),
        ("target", 1.5, "a column's name or position, got 1.5"),
        ("columns", "ab", "a list of names, got 'ab'"),
        ("categories", {"a": "bc"}, "a list of words for each column, got {'a': 'bc'}"),
        ("settings", [], "settings by their names, got []"),
        ("results", {"test": {"loss": 1}}, "the same numbers of each part, its samples first, got"),
        ("seconds", "1", "a number, got '1'"),
        ("stopped", False, "a word, got False"),
        ("files", {"net.npz": "no hash"}, "the SHA-256 of each file, run.json among them, got"),
    ],
)
def test_what_is_wrong_is_said(key, value, expected, run, capsys):
    runs.change(run, **{key: value})
    refused("show run", f"run/run.json, {key!r}: expected {expected}", capsys)


def test_what_commands_write_is_never_refused(run):
    made = run_directory.read_run(run)
    run_directory.write_run(run, made)
    assert run_directory.read_run(run) == made


def test_a_word_that_was_changed_is_noticed(run):
    """Such as a category, whose place is its code."""
    path = run / "run.json"
    whole = path.read_bytes()
    values = json.loads(whole)
    for place in range(0, len(whole), 1 if DEEP else 7):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        try:
            assert run_directory.read_run(run) == values
        except CheckpointError as error:
            assert "run.json" in str(error)


# ---------------------------------------------------------------- one writer

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
input()
"""


@pytest.fixture
def locks():
    pytest.importorskip("fcntl", reason="the platform has no locks")


def test_a_second_training_is_refused(locks, run, capsys):
    command = [sys.executable, "-c", HOLDER, str(run / LOCK)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "\n"
        message = "--out: expected a directory that no other command writes to, got run, to which one does"
        before = (run / "net.npz").read_bytes()
        refused(f"{TRAIN} --force", message, capsys)
        run_directory.check_files(run, run_directory.read_run(run))  # reading is free
        assert (run / "net.npz").read_bytes() == before
        other.kill()
    assert (run / LOCK).exists()  # of a killed process: it locks nothing
    with preparing.prepared(run, "", force=True) as out:
        assert out == run
    assert not (run / LOCK).exists()


def test_two_runs_at_a_time_have_a_directory_each(locks, tmp_path):
    with held(tmp_path / "runs/mine") as taken, preparing.prepared(None, "mine", force=False) as out:
        assert taken
        assert out == Path("runs/mine-2")
        (out / "net.npz").touch()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mine-2"]


def test_a_lock_is_of_the_file_that_has_the_name(locks, tmp_path, monkeypatch):
    """Whoever opened the file just before it was removed must not take that for the lock."""
    fcntl = pytest.importorskip("fcntl")
    flock, calls = fcntl.flock, []

    def removed_meanwhile(descriptor, how):
        if not calls:
            (tmp_path / LOCK).unlink()
        calls.append(descriptor)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", removed_meanwhile)
    with held(tmp_path) as taken:
        assert taken
        assert len(calls) == 2
        with held(tmp_path) as again:
            assert not again
    assert not list(tmp_path.iterdir())


def test_a_file_system_without_locks_keeps_nobody_out(locks, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    with held(tmp_path / "run") as taken:
        assert taken
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------- what is left


def test_a_directory_with_nothing_kept_is_removed(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise minidl.errors.DataError("no more")

    monkeypatch.setattr(minidl.Trainer, "fit", fail)
    assert call("train --out a/b/c") == 2
    assert not list(tmp_path.iterdir())
    (tmp_path / "run").mkdir()
    assert call("train --out run") == 2
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]  # a directory of the user's own stays


def test_a_lock_alone_is_no_run(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).touch()
    with preparing.prepared(tmp_path / "run", "", force=False) as out:
        assert out == tmp_path / "run"


def test_half_a_run_is_not_overwritten(run, capsys):
    (run / "run.json").unlink()
    refused(TRAIN, "expected a directory that holds no run, got run", capsys)
    shutil.rmtree(run)
    refused("evaluate run", "expected a directory with run.json, got none", capsys)
