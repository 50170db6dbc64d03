import csv
import io
import json
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import minidl
from tests.cli.calling import call, interrupted, refused
from tests.deep import deep

pytest.importorskip("joblib", reason="joblib is not installed: pip install 'minidl[sweep]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")

GRID = "sweep --hidden 8 16,8 --lr 0.02 0.1 --reg 1e-4 1e-2 --steps 60 --jobs 1"
FILES = {
    "best", "journal.jsonl", "results.csv", "curves.png", "heatmap.png", "net.npz", "history.json",
    "history.png", "weights.png", "run.json",
}  # fmt: skip


def table_of(directory):
    return list(csv.DictReader((directory / "results.csv").read_text().splitlines()))


def rows_of(directory):
    header, *rows = (directory / "journal.jsonl").read_text().splitlines()
    return json.loads(header), sorted(rows)


def test_a_grid(capsys, tmp_path):
    assert call(GRID) == 0
    out, err = capsys.readouterr()
    assert err == ""  # no bar where there is no terminal
    directory = tmp_path / "runs/digits-sweep"
    assert {path.name for path in directory.iterdir()} == FILES
    rows = table_of(directory)
    assert [row["trial"] for row in rows] == [str(number) for number in range(8)]
    assert {row["hidden"] for row in rows} == {"8", "16,8"}
    best = max(rows, key=lambda row: (float(row["value"]), -int(row["trial"])))
    first_line = out.splitlines()[4].split()
    assert first_line[:4] == [best[key] for key in ("trial", "hidden", "lr", "reg")]
    assert "in every trial: momentum 0.9, lr_decay 0.95, batch_size 32, first_scale 1" in out
    run = json.loads((directory / "run.json").read_text())
    assert run["trial"] == int(best["trial"])
    assert run["results"]["validation"]["accuracy"] == float(best["validation_accuracy"])
    assert f"{run['results']['test']['accuracy']:.2%}" in out

    assert call("evaluate runs/digits-sweep") == 0
    evaluated = capsys.readouterr().out.splitlines()
    assert evaluated[3:6] == out.splitlines()[-6:-3]


def test_the_best_is_what_train_makes_of_its_configuration(tmp_path):
    assert call("sweep --lr 0.03 0.08 --steps 50 --jobs 1 --out found --seed 4 --quiet") == 0
    run = json.loads((tmp_path / "found/run.json").read_text())
    with threadpool_limits(1):
        assert call(f"train --lr {run['settings']['lr']} --steps 50 --out made --seed 4 --quiet") == 0
    assert (tmp_path / "found/net.npz").read_bytes() == (tmp_path / "made/net.npz").read_bytes()
    made = json.loads((tmp_path / "made/run.json").read_text())
    assert made["settings"].items() >= {"lr": run["settings"]["lr"], "steps": 50, "momentum": 0.9}.items()


def test_quiet_says_nothing(capsys):
    assert call("sweep --lr 0.01 0.1 --steps 5 --jobs 1 --quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_only_what_varies_is_drawn(tmp_path):
    assert call("sweep --lr 0.1 --steps 5 --jobs 1 --quiet --out one") == 0
    assert {path.name for path in (tmp_path / "one").iterdir()} == FILES - {"heatmap.png"}


@deep
def test_random_draws_from_ranges_and_lists(tmp_path):
    line = (
        "sweep --random 12 --hidden 4 6 --lr 1e-3:1e-1 --momentum 0:0.9 --steps 3 --jobs 1 --quiet --seed 5"
    )
    assert call(f"{line} --out a") == 0
    rows = table_of(tmp_path / "a")
    rates, momenta = ([float(row[key]) for row in rows] for key in ("lr", "momentum"))
    assert len(set(rates)) == 12
    assert 1e-3 <= min(rates) < 1e-2 < max(rates) <= 1e-1
    assert 0 <= min(momenta) < max(momenta) <= 0.9
    assert {row["hidden"] for row in rows} == {"4", "6"}
    assert call(f"{line} --out b") == 0
    assert (tmp_path / "a/results.csv").read_bytes() == (tmp_path / "b/results.csv").read_bytes()


def test_a_directory_is_extended(capsys, tmp_path):
    line = "sweep --momentum 0 --reg 1e-4 --steps 20 --jobs 1"
    assert call(f"{line} --lr 0.1 0.05 --out run --extend") == 0  # where there is nothing, it begins
    before = (tmp_path / "run/journal.jsonl").read_bytes()
    capsys.readouterr()
    assert call(f"{line} --lr 0.2 0.1 --out run --resume") == 2
    assert "or extend it: extend=True, --extend" in capsys.readouterr().err
    assert call(f"{line} --lr 0.2 0.1 --out run --extend") == 0
    assert "\n1 new of 3 trials in " in capsys.readouterr().out
    assert (tmp_path / "run/journal.jsonl").read_bytes().startswith(before)
    assert call(f"{line} --lr 0.1 0.05 0.2 --out fresh --quiet") == 0
    assert table_of(tmp_path / "run") == table_of(tmp_path / "fresh")
    for name in ("results.csv", "net.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "fresh" / name).read_bytes()
    assert call(f"{line} --lr 0.1 --out run --extend --steps 30") == 0
    assert [(row["lr"], row["steps"]) for row in table_of(tmp_path / "run")] == [("0.1", "30")]
    assert call(f"{line} --lr 0.1 --out run --extend --steps 30 --seed 1") == 2
    assert "to be extended: expected seed 0, got seed 1" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--resume", "--extend"])
def test_after_a_ctrl_c_it_says_how_to_go_on(option, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("minidl.cli.searching.search", interrupt)
    assert call(f"sweep --steps 5 --out run {option}") == 130
    assert capsys.readouterr().err.endswith(f"with the same command and --out run {option}\n")


@pytest.mark.parametrize("sampler", ["tpe", "cma"])
def test_samplers_that_learn(sampler, capsys, monkeypatch, tmp_path):
    pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
    pytest.importorskip("cmaes", reason="cmaes is not installed: pip install 'minidl[tune]'")
    line = f"sweep --sampler {sampler} --hidden 4 6,4 --lr 1e-3:1 --momentum 0:0.9 --steps 3 --jobs 1"
    assert call(f"{line} --trials 6 --out run --quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    monkeypatch.setattr("minidl.cli.run_directory.draw", lambda pictures: [])
    assert call(f"{line} --random 9 --out run --extend") == 0
    assert "\n3 new of 9 trials in " in capsys.readouterr().out
    assert call(f"{line} --trials 9 --out fresh --quiet") == 0
    assert rows_of(tmp_path / "fresh")[1] == [
        row for row in rows_of(tmp_path / "run")[1] if "format" not in row
    ]
    rows = table_of(tmp_path / "run")
    assert {row["hidden"] for row in rows} == {"4", "6,4"}
    assert all(1e-3 <= float(row["lr"]) <= 1 and 0 <= float(row["momentum"]) <= 0.9 for row in rows)
    assert {row["lr_decay"] for row in rows} == {"0.95"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--lr 0.01:0.1 --sampler cma", "two ranges or more, got lr; or take tpe"),
        ("--sampler tpe --halving", "a grid or random draws for halving"),
    ],
)
def test_what_samplers_do_not_take(options, message, capsys):
    pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'minidl[tune]'")
    refused(f"sweep --trials 3 {options}", message, capsys)


def test_a_sampler_without_optuna(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "optuna", None)
    refused("sweep --trials 3 --sampler tpe --lr 0.01:0.1", "pip install 'minidl[tune]'", capsys)


@deep
def test_halving_stops_the_worst(capsys, tmp_path):
    assert call(f"{GRID} --halving 2 --out run") == 0
    out = capsys.readouterr().out
    assert "stopped: not among the best" in out
    rows = table_of(tmp_path / "run")
    assert sorted(int(row["steps"]) for row in rows) == [7] * 4 + [15] * 2 + [30, 60]
    assert [row["status"] for row in rows if row["steps"] == "60"] == ["done"]


@deep
def test_a_directory_in_use_is_refused(capsys, tmp_path):
    line = "sweep --lr 0.01 0.1 --steps 5 --jobs 1 --quiet --out run"
    assert call(f"{line} --resume") == 0  # where there is nothing to go on with, it begins
    before = rows_of(tmp_path / "run")
    assert call(line) == 2
    assert (
        "holds no run, got run; give another, --resume to go on with it, --extend to add to it, or --force"
        in capsys.readouterr().err
    )
    assert call("train --steps 5 --out run") == 2
    assert call(f"{line} --resume") == 0
    assert rows_of(tmp_path / "run") == before
    assert call(f"{line} --resume --seed 1") == 2
    assert "seed" in capsys.readouterr().err
    assert call(f"{line} --force --seed 1") == 0
    assert rows_of(tmp_path / "run") != before

    assert call("train --steps 5 --out other --quiet") == 0
    assert call("sweep --steps 5 --out other --resume") == 2  # a run, but no sweep
    assert (
        "give another, go on with it (minidl train --resume --out other), or --force"
        in capsys.readouterr().err
    )


@deep
def test_the_last_sweep_is_resumed(tmp_path):
    line = "sweep --lr 0.01 0.1 --steps 5 --jobs 1 --quiet"
    for options in ("", "", "--resume"):
        assert call(f"{line} {options}") == 0
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"digits-sweep", "digits-sweep-2"}


def test_trials_that_diverge_are_rows(capsys, tmp_path):
    assert call("sweep --lr 0.1 1e9 --momentum 0 --steps 20 --jobs 1 --out run") == 0
    assert "diverged: step " in capsys.readouterr().out
    assert call("sweep --lr 1e8 1e9 --momentum 0 --steps 20 --jobs 1 --out all") == 2
    out, err = capsys.readouterr()
    assert out.count("diverged: step ") == 2
    assert "expected a trial that is done, got none of 2" in err
    assert {path.name for path in (tmp_path / "all").iterdir()} == {"journal.jsonl", "results.csv"}


def test_the_bar_shows_the_best_so_far(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    assert call("sweep --lr 0.01 0.1 --steps 30 --jobs 1") == 0
    assert "2/2" in terminal.getvalue()
    assert "% with lr 0.1" in terminal.getvalue()


def test_ctrl_c_leaves_a_sweep_to_go_on_with(tmp_path):
    line = "sweep --lr 0.01 0.02 0.05 0.1 --steps 60 --jobs 1"
    code, err = interrupted(f"{line} --out run", at=90)
    assert (code, err) == (
        130,
        "minidl: interrupted; go on with the same command and --out run --resume\n",
    )
    journal = tmp_path / "run/journal.jsonl"
    whole = journal.read_bytes()
    assert whole.endswith(b"\n")
    assert whole.count(b"\n") == 2  # the header, and the trial before
    assert call(f"{line} --out run --resume --quiet") == 0
    assert journal.read_bytes().startswith(whole)
    assert call(f"{line} --out straight --quiet") == 0
    assert rows_of(tmp_path / "run") == rows_of(tmp_path / "straight")
    for name in ("results.csv", "net.npz"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_without_matplotlib_there_are_no_pictures(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert call("sweep --lr 0.01 0.1 --steps 5 --jobs 1 --out plain") == 0
    assert "no pictures: plotting needs matplotlib" in capsys.readouterr().err
    assert {path.suffix for path in (tmp_path / "plain").iterdir()} == {"", ".jsonl", ".csv", ".npz", ".json"}


@pytest.mark.parametrize(("backend", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_the_missing_extra_is_named(backend, package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert call(f"sweep --steps 1 --quiet --backend {backend}") == 2
    assert f"pip install 'minidl[{backend}]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sweep nonsense", "digits"),
        ("sweep --hidden x", "--hidden: expected whole numbers, such as 300 100 or 300,100, got 'x'"),
        ("sweep --lr x", "--lr: invalid number value: 'x'"),
        ("sweep --lr nan", "finite values for 'lr'"),
        ("sweep --lr 0.1:0.01", "expected LOW:HIGH with LOW < HIGH, got '0.1:0.01'"),
        ("sweep --lr 0.01:0.1", "--lr: expected single values in a grid, got [0.01:0.1]; add --random N"),
        ("sweep --lr 0:0.1 --random 3", "--lr: expected a range above 0"),
        ("sweep --lr-decay 0.1:0.2 0.3 --random 3", "--lr-decay: expected one range, or values only"),
        ("sweep --lr 0.01:0.1 --sampler tpe", "--sampler: expected --trials N, so many to be drawn by tpe"),
        ("sweep --lr 0:0.1 --trials 3 --sampler tpe", "--lr: expected a range above 0"),
        ("sweep --extend --resume", "not allowed with argument"),
        ("sweep --random 0", "count to be a whole number >= 1"),
        ("sweep --halving 1", "eta to be a whole number >= 2"),
        ("sweep --steps 0", "steps to be a whole number >= 1"),
        ("sweep --seed -1", "seed to be a whole number >= 0"),
        ("sweep --backend nothing", "invalid choice"),
        ("sweep --resume --force", "not allowed with argument"),
        ("sweep --steps 1 --out /proc/none", "/proc/none"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, message, capsys):
    out = refused(command, message, capsys)
    assert not out


def test_the_best_net_is_a_net(tmp_path, digits):
    assert call("sweep --lr 0.05 0.1 --steps 200 --jobs 1 --dtype float64 --out run --quiet") == 0
    net = minidl.load("run/net.npz")
    assert net.dtype == np.float64
    assert minidl.evaluate(net, digits.test)[1] > 0.9
