import subprocess
import sys

import pytest

import minidl
from minidl.cli import main

COMMANDS = "train", "sweep", "evaluate", "predict", "show", "doctor"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_teaches(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: minidl")
    assert len(out.splitlines()) > 5


def test_python_m_minidl():
    done = subprocess.run(
        [sys.executable, "-m", "minidl", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"minidl {minidl.__version__}"
    done = subprocess.run([sys.executable, "-m", "minidl"], capture_output=True, text=True, check=False)
    assert done.returncode == 2


def test_ctrl_c_outside_training(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("minidl.cli.doctor.run", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "minidl: interrupted\n"
