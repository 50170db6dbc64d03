"""A training that was broken off and gone on with equals one that was not."""

import json
import os
import random
import shutil
import signal
from functools import partial

import pytest

import minidl
from minidl.cli import main
from minidl.cli.locking import held
from minidl.cli.progress import EpochLines
from minidl.storage.checkpoints import load_state, save_state
from tests.cli import runs
from tests.cli.calling import call, refused
from tests.deep import DEEP, first_only

TRAIN = "train mine.npz --batch-size 8 --out run"
SAVED = ("checkpoint.npz", "checkpoint.previous.npz")


@pytest.fixture(autouse=True)
def images(tmp_path):
    return runs.images_file(tmp_path / "mine.npz", (1, 4, 4))


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])


@pytest.fixture(autouse=True)
def interrupts_as_python_has_them():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def left_by_kills(patch, place):
    """The directories that a kill right after each save would leave: a list that fills."""
    left, save = [], minidl.Trainer.save

    def save_and_look(self, path, **options):
        save(self, path, **options)
        left.append(place / f"killed-{len(left)}")
        left[-1].mkdir()
        for name in SAVED:
            if path.with_name(name).exists():
                shutil.copy(path.with_name(name), left[-1])

    patch.setattr(minidl.Trainer, "save", save_and_look)
    return left


def come_of(directory):
    """All but the times."""
    history = json.loads((directory / "history.json").read_text())
    del history["epochs"]["seconds"], history["sha256"]
    (history["unfinished"] or {}).pop("seconds", None)
    run = json.loads((directory / "run.json").read_text())
    del run["seconds"], run["files"]
    run.pop("run", None)  # its name, which differs
    return (directory / "net.npz").read_bytes(), history, run


def interrupted(line, step, monkeypatch):
    """The exit code of a training that gets a Ctrl-C within a step."""

    def hook(self, trainer):
        if trainer.step == step:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(EpochLines, "on_step_end", hook)
        return call(line)


@pytest.mark.parametrize(
    "settings",
    first_only(
        "--optimizer adam --dropout 0.3 --norm batch --early-stopping 2 --epochs 5 --checkpoint-every 3",
        "--optimizer adam --lr 1 --early-stopping 1 --epochs 9 --checkpoint-every 1_epoch",
        "--norm batch --average ema --schedule cosine --steps 18 --checkpoint-every 2",
        "--average swa --epochs 4 --checkpoint-every 1_epoch",
        "--model conv --channels 2 --augment flip,crop:1,mixup:0.2 --steps 7 --checkpoint-every 1",
    ),
)
def test_killed_at_any_moment(settings, tmp_path, monkeypatch):
    line = [word.replace("_", " ") for word in f"{TRAIN} --quiet {settings}".split()]
    with monkeypatch.context() as patch:
        left = left_by_kills(patch, tmp_path)
        assert main(line) == 0
    whole = come_of(tmp_path / "run")
    for directory in left if DEEP else random.Random(0).sample(left[:-1], 2):
        assert call(f"train --resume --quiet --out {directory}") == 0
        assert come_of(directory) == whole


def test_interrupted_and_gone_on_with(monkeypatch, tmp_path, capsys):
    line = "train mine.npz --batch-size 8 --hidden 4 --epochs 5 --dropout 0.2"
    assert interrupted(line, 9, monkeypatch) == 130
    command = "minidl train --resume --out runs/mine"
    assert capsys.readouterr().err.endswith(f"minidl show runs/mine; go on with: {command}\n")
    assert call("evaluate runs/mine") == 0
    assert interrupted("train --resume", 14, monkeypatch) == 130  # in another epoch
    assert call("train mine.npz --resume --seed 0 --hidden 4 --epochs 5") == 0  # what agrees may be said
    out = capsys.readouterr().out
    assert "\ngoing on after 14 steps\n" in out
    assert "\n6 further steps in " in out
    assert call(f"{line} --out whole --quiet") == 0
    assert come_of(tmp_path / "runs/mine") == come_of(tmp_path / "whole")


@pytest.mark.parametrize("length", first_only("epochs", "steps"))
def test_a_finished_run_is_made_longer(length, tmp_path, capsys):
    assert call(f"{TRAIN} --hidden 4 --{length} 2 --quiet") == 0
    before = come_of(tmp_path / "run")
    assert call("train --resume --out run") == 0
    assert come_of(tmp_path / "run") == before
    assert "nothing was left to be trained; a greater --epochs or --steps" in capsys.readouterr().out
    assert call(f"train --resume --out run --{length} 5 --quiet") == 0
    assert call(f"{TRAIN} --hidden 4 --{length} 5 --quiet --force --checkpoint-every never") == 0
    whole = come_of(tmp_path / "run")
    assert call(f"{TRAIN} --hidden 4 --{length} 2 --quiet --force") == 0
    assert call(f"train --resume --out run --{length} 5 --quiet") == 0
    assert come_of(tmp_path / "run") == whole


def test_a_run_with_an_average_is_not_made_longer(capsys):
    assert call(f"{TRAIN} --hidden 4 --epochs 4 --average swa --quiet") == 0
    expected = "--epochs: expected 4, for the average is over the last part of the training, got 9"
    refused("train --resume --out run --epochs 9", expected, capsys)


def test_a_run_that_another_began_to_overwrite_is_refused(tmp_path, capsys):
    assert call(f"{TRAIN} --hidden 4 --steps 4 --quiet") == 0
    shutil.copytree(tmp_path / "run", tmp_path / "kept")
    assert call(f"{TRAIN} --hidden 5 --steps 4 --quiet --force") == 0
    for name in ("net.npz", "history.json", "run.json"):  # as if it were killed before it wrote these
        shutil.copy(tmp_path / "kept" / name, tmp_path / "run" / name)
    for command in ("evaluate run", "show run", "predict run mine.npz"):
        refused(command, "the checkpoint.npz of another, which has not ended; end that one, ", capsys)
    assert call("train --resume --out run --quiet") == 0
    assert call("evaluate run") == 0


def test_a_full_disk_says_how_to_go_on(monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device", "run/history.json")

    told = "No space left on device; the last checkpoint is whole: make room, and minidl train --resume --out"
    with monkeypatch.context() as patch:
        patch.setattr(minidl.History, "save", fail)
        assert call(f"{TRAIN} --hidden 4 --steps 4 --quiet") == 2
    assert told in capsys.readouterr().err
    assert call("train --resume --out run --quiet") == 0


@pytest.mark.filterwarnings("default")
def test_warnings_are_lines_of_the_commands(monkeypatch, capsys):
    save, calls = minidl.Trainer.save, iter(range(9))

    def fail(self, path, **options):
        if next(calls) == 1:
            raise OSError(28, "No space left on device", str(path))
        save(self, path, **options)

    monkeypatch.setattr(minidl.Trainer, "save", fail)
    assert call(f"{TRAIN} --hidden 4 --steps 4 --quiet --checkpoint-every 2") == 0
    assert capsys.readouterr().err.startswith("minidl: Checkpoint: not written at step 2 ([Errno 28]")


def test_the_last_run_is_taken(tmp_path, monkeypatch):
    for name in ("mine", "mine-2", "other"):
        assert call(f"train mine.npz --steps 2 --hidden 4 --quiet --out runs/{name}") == 0
    for at, name in enumerate(("other", "mine", "mine-2")):
        for file in SAVED:
            os.utime(tmp_path / "runs" / name / file, (at, at))
    taken = []
    monkeypatch.setattr("minidl.cli.running.train", lambda run, *_: taken.append(str(run.out)) or 0)
    for line in ("", "mine.npz", "--out runs/other"):
        assert call(f"train --resume --quiet {line}") == 0
    assert taken == ["runs/mine-2", "runs/mine-2", "runs/other"]


def test_what_differs_is_refused_by_name(images, capsys):
    assert call(f"{TRAIN} --steps 4 --hidden 4 --quiet") == 0
    runs.images_file(images.with_name("other.npz"), (1, 4, 4))
    resume = "train --resume --out run"
    for given, message in (
        ("--lr 0.5", "--lr: expected 0.05, as in the run to go on with, got 0.5"),
        ("--hidden 4 4", "--hidden: expected [4], as in the run to go on with, got [4, 4]"),
        ("--seed 1", "--seed: expected 0, as in the run to go on with, got 1"),
        ("--dtype float64", "--dtype: expected 'float32', as in the run to go on with, got 'float64'"),
        ("--steps 3", "--steps: expected 4 steps, as the run has them, or more, got 3"),
        ("--epochs 9", "--epochs: expected --steps, in which the run is counted, got --epochs 9"),
        ("--channels 2", "--channels: expected none, as in the run to go on with, got [2]"),
        ("--force", "not allowed with argument"),
        ("--checkpoint-every often", "--checkpoint-every: expected steps, such as 500, a time"),
    ):
        refused(f"{resume} {given}", message, capsys)
    refused("train other.npz --resume --out run", f"DATA: expected '{images}', as in the run", capsys)
    refused("train --resume --out nowhere", "expected a directory with checkpoint.npz", capsys)
    refused("train --resume", "--resume: expected a run with a checkpoint, got none in runs", capsys)


def test_a_table_is_read_as_it_was(tmp_path, capsys):
    rows = [f"{'red' if row % 3 else 'blue'},{row % 7},{row % 2},n" for row in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["colour,size,kind,name", *rows]))
    line = "train t.csv --target kind --categories size --drop name --steps 3 --hidden 4 --quiet --out"
    assert call(f"{line} run") == 0
    assert call("train --resume --out run --steps 5 --quiet") == 0
    assert call(f"{line.replace('--steps 3', '--steps 5')} whole") == 0
    assert come_of(tmp_path / "run") == come_of(tmp_path / "whole")
    assert call(f"{line.replace('--steps 3', '--steps 5')} run --resume") == 0
    refused("train --resume --out run --target size", "--target: expected 'kind', as in", capsys)
    (tmp_path / "t.csv").write_text("\n".join(["colour,width,kind,name", *rows]))
    refused("train --resume --out run", "size", capsys)


def test_data_that_moved_and_data_that_changed(images, tmp_path, monkeypatch, capsys):
    assert interrupted(f"{TRAIN} --epochs 3 --hidden 4", 6, monkeypatch) == 130
    whole = images.read_bytes()
    runs.images_file(images, (1, 4, 4), classes=2)
    before = (tmp_path / "run/net.npz").read_bytes()
    capsys.readouterr()
    assert call("train --resume --out run --quiet") == 2
    assert "expected the data that it was trained on, got others" in capsys.readouterr().err
    assert (tmp_path / "run/net.npz").read_bytes() == before
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.npz").write_bytes(whole)
    assert call("train --resume --out run --data-dir there --quiet") == 0
    assert json.loads((tmp_path / "run/run.json").read_text())["data"] == str(tmp_path / "there/mine.npz")
    assert call("evaluate run") == 0


def test_without_checkpoints(tmp_path, monkeypatch, capsys):
    assert interrupted(f"{TRAIN} --steps 9 --hidden 4 --checkpoint-every never", 5, monkeypatch) == 130
    assert capsys.readouterr().err.endswith("see it with: minidl show run\n")
    assert not any((tmp_path / "run" / name).exists() for name in SAVED)
    assert call(f"{TRAIN} --steps 9 --hidden 4 --quiet --force") == 0
    assert all((tmp_path / "run" / name).exists() for name in SAVED)
    assert call(f"{TRAIN} --steps 9 --hidden 4 --quiet --force --checkpoint-every never") == 0
    assert not any((tmp_path / "run" / name).exists() for name in SAVED)  # they were of another run


def test_a_killed_training_tells_how_to_go_on(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        directory = left_by_kills(patch, tmp_path)
        assert call(f"{TRAIN} --steps 4 --hidden 4 --quiet") == 0
    name = directory[0].name
    refused(f"evaluate {name}", f"go on with it: minidl train --resume --out {name}", capsys)
    message = f"got {name}; give another, go on with it (minidl train --resume --out {name}), or --force"
    refused(f"train mine.npz --out {name}", message, capsys)
    with held(directory[0]):
        refused(f"train --resume --out {name}", "expected a run that no command is training", capsys)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, capsys):
    assert call(f"{TRAIN} --steps 4 --hidden 4 --quiet") == 0
    whole = come_of(tmp_path / "run")
    newest = tmp_path / "run/checkpoint.npz"
    newest.write_bytes(newest.read_bytes()[:-30])
    assert call("train --resume --out run --quiet") == 0
    assert "gone back to run/checkpoint.previous.npz, the one before" in capsys.readouterr().err
    assert come_of(tmp_path / "run") == whole
    for name in SAVED:
        (tmp_path / "run" / name).write_bytes(b"PK")
    refused("train --resume --out run", "checkpoint.npz", capsys)


def test_a_note_that_is_none_of_ours(tmp_path, monkeypatch, capsys):
    assert call(f"{TRAIN} --steps 4 --hidden 4 --quiet") == 0
    path = tmp_path / "run/checkpoint.npz"
    saved = load_state(path)
    write = partial(save_state, path, saved.state, saved.run)
    settings = saved.note["settings"]
    notes = [
        None, [], {"data": "digits"}, {**saved.note, "settings": {}}, {**saved.note, "seed": "x"},
        {**saved.note, "settings": {**settings, "steps": "x"}}, {**saved.note, "data": 3},
        {**saved.note, "settings": {**settings, "hidden": 3}},
        {**saved.note, "settings": {**settings, "optimizer": ["sgd"]}},
        {**saved.note, "settings": {**settings, "batch_size": None}},
        {**saved.note, "settings": {**settings, "model": {}}},
    ]  # fmt: skip
    rng = random.Random(0)
    others = (None, True, -1, 1.5, "", "x", [], [None], {}, {"x": 1})
    names = settings if DEEP else rng.sample(list(settings), 3)
    notes += [{**saved.note, "settings": {**settings, name: rng.choice(others)}} for name in names]
    monkeypatch.setattr("minidl.cli.running.train", lambda *_: 0)
    for note in notes:
        write(note)
        code = call("train --resume --out run")
        assert (code, capsys.readouterr().err.count(" error: ")) in ((0, 0), (2, 1)), note


def test_nothing_is_left_of_a_training_that_never_began(tmp_path, monkeypatch):
    def fail(*_):
        raise minidl.errors.DataError("no more")

    monkeypatch.setattr(minidl.Trainer, "_compute", fail)
    assert call(f"{TRAIN} --steps 4 --hidden 4 --quiet") == 2
    assert not (tmp_path / "run").exists()
