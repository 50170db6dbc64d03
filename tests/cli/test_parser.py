import json

import numpy as np
import pytest

from tests.cli.calling import call
from tests.deep import deep


@pytest.mark.parametrize(
    ("command", "option", "given"),
    [
        ("train --lr .1 .2", "--lr", ".1 .2"),
        ("train digits --lr .1 .2 .3 --epochs 1", "--lr", ".1 .2 .3"),
        ("train --lr=.1 .2", "--lr", ".1 .2"),
        ("train --batch 10 20", "--batch", "10 20"),
        ("train --lr-decay 1 .9", "--lr-decay", "1 .9"),
        ("train --momentum 0 -1", "--momentum", "0 -1"),
        ("train --reg 1e-3 1e-4", "--reg", "1e-3 1e-4"),
        ("train --hidden 8 4 --epochs 5 10", "--epochs", "5 10"),
        ("train --steps 5 10", "--steps", "5 10"),
        ("train --seed 0 1 2", "--seed", "0 1 2"),
        ("train --dtype float32 float64", "--dtype", "float32 float64"),
        ("sweep --backend dask ray", "--backend", "dask ray"),
        ("sweep --jobs 1 2", "--jobs", "1 2"),
    ],
)
def test_an_option_of_one_value_is_given_several(command, option, given, capsys):
    with pytest.raises(SystemExit) as ended:
        call(command)
    assert ended.value.code == 2
    program = f"minidl {command.split()[0]}"
    varies = option in ("--lr", "--lr-decay", "--batch", "--momentum", "--reg")
    remedy = f"; minidl sweep {option} takes several" if varies else ""
    message = (
        f"{program}: error: argument {option}: expected one value, got {given}{remedy}; see {program} --help"
    )
    assert capsys.readouterr().err == f"{message}\n"


@pytest.mark.parametrize(
    "command",
    ["--steps 5 digits", "--steps=5 digits", "--hidden 5 7 --steps 5", "digits --steps 5 --dtype float64"],
)
def test_a_data_set_may_follow_an_option(command, tmp_path):
    assert call(f"train {command} --quiet --out run") == 0
    assert (tmp_path / "run/net.npz").exists()


@deep
def test_a_tilde_is_the_home_directory(tmp_path, monkeypatch, digits, capsys):
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    minidl_file = home / "data/mine.npz"
    np.savez(minidl_file, x_train=digits.train.features, y_train=digits.train.targets)
    assert call("train ~/data/mine.npz --steps 5 --quiet --out=~/a") == 0
    assert json.loads((home / "a/run.json").read_text())["data"] == str(minidl_file)
    assert call("evaluate ~/a") == 0
    assert call("evaluate ~/a ~/data/mine.npz") == 0
    assert call("train cifar10 --data-dir=~/nothing") == 2
    assert str(home / "nothing") in capsys.readouterr().err
    assert call("evaluate ~/a cifar10 --data-dir ~/nothing") == 2
    assert str(home / "nothing") in capsys.readouterr().err
    assert call("sweep --steps 5 --jobs 1 --quiet --out=~/b") == 0
    assert (home / "b/net.npz").exists()
    assert not (tmp_path / "~").exists()


def test_a_tilde_of_nobody_is_a_name(tmp_path):
    assert call("train --steps 5 --quiet --out ~nobody-has-this-name/run") == 0
    assert (tmp_path / "~nobody-has-this-name/run/net.npz").exists()
