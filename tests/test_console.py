import io
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.console import ConsoleStream, readable, safe_console

ENCODINGS = ("ascii", "cp437", "cp1251", "cp1252", "utf-8")
FULL = Path("/dev/full")


def opened(encoding, *, terminal=False):
    """A console that refuses what its encoding lacks."""

    class Console(io.TextIOWrapper):
        def isatty(self):
            return terminal

    return Console(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)


def closed(stream):
    stream.close()
    return stream


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("64 → 100", "64 -> 100"),
        ("8 × 8", "8 x 8"),
        ("x_train, …", "x_train, ..."),
        ("W², ½, ±1, 3 µs, – and −", "W^2, 1/2, +-1, 3 us, - and -"),
        ("“quoted” ‘twice’", "\"quoted\" 'twice'"),
        ("naïve café\u00a0№ 1", "naive cafe No 1"),
        ("猫", "\\u732b"),
        ("a file named \udcff", "a file named \\udcff"),
    ],
)
def test_what_the_encoding_lacks_is_written_otherwise(text, plain):
    assert readable(text, "ascii") == plain


def test_what_the_encoding_has_stays():
    assert readable("8 × 8 → …", "cp1252") == "8 × 8 -> …"
    assert readable("жук ± …", "cp1251") == "жук ± …"


@given(st.text(st.characters(exclude_categories=[])), st.sampled_from(ENCODINGS))
def test_every_text_can_be_written(text, encoding):
    shown = readable(text, encoding)
    shown.encode(encoding)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        assert text != shown
    else:
        assert text == shown
    console = opened(encoding)
    assert ConsoleStream(console).write(text) == len(text)


@pytest.mark.parametrize(
    "make", [lambda: None, lambda: closed(io.StringIO()), lambda: closed(opened("ascii"))]
)
def test_without_a_console_it_is_silent(make):
    stream = ConsoleStream(make())
    print("lost", file=stream)
    stream.flush()
    assert not stream.isatty()
    assert stream.error is None


def test_a_stream_that_is_closed_later_ends_the_printing():
    stream = ConsoleStream(inner := opened("utf-8"))
    inner.close()
    print("lost", file=stream)
    print("lost", file=stream)
    assert stream.error is None


@pytest.mark.parametrize("buffering", [1, -1], ids=["by lines", "in blocks"])
def test_a_reader_that_went_away_ends_the_printing(buffering):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", buffering) as pipe:
        stream = ConsoleStream(pipe)
        for _ in range(3):
            print("lost", file=stream)
        stream.flush()
        assert stream.error is None
        os.fstat(writing)  # still what it was
    # Leaving the block closed it, and nothing was left that could not be written.


@pytest.mark.skipif(not FULL.exists(), reason="Linux's disk that is always full")
def test_a_full_disk_is_remembered():
    with FULL.open("w") as full:
        stream = ConsoleStream(full)
        print("lost", file=stream)
        stream.flush()
        assert "No space left" in str(stream.error)


def test_the_streams_are_given_back(monkeypatch):
    out, err = opened("ascii"), opened("ascii")
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    with pytest.raises(RuntimeError), safe_console():
        print("→")
        print("×", file=sys.stderr)
        raise RuntimeError
    assert (sys.stdout, sys.stderr) == (out, err)
    assert out.buffer.getvalue() == b"->" + os.linesep.encode()
    assert err.buffer.getvalue() == b"x" + os.linesep.encode()


def test_a_stream_with_no_more_than_write(monkeypatch):
    class Least:
        encoding = "its own"

        def __init__(self):
            self.text = ""

        def write(self, text):
            self.text += text

    monkeypatch.setattr("sys.stdout", least := Least())
    with safe_console():
        print("8 × 8")
    assert least.text == "8 × 8\n"
