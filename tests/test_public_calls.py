"""No public call answers a wrong argument with a traceback from within."""

import inspect
from contextlib import chdir

import pytest

from minidl.errors import MinidlError
from tests import public_calls
from tests.deep import deep
from tests.public_calls import ROWS, UNCALLED, public_names, wrongly_answered


@pytest.fixture(scope="module", autouse=True)
def files(tmp_path_factory):
    with chdir(tmp_path_factory.mktemp("files")):
        public_calls.files()
        yield


def test_every_public_callable_has_a_row():
    assert set(public_names()) == {name.partition(",")[0] for name in ROWS} | set(UNCALLED)


DRAWING = ("plot", "diagram", "LivePlot")


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=deep) if any(map(name.__contains__, DRAWING)) else name for name in ROWS],
)
def test_a_wrong_argument_gets_minidls_own_error(name, capsys):
    function, args, kwargs = ROWS[name]()
    inspect.signature(function).bind(*args, **kwargs)
    function(*args, **kwargs)  # the row is right
    count, found = wrongly_answered(name)
    assert not found, f"{len(found)} of {count} calls"


def test_the_walk_finds_what_it_is_for(monkeypatch):
    def careless(size):
        return size.bit_length()

    def careful(size):
        if not isinstance(size, int):
            raise MinidlError("a whole number")

    counts = {}
    for function in (careless, careful):
        monkeypatch.setitem(ROWS, "it", lambda function=function: public_calls.call(function, 1))
        count, found = wrongly_answered("it")
        assert count == len(public_calls.WRONG)
        counts[function.__name__] = len(found)
    assert counts == {"careful": 0, "careless": len(public_calls.WRONG) - 4}  # four are ints
