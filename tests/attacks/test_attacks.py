"""Every attack of the tables is refused, and leaves no trace."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minidl.errors import DataError
from minidl.parameters import IN_FILE
from tests.attacks import data, nets, runs
from tests.attacks.checking import Attack, check, watched
from tests.deep import deep

ATTACKS = [*data.ATTACKS, *nets.ATTACKS, *runs.ATTACKS]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes, sockets, devices and links")
@pytest.mark.parametrize(
    "attack",  # by default every third
    [
        pytest.param(each, id=each.name, marks=[deep] * (each.slow or number % 3 > 0))
        for number, each in enumerate(ATTACKS)
    ],
)
def test_an_attack_is_refused(attack, tmp_path):
    check(attack, tmp_path)


@deep
@pytest.mark.skipif(sys.platform != "linux", reason="what limits a process's memory")
def test_attacks_are_refused_where_there_is_no_more_memory():
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.attacks"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_attacks_are_many_and_have_names_of_their_own():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) > 100


def _fails(read, tmp_path, words=("expected",)):
    def build(folder):
        (folder / "file").write_bytes(b"content")
        return folder / "file"

    with pytest.raises((AssertionError, pytest.fail.Exception, KeyError)):
        check(Attack("", read, build, words), tmp_path)


def test_the_check_notices(tmp_path):
    def reads(*actions):
        def read(path):
            for action in actions:
                action(path)
            raise DataError("expected")

        return read

    folder = iter(tmp_path / str(number) for number in itertools.count())

    def tried(read, **options):
        place = next(folder)
        place.mkdir()
        _fails(read, place, **options)

    tried(lambda path: None)
    tried(reads(lambda path: {}["foreign"]))
    tried(reads(), words=("other words",))
    tried(reads(lambda path: bytes(70 << 20)))
    tried(reads(lambda path: path.with_name("new").touch()))
    tried(reads(lambda path: path.write_bytes(b"changed")))
    tried(reads(lambda path: path.unlink()))
    tried(reads(lambda path: subprocess.run([sys.executable, "-c", ""], check=True)))
    tokens: list = []
    tried(reads(lambda path: tokens.append(IN_FILE.set(lambda *parameter: True))))
    IN_FILE.reset(tokens[0])
    with watched() as seen:
        Path(__file__).read_bytes()
    assert not seen
