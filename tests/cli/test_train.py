import json
import sys

import numpy as np
import pytest

import minidl
from minidl.cli import main
from tests.cli import runs
from tests.cli.calling import call, interrupted, refused
from tests.deep import deep

SAVED = {"net.npz", "history.json", "run.json", "checkpoint.npz", "checkpoint.previous.npz"}
FILES = SAVED | {"history.png", "weights.png"}


@pytest.fixture
def table_file(tmp_path):
    """A small data set of measurements on very different scales."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=300)
    features = rng.standard_normal((300, 4))
    features[:, 0] += 3 * labels
    features *= [1, 1000, 0.001, 50]
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=features[:200], y_train=labels[:200], x_test=features[200:], y_test=labels[200:])
    return path


def test_the_main_job(capsys, tmp_path):
    assert call("train") == 0
    out, err = capsys.readouterr()
    assert "\ntraining: --epochs 60 --batch-size 32 --optimizer sgd --lr 0.05 --momentum 0.9" in out
    lines = err.splitlines()  # no terminal: some twenty of sixty epochs, the first and the last among them
    assert [int(line.split()[1]) for line in lines] == [1, *range(3, 61, 3)]
    assert {line.index("  loss") for line in lines} == {len("epoch 60 of 60")}
    assert {path.name for path in (tmp_path / "runs/digits").iterdir()} == FILES
    run = json.loads((tmp_path / "runs/digits/run.json").read_text())
    assert run["results"]["test"]["accuracy"] >= 0.965
    assert f"{run['results']['test']['accuracy']:.2%}" in out
    assert "samples a second" in out
    net = minidl.load(tmp_path / "runs/digits/net.npz")
    history = minidl.History.load(tmp_path / "runs/digits/history.json")
    test = minidl.data.load("digits").test
    assert np.mean(net.predict(test.features) == test.targets) == run["results"]["test"]["accuracy"]
    assert len(history.epochs["lr"]) == run["settings"]["epochs"]
    assert lines[-1].endswith(f"accuracy {history.epochs['validation_accuracy'][-1]:.1%}")

    assert call("evaluate runs/digits") == 0
    evaluated = capsys.readouterr().out
    for line in out.partition("\n\n")[2].splitlines()[:4]:
        assert line in evaluated.splitlines()


def test_settings_are_followed(tmp_path):
    line = "train digits --hidden 7 5 --epochs 2 --batch-size 100 --lr 0.02 --lr-decay 0.5 --momentum 0.3"
    assert call(f"{line} --reg 0.01 --seed 3 --dtype float64 --out here --quiet") == 0
    run = json.loads((tmp_path / "here/run.json").read_text())
    assert run["seed"] == 3
    assert run["settings"].items() >= {
        "hidden": [7, 5], "epochs": 2, "batch_size": 100, "lr": 0.02, "lr_decay": 0.5, "momentum": 0.3,
        "reg": 0.01,
    }.items()  # fmt: skip
    net = minidl.load("here/net.npz")
    assert net.dtype == np.float64
    assert net["affine1"].weight.shape == (7, 5)
    history = minidl.History.load("here/history.json")
    assert history.steps["lr"] == [0.02] * 13 + [0.01] * 13


def test_quiet_says_nothing(capsys):
    assert call("train --steps 5 --quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_short_run_says_no_rate(capsys):
    assert call("train --steps 1 --hidden 30,10 --batch-size 2000 --out run") == 0
    out, err = capsys.readouterr()
    assert "\n1 step in " in out
    assert "a second" not in out
    assert "64 → 30 → 10 → 10" in out
    assert err.startswith("epoch 1 of 1  loss ")


@deep
def test_runs_are_kept_apart_and_never_overwritten(capsys, tmp_path):
    for _ in range(3):
        assert call("train --steps 5 --quiet") == 0
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"digits", "digits-2", "digits-3"}
    before = (tmp_path / "runs/digits/net.npz").read_bytes()
    assert call("train --steps 9 --out runs/digits") == 2
    assert (
        "a directory that holds no run, got runs/digits; give another, go on with it ("
        in capsys.readouterr().err
    )
    assert (tmp_path / "runs/digits/net.npz").read_bytes() == before
    assert call("train --steps 9 --out runs/digits --force --quiet") == 0
    assert (tmp_path / "runs/digits/net.npz").read_bytes() != before


@deep
def test_one_seed_one_net(tmp_path):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(["train", "--steps", "20", "--quiet", "--out", out, "--seed", seed]) == 0
    nets = [(tmp_path / out / "net.npz").read_bytes() for out in "abc"]
    assert nets[0] == nets[1] != nets[2]


def test_a_users_own_file(table_file, capsys, tmp_path):
    assert main(["train", str(table_file), "--out", "mine"]) == 0
    out = capsys.readouterr().out
    run = json.loads((tmp_path / "mine/run.json").read_text())
    assert run["results"]["test"]["accuracy"] > 0.8
    assert "4 → 100 → 3" in out
    assert {path.name for path in (tmp_path / "mine").iterdir()} == FILES
    assert main(["evaluate", "mine"]) == 0
    assert main(["evaluate", "mine", "digits"]) == 2
    assert "Standardize 'standardize0': expected x of shape (batch, 4), got" in capsys.readouterr().err


def test_findings_are_printed(capsys):
    assert call("train --hidden 1 --epochs 30") == 0
    assert "model too small: train accuracy" in capsys.readouterr().out


def test_a_diverging_run_is_saved_and_reported(capsys, tmp_path):
    assert call("train --lr 1e6 --momentum 0 --out bad") == 2
    assert "expected a finite" in capsys.readouterr().err
    assert np.isfinite(minidl.load("bad/net.npz").parameters.values).all()
    assert json.loads((tmp_path / "bad/run.json").read_text())["stopped"] == "diverged"


def test_a_run_that_diverges_with_its_last_step(capsys, tmp_path):
    assert call("train --steps 1 --lr 1e30 --out bad") == 2
    assert "error: after the last step, at learning rate 1e+30: evaluate: expected" in capsys.readouterr().err
    assert json.loads((tmp_path / "bad/run.json").read_text())["stopped"] == "diverged"


def test_without_matplotlib_the_net_is_saved_all_the_same(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert call("train --steps 5 --out plain") == 0
    assert "no pictures: plotting needs matplotlib" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "plain").iterdir()} == SAVED


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "minidl: error: "),
        ("walk", "invalid choice"),
        ("train nonsense", "digits"),
        ("train missing.npz", "missing.npz"),
        ("train fashion_mnist", "got 'fashion_mnist'; did you mean 'fashion-mnist'?"),
        ("train --learning-rate=1", "unrecognized arguments: --learning-rate=1; see minidl train --help"),
        ("train cifar10 --data-dir nowhere", "nowhere"),
        ("train --hidden 0", "hidden to be whole numbers >= 1, got [0]"),
        ("train --hidden x", "--hidden: expected whole numbers, such as 300 100 or 300,100, got 'x'"),
        ("train --epochs 0", "minidl train: error: --epochs: expected epochs to be a whole number >= 1"),
        ("train --epochs 1 --steps 1", "not allowed with argument"),
        ("train --batch-size 0", "batch_size to be a whole number >= 1"),
        ("train --lr 0", "lr to be a finite number > 0, got 0.0"),
        ("train --lr -1", "lr to be a finite number > 0, got -1.0"),
        ("train --lr nan", "lr to be a finite number > 0, got nan"),
        ("train --momentum 1", "momentum"),
        ("train --reg -1", "reg to be a finite number >= 0, got -1.0"),
        ("train --lr-decay 0", "lr_decay to be a finite number > 0, got 0.0"),
        ("train --seed -1", "seed to be a whole number >= 0"),
        ("train --dtype int8", "invalid choice"),
        ("train --steps 1 --out mine.npz/run", "--out: expected a directory, got mine.npz, which is a file"),
        ("train --steps 1 --out mine.npz", "minidl train: error: --out: expected a directory, got mine.npz"),
        ("train --steps 1 --out /proc/none", "/proc/none"),
        ("evaluate nowhere", "nowhere: expected a directory with run.json"),
        ("evaluate", "the following arguments are required: DIR"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(command, message, capsys, table_file):
    out = refused(command, message, capsys)
    assert not out or command.startswith("train --steps")


def test_a_damaged_run_is_reported(capsys, tmp_path):
    assert call("train --steps 5 --quiet --out run") == 0
    net = tmp_path / "run/net.npz"
    net.write_bytes(net.read_bytes()[:-50])
    runs.change(tmp_path / "run", files=None)  # as before there were hashes
    assert main(["evaluate", "run"]) == 2
    assert "net.npz: expected" in capsys.readouterr().err
    (tmp_path / "run/run.json").write_text("{}")
    assert main(["evaluate", "run"]) == 2
    assert "run.json, 'data': expected a data set's name or path, got none" in capsys.readouterr().err


def test_ctrl_c_saves_what_was_trained(tmp_path):
    code, err = interrupted("train --epochs 1000000 --out run", at=500)
    assert code == 130, err
    assert "Traceback" not in err
    history = minidl.History.load(tmp_path / "run/history.json")
    assert len(history.steps["loss"]) == 500
    assert f"minidl: interrupted after 500 steps (loss {history.steps['loss'][-1]:.4f}, train acc" in err
    assert "minidl show run; go on with: minidl train --resume --out run\n" in err
    test = minidl.data.load("digits").test
    net = minidl.load(tmp_path / "run/net.npz")
    assert np.mean(net.predict(test.features) == test.targets) > 0.5
    assert json.loads((tmp_path / "run/run.json").read_text())["stopped"] == "interrupted"
    assert main(["evaluate", "run"]) == 0
