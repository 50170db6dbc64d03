"""The journal: a file of JSON lines that only grows, and survives being cut off anywhere."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from minidl.checks import check_bool
from minidl.errors import CheckpointError, ConfigurationError
from minidl.files import sync, sync_directory, to_json
from minidl.sweep.header import differences
from minidl.sweep.trial import Row

JOURNAL = "journal.jsonl"
FORMAT = {"format": "minidl sweep", "version": 1}

_TOLD = 6  # differences, of many


class Journal:
    """The rows of a sweep, on the disk as soon as they are appended; a context manager.

    The first line says which sweep it is, every other one is a `Row`. A line that a killed process
    left half-written is cut off on opening.

    Parameters
    ----------
    path : Path or None
        Without it the rows are kept in memory only.
    header : dict
        In terms of JSON: everything that the rows depend on.
    resume : bool
        Whether a journal that holds rows may be gone on with.

    Attributes
    ----------
    rows : list of Row
        In the order in which they came.

    Raises
    ------
    ConfigurationError
        The journal is another sweep's, it is in use, or it holds rows and `resume` is false.
    CheckpointError
        It is damaged elsewhere than at its end.
    """

    def __init__(self, path: Path | None, header: dict[str, Any], *, resume: bool = True) -> None:
        self.rows: list[Row] = []
        self._file: int | None = None
        resume = check_bool("Sweep", "resume", resume)
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
            found, self.rows, whole = _parse(path)
            if self.rows and not resume:
                remedy = "go on with it (resume), or give another directory"
                raise ConfigurationError.expected("Sweep", "a directory without a journal", path, remedy)
            os.ftruncate(self._file, whole)
            if found is None:
                self._write(to_json(FORMAT | header))
                sync_directory(path.parent)
            else:
                _check_same(path, found, FORMAT | header)
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

    def _write(self, line: str) -> None:
        assert self._file is not None
        rest = memoryview(f"{line}\n".encode())
        while rest:  # one write, but where a signal or a full disk cuts it short
            rest = rest[os.write(self._file, rest) :]
        sync(self._file)


def read_journal(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """Header and rows, also while a sweep is writing; the file stays as it is."""
    if not path.is_file():
        raise CheckpointError.expected(str(path), "a sweep's journal", "no such file")
    header, rows, _ = _parse(path)
    if header is None:
        raise CheckpointError.expected(str(path), "a sweep's journal", "an empty file")
    return header, rows


def _parse(path: Path) -> tuple[dict[str, Any] | None, list[Row], int]:
    """Header, rows, and the length of what is whole, in bytes."""
    header: dict[str, Any] | None = None
    rows: list[Row] = []
    whole = 0
    *lines, _ = path.read_bytes().split(b"\n")  # the last one's end never came
    for number, line in enumerate(lines, 1):
        try:
            if header is None:
                header = _parse_header(line)
            else:
                rows.append(Row.from_json(line.decode()))
        except (ValueError, TypeError) as error:
            if 1 < number == len(lines):  # a crash of the machine may leave its end and not its middle
                break
            expected = "the header of a minidl sweep" if number == 1 else "a row of a sweep"
            got = repr(line[:80])
            raise CheckpointError.expected(f"{path}, line {number}", expected, got) from error
        whole += len(line) + 1
    return header, rows, whole


def _parse_header(line: bytes) -> dict[str, Any]:
    header = json.loads(line)
    if not isinstance(header, dict) or {name: header.get(name) for name in FORMAT} != FORMAT:
        raise ValueError
    return header


def _check_same(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    pairs = differences(found, wanted)
    if pairs:
        more = [f"and {len(pairs) - _TOLD} more"] if len(pairs) > _TOLD else []
        expected, got = (", ".join([*side[:_TOLD], *more]) for side in zip(*pairs, strict=True))
        remedy = "give another directory, or what the journal was begun with"
        raise ConfigurationError.expected(f"Sweep on {path}", expected, got, remedy)


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
