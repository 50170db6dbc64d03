"""``minidl sweep`` over other settings than the classic ones."""

import csv
import json

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from tests.cli.calling import call, refused

pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")


def table_of(directory):
    return list(csv.DictReader((directory / "results.csv").read_text().splitlines()))


def test_the_best_is_what_train_makes_of_its_settings(tmp_path, capsys):
    line = "sweep --hidden 8 --optimizer sgd adam --dropout 0 0.2 --augment none crop:1 --steps 25 --jobs 1"
    assert call(f"{line} --early-stopping 2 --schedule cosine --out found --seed 4") == 0
    out = capsys.readouterr().out
    rows = table_of(tmp_path / "found")
    assert len(rows) == 8
    assert {(row["optimizer"], row["momentum"]) for row in rows} == {("sgd", "0.9"), ("adam", "")}
    header = next(line for line in out.splitlines() if line.startswith("trial  "))
    assert header.split()[1:6] == ["lr", "momentum", "dropout", "optimizer", "augment"]
    settings = json.loads((tmp_path / "found/run.json").read_text())["settings"]
    options = {
        "hidden": 8, "optimizer": settings["optimizer"], "lr": settings["lr"], "dropout": settings["dropout"],
        "augment": settings["augment"], "early-stopping": 2, "schedule": "cosine", "steps": 25,
    }  # fmt: skip
    given = " ".join(f"--{name} {value}" for name, value in options.items())
    with threadpool_limits(1):
        assert call(f"train {given} --out made --seed 4 --quiet") == 0
    assert (tmp_path / "found/net.npz").read_bytes() == (tmp_path / "made/net.npz").read_bytes()
    assert json.loads((tmp_path / "made/run.json").read_text())["settings"] == settings | {"hidden": [8]}


def test_several_models(tmp_path):
    line = "sweep --model mlp resnet --hidden 4 6 --channels 2 --steps 2 --jobs 1 --quiet --out run"
    assert call(line) == 0
    rows = table_of(tmp_path / "run")
    assert [(row["model"], row["hidden"], row["channels"]) for row in rows] == [
        ("mlp", "4", ""), ("mlp", "6", ""), ("resnet", "", "2"),
    ]  # fmt: skip


def test_numbers_are_compared_by_what_they_explain(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 2))
    np.savez("numbers.npz", x_train=x, y_train=500 + 90 * x[:, 0])
    assert call("sweep numbers.npz --loss mse huber --hidden 4 --epochs 4 --jobs 1 --out run") == 0
    out = capsys.readouterr().out
    assert "validation r2" in out
    rows = table_of(tmp_path / "run")
    best = max(rows, key=lambda row: float(row["value"]))
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert run["settings"]["loss"] == best["loss"]
    assert run["results"]["validation"]["r2"] == pytest.approx(float(best["value"]), rel=1e-6)
    assert "train_accuracy" not in rows[0]
    assert float(best["validation_mean_absolute_error"]) > 0


def test_the_objective_is_named_and_seeds_are_compared_by_their_means(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])
    line = "sweep --hidden 4 --lr 0.02 0.1 --steps 10 --jobs 1 --objective f1 --out run"
    assert call(f"{line} --seed 3 5") == 0
    out = capsys.readouterr().out
    assert "\n4 trials of 10 steps\n" in out
    assert "validation f1" in out
    assert "means over the seeds 3, 5" in out
    rows = table_of(tmp_path / "run")
    assert {(row["lr"], row["seed"]) for row in rows} == {(a, b) for a in ("0.02", "0.1") for b in "35"}
    run = json.loads((tmp_path / "run/run.json").read_text())
    (best,) = [row for row in rows if row["trial"] == str(run["trial"])]
    assert (run["seed"], run["settings"]["lr"]) == (int(best["seed"]), float(best["lr"]))
    with threadpool_limits(1):
        assert call(f"train --hidden 4 --lr {best['lr']} --steps 10 --seed {best['seed']} --out made") == 0
    assert (tmp_path / "run/net.npz").read_bytes() == (tmp_path / "made/net.npz").read_bytes()


def test_what_is_done_already_is_said_before_it_begins(capsys, monkeypatch):
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])
    line = "sweep --hidden 4 --steps 1 --jobs 1 --out run --extend"
    assert call(f"{line} --lr 0.1") == 0
    assert "\n1 trial of 1 step\n" in capsys.readouterr().out
    assert call(f"{line} --lr 0.1 0.2 0.3") == 0
    assert "\n3 trials of 1 step: 1 known, 2 new\n" in capsys.readouterr().out
    assert call(f"{line} --lr 0.1 --trials 5") == 0
    assert (
        "\n1 trial of 1 step (of 5 draws, the others repeat these): 1 known, 0 new\n"
        in capsys.readouterr().out
    )
    # The error comes before anything is said.
    assert call(f"{line} --lr 0.1 --seed 7") == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            "--optimizer adam adamw --momentum 0.5 0.9",
            "momentum: expected optimizer sgd or rmsprop beside it",
        ),
        ("--average none ema --early-stopping 0 3", "one net to take in the end, got average ema"),
        ("--average swa --early-stopping 3 --random 2", "one net to take in the end, got average swa"),
        ("--loss softmax mse", "loss for labels to be one of 'softmax', 'hinge', got 'mse'"),
        ("--dropout 0:0.5", "--dropout: expected single values in a grid, got [0:0.5]; add --random N"),
        ("--weight-decay 0:1 --optimizer adamw --random 2", "--weight-decay: expected a range above 0"),
    ],
)
def test_what_is_of_no_use_in_any_trial_gives_one_line(options, message, capsys):
    assert not refused(f"sweep {options} --steps 2 --jobs 1", message, capsys)
