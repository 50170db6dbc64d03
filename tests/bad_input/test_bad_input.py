"""Bad input of every kind is refused by name, and nothing is changed or written by the attempt."""

from contextlib import chdir

import pytest

from minidl.errors import MinidlError
from tests.bad_input import command_line, data, files, layers, losses, training
from tests.bad_input.table import changed, everything, held, run, says

ROOMS = {"layers": layers, "losses": losses, "training": training, "data": data, "files": files}
ROWS = {f"{room}: {name}": row for room, module in ROOMS.items() for name, row in module.ROWS.items()}


@pytest.mark.parametrize("name", ROWS)
def test_a_call_is_refused_and_nothing_changes(name, tmp_path):
    row = ROWS[name]
    with chdir(tmp_path):
        function, args, kwargs = row.make()
        objects = held(function, args, kwargs)
        before = everything(*objects)
        with pytest.raises((MinidlError, OSError)) as caught:
            function(*args, **kwargs)
        assert not changed(before, everything(*objects))
    assert caught.type is row.error
    assert says(str(caught.value), row.message)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """The working directory of all rows: as none may change it, they share it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("commands"))
        for name in ("MINIDL_DATA", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        command_line.files(monkeypatch)
        yield


@pytest.mark.parametrize("name", command_line.ROWS)
def test_a_command_is_refused_in_one_line_and_writes_nothing(name, commands, capsys):
    line, message = command_line.ROWS[name]
    before = everything()
    code = run(line)
    out, err = capsys.readouterr()
    assert not changed(before, everything())
    assert (code, out) == (2, "")
    assert says(err.removesuffix("\n"), message)


def test_the_table_is_as_large_as_it_is_meant_to_be():
    assert len(ROWS) + len(command_line.ROWS) >= 100
