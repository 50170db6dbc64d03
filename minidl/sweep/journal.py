"""The journal: a file of JSON lines that only grows, and survives being cut off anywhere."""

from __future__ import annotations

import dataclasses
import os
import stat
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

from minidl.checks import check_bool
from minidl.errors import CheckpointError, ConfigurationError
from minidl.files import open_regular, sync, sync_directory
from minidl.sweep.extension import Section, check_extends, rows_of_length
from minidl.sweep.header import differences, in_words
from minidl.sweep.lines import VERSION, format_of, line_of, read_lines
from minidl.sweep.row import Row

JOURNAL = "journal.jsonl"

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_open: weakref.WeakSet[Journal] = weakref.WeakSet()

Describe: TypeAlias = Callable[[Sequence[Row]], dict[str, Any]]


class Journal:
    """The rows of a sweep, on the disk as soon as they are appended; a context manager.

    The first line, the header, says which sweep it is; every other one is a `Row`, or where the sweep
    was extended from there on, another header. Each line has a checksum. One that a killed process left
    half-written is cut off on opening, where the sweep is the journal's.

    Only one process writes: the file is locked, as long as this process lives and no longer; one that is
    forked from it does not have the lock.

    Parameters
    ----------
    path : Path or None
        Without it the rows are kept in memory only.
    header : dict, or callable ``(rows) -> dict``
        In terms of JSON: everything that the rows depend on; the function gets the rows from before
        the sweep was extended.
    resume : bool
        Whether a journal that holds rows may be gone on with.
    extend : bool
        Whether it may be gone on with by a sweep of more configurations or longer trials, too.

    Attributes
    ----------
    rows : list of Row
        In the order in which they came; of a sweep that was extended those of its present length.
    earlier : list of Row
        Those of them from before it was extended for the last time.
    done : set of int
        The trials that a row of any length says are done: those whose net may have been kept.

    Raises
    ------
    ConfigurationError
        The journal is another sweep's, it is in use, or it holds rows and `resume` is false.
    CheckpointError
        It is damaged elsewhere than at its end, of a newer format, or no journal.
    """

    def __init__(
        self,
        path: Path | None,
        header: dict[str, Any] | Describe,
        *,
        resume: bool = True,
        extend: bool = False,
    ) -> None:
        self.rows: list[Row] = []
        self.earlier: list[Row] = []
        self.done: set[int] = set()
        self._version = VERSION
        self._file: int | None = None
        extend = check_bool("Sweep", "extend", extend)
        resume = check_bool("Sweep", "resume", resume) or extend
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            expected = "a directory that can be written"
            raise ConfigurationError.expected("Sweep", expected, error, "give another") from error
        _open.add(self)
        try:
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                expected = "a journal that is a regular file"
                raise ConfigurationError.expected("Sweep", expected, path, "give another directory")
            _lock(self._file, path)
            with open(self._file, "rb", closefd=False) as file:
                sections, self._version, whole = read_lines(file, path)
            if any(rows for _, rows in sections) and not resume:
                remedy = "go on with it (resume), or give another directory"
                raise ConfigurationError.expected("Sweep", "a directory without a journal", path, remedy)
            describe: Describe = header if callable(header) else lambda _: header
            if sections:
                new = self._go_on(path, sections, describe, extend)
            else:
                new = format_of(self._version) | describe([])
            os.ftruncate(self._file, whole)  # nothing before this has changed the file
            if new:
                self._write(new)
            if not sections:
                sync_directory(path.parent)
        except BaseException:
            self.close()
            raise

    def append(self, row: Row) -> None:
        """Add a row; it is on the disk when this returns."""
        if self._file is not None:
            self._write(dataclasses.asdict(row))
        self.rows.append(row)
        if row.status == "done":
            self.done.add(row.trial)

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._file is not None:
            _unlock(self._file)  # at once, whatever process was forked just now and has not left it yet
            self._leave()

    def _leave(self) -> None:
        """Close the file alone: where this process was forked, the lock is another's."""
        if self._file is not None:
            _open.discard(self)
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _go_on(
        self, path: Path, sections: list[Section], describe: Describe, extend: bool
    ) -> dict[str, Any] | None:
        """Take up what the journal holds of the sweep; where that is extended, the header to say so."""
        self.done = {row.trial for _, rows in sections for row in rows if row.status == "done"}
        own = format_of(self._version)
        found = sections[-1][0]
        self.rows = rows_of_length(sections, found)
        self.earlier = rows_of_length(sections[:-1], found)
        wanted = own | describe(self.earlier)
        pairs = differences(found, wanted)
        if pairs and not extend:
            expected, got = in_words(pairs)
            remedy = "give another directory, or what the journal was begun with"
            with suppress(ConfigurationError):
                check_extends(path, found, wanted)
                remedy += ", or extend it: extend=True, --extend"
            raise ConfigurationError.expected(f"Sweep on {path}", expected, got, remedy)
        if pairs:
            self.rows = rows_of_length(sections, wanted)
            self.earlier = list(self.rows)
            wanted = own | describe(self.earlier)
            check_extends(path, found, wanted)
            return wanted if differences(found, wanted) else None
        return None

    def _write(self, content: dict[str, Any]) -> None:
        assert self._file is not None
        rest = memoryview(line_of(content, self._version))
        while rest:  # one write, but where a signal or a full disk cuts it short
            rest = rest[os.write(self._file, rest) :]
        sync(self._file)


def _leave_to_parent() -> None:
    """In a forked process: give up the files, or they would stay locked as long as it lives."""
    for journal in list(_open):
        journal._leave()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_leave_to_parent)


def read_journal(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """The last header and all rows of its length, also while a sweep is writing; the file stays as it is."""
    if not path.exists():
        raise CheckpointError.expected(str(path), "a sweep's journal", "no such file")
    try:
        with open_regular(path) as file:
            sections = read_lines(file, path).sections
    except OSError as error:
        raise CheckpointError.expected(str(path), "a sweep's journal", error.strerror) from error
    if not sections:
        raise CheckpointError.expected(str(path), "a sweep's journal", "an empty file")
    header = sections[-1][0]
    return header, rows_of_length(sections, header)


def _unlock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)


def _lock(file: int, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        remedy = "wait for it to end, or give another directory"
        raise ConfigurationError.expected(
            "Sweep", "a journal that no other sweep uses", path, remedy
        ) from None
