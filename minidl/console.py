"""Printing that cannot get in the way of the work.

A console may lack characters (`PYTHONIOENCODING`, Windows, old terminals), be closed (``2>&-``), be
absent (``pythonw``), have no room left or be a pipe whose reader went away. None of it is a reason to
lose a training run.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO

_PLAIN = {"→": "->", "×": "x", "²": "^2", "³": "^3", "½": "1/2", "±": "+-", "µ": "u", "≤": "<=", "≥": ">="}
_PLAIN |= dict.fromkeys("‐‑–—−", "-") | dict.fromkeys("‘’‚′", "'") | dict.fromkeys("“”„«»″", '"')
"""How these are written where they are lacking; of others, such as é or …, Unicode knows the parts."""

# What a write to a pipe without a reader gives, on Windows, too, and one to a closed descriptor.
_GONE = {errno.EPIPE, errno.EINVAL, errno.EBADF}


class ConsoleStream:
    """A text stream, or None, as one that takes every text and never fails.

    Attributes
    ----------
    error : OSError or None
        Why not all arrived, such as a full disk. That nobody reads is no error.
    """

    def __init__(self, stream: TextIO | None) -> None:
        gone = stream is None or getattr(stream, "closed", False)
        self._stream: Any = _Nowhere() if gone else stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write, as far as there is somebody to write to."""
        try:
            self._stream.write(readable(text, getattr(self._stream, "encoding", None)))
        except (OSError, ValueError) as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, likewise."""
        try:
            getattr(self._stream, "flush", lambda: None)()  # what programs put here may only write
        except (OSError, ValueError) as error:
            self._give_up(error)

    def _give_up(self, error: OSError | ValueError) -> None:
        if isinstance(error, OSError) and error.errno not in _GONE:
            self.error = OSError(error.errno, error.strerror, getattr(self._stream, "name", None))
        with suppress(OSError, ValueError, AttributeError):
            _discard(self._stream)
        self._stream = _Nowhere()

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self).get("_stream"), name)


class _Nowhere(io.TextIOBase):
    """Takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def _discard(stream: TextIO) -> None:
    """Drop what the stream holds back, or Python fails at its own end when it flushes it."""
    number = stream.fileno()
    kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
        stream.flush()
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def safe_console() -> Iterator[ConsoleStream]:
    """`sys.stdout` and `sys.stderr` as `ConsoleStream`; gives the first, and them back at the end."""
    out: Any = ConsoleStream(sys.stdout)
    err: Any = ConsoleStream(sys.stderr)
    with _standard_descriptors(), redirect_stdout(out), redirect_stderr(err):
        try:
            yield out
        finally:
            out.flush()
            err.flush()


@contextmanager
def _standard_descriptors() -> Iterator[None]:
    """Have the descriptors 0, 1 and 2, here and in child processes; those that lack lead nowhere.

    After ``2>&-`` the next file opened would be number 2, and get what C code says; and joblib's
    workers do not start without a standard error.
    """
    taken = [os.open(os.devnull, os.O_RDWR)]
    while taken[-1] <= 2:
        os.set_inheritable(taken[-1], True)
        taken.append(os.open(os.devnull, os.O_RDWR))
    os.close(taken.pop())
    try:
        yield
    finally:
        for number in taken:
            os.close(number)


def print_error(program: str, error: object) -> None:
    """An error as one line on standard error."""
    print(f"{program}: error: {one_line(error)}", file=sys.stderr)


def one_line(message: object) -> str:
    """The message without its line breaks."""
    return " ".join(str(message).split())


def readable(text: str, encoding: str | None) -> str:
    """`text` in characters that the encoding has: ``->`` for an arrow, ``e`` for é, else its number."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return "".join(_instead(character, encoding or "utf-8") for character in text)
    except LookupError:  # a name that a program made up
        pass
    return text


def _instead(character: str, encoding: str) -> str:
    import unicodedata  # where it is needed: on few machines

    parts = unicodedata.normalize("NFKD", character)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    for candidate in (character, _PLAIN.get(character, ""), plain):
        with suppress(UnicodeEncodeError):
            if candidate.encode(encoding):
                return candidate
    return character.encode("ascii", "backslashreplace").decode()
