"""The journal: a file of JSON lines that only grows, and survives being cut off anywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeAlias

from minidl.checks import check_bool
from minidl.errors import CheckpointError, ConfigurationError
from minidl.files import sync, sync_directory, to_json
from minidl.sweep.extension import Section, check_extends, rows_of_length
from minidl.sweep.header import differences, in_words
from minidl.sweep.trial import Row

JOURNAL = "journal.jsonl"
FORMAT = {"format": "minidl sweep", "version": 1}
_FORMAT = b'{"format": '  # how a header begins, and no row

Describe: TypeAlias = Callable[[Sequence[Row]], dict[str, Any]]


class Journal:
    """The rows of a sweep, on the disk as soon as they are appended; a context manager.

    The first line, the header, says which sweep it is; every other one is a `Row`, or where the sweep
    was extended from there on, another header. A line that a killed process left half-written is cut
    off on opening.

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

    Raises
    ------
    ConfigurationError
        The journal is another sweep's, it is in use, or it holds rows and `resume` is false.
    CheckpointError
        It is damaged elsewhere than at its end.
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
        self._file: int | None = None
        extend = check_bool("Sweep", "extend", extend)
        resume = check_bool("Sweep", "resume", resume) or extend
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            expected = "a directory that can be written"
            raise ConfigurationError.expected("Sweep", expected, error, "give another") from error
        try:
            _lock(self._file, path)
            sections, whole = _parse(path)
            if any(rows for _, rows in sections) and not resume:
                remedy = "go on with it (resume), or give another directory"
                raise ConfigurationError.expected("Sweep", "a directory without a journal", path, remedy)
            os.ftruncate(self._file, whole)
            describe: Describe = header if callable(header) else lambda _: header
            if sections:
                self._go_on(path, sections, describe, extend)
            else:
                self._write(to_json(FORMAT | describe([])))
                sync_directory(path.parent)
        except BaseException:
            self.close()
            raise

    def append(self, row: Row) -> None:
        """Add a row; it is on the disk when this returns."""
        if self._file is not None:
            self._write(row.to_json())
        self.rows.append(row)

    def close(self) -> None:
        """Close the file and give up the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _go_on(self, path: Path, sections: list[Section], describe: Describe, extend: bool) -> None:
        """Take up what the journal holds of the sweep, and where it is extended, say so in a header."""
        found = sections[-1][0]
        self.rows = rows_of_length(sections, found)
        self.earlier = rows_of_length(sections[:-1], found)
        wanted = FORMAT | describe(self.earlier)
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
            wanted = FORMAT | describe(self.earlier)
            check_extends(path, found, wanted)
            if differences(found, wanted):
                self._write(to_json(wanted))

    def _write(self, line: str) -> None:
        assert self._file is not None
        rest = memoryview(f"{line}\n".encode())
        while rest:  # one write, but where a signal or a full disk cuts it short
            rest = rest[os.write(self._file, rest) :]
        sync(self._file)


def read_journal(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """The last header and all rows of its length, also while a sweep is writing; the file stays as it is."""
    if not path.is_file():
        raise CheckpointError.expected(str(path), "a sweep's journal", "no such file")
    sections, _ = _parse(path)
    if not sections:
        raise CheckpointError.expected(str(path), "a sweep's journal", "an empty file")
    header = sections[-1][0]
    return header, rows_of_length(sections, header)


def _parse(path: Path) -> tuple[list[Section], int]:
    """Headers, each with its rows, and the length of what is whole, in bytes."""
    sections: list[Section] = []
    whole = 0
    *lines, _ = path.read_bytes().split(b"\n")  # the last one's end never came
    for number, line in enumerate(lines, 1):
        try:
            if number == 1 or line.startswith(_FORMAT):
                sections.append((_parse_header(line), []))
            else:
                sections[-1][1].append(Row.from_json(line.decode()))
        except (ValueError, TypeError) as error:
            if 1 < number == len(lines):  # a crash of the machine may leave its end and not its middle
                break
            expected = "the header of a minidl sweep" if number == 1 else "a row of a sweep"
            got = repr(line[:80])
            raise CheckpointError.expected(f"{path}, line {number}", expected, got) from error
        whole += len(line) + 1
    return sections, whole


def _parse_header(line: bytes) -> dict[str, Any]:
    header = json.loads(line)
    if not isinstance(header, dict) or {name: header.get(name) for name in FORMAT} != FORMAT:
        raise ValueError
    return header


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
