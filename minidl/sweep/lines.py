"""The journal's lines: JSON, the last key of each a checksum of what stands before it.

The first line, the header, says which version of the format all lines are of. Version 1 had no
checksums; its journals are read and gone on with in version 1, so that a file is of one version.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from minidl.errors import CheckpointError
from minidl.files import parse_json, to_json
from minidl.sweep.extension import Section
from minidl.sweep.header import HEADER, check_header
from minidl.sweep.row import row_of

VERSION = 2
LONGEST = 1 << 24
"""Bytes of a line: a curve of some 200,000 epochs. What reads a journal holds one such line at a time."""

_FORMAT = b'{"format": '  # how a header begins, and no row
_BEGINNING = b'{"format": "minidl sweep", "version": '


class Content(NamedTuple):
    """What a journal holds."""

    sections: list[Section]
    version: int
    whole: int
    """Length in bytes, up to a last line that a killed process, or a machine, left half-written."""


def format_of(version: int) -> dict[str, Any]:
    """How a header begins."""
    return {"format": "minidl sweep", "version": version}


def line_of(content: dict[str, Any], version: int) -> bytes:
    """The line with its end; `CheckpointError` for what could not be read again."""
    line = to_json(content).encode()
    if version > 1:
        line = line[:-1] + _seal(line[:-1])
    if len(line) >= LONGEST:
        expected, got = f"a row of less than {LONGEST:,} bytes", f"one of {len(line):,}"
        raise CheckpointError.expected("Sweep", expected, got, "train for fewer epochs")
    _take("Sweep", line, version, [({}, [])])
    return line + b"\n"


def read_lines(file: BinaryIO, path: Path) -> Content:
    """All that is whole; `CheckpointError` where a line is damaged, but for the last one.

    What is not of minidl, or of a newer format, is refused whatever its length.
    """
    sections: list[Section] = []
    version = VERSION
    whole = 0
    damage: CheckpointError | None = None
    for number, line in enumerate(_split(file, path), 1):
        where = f"{path}, line {number}"
        if damage:  # a crash of the machine may leave a line's end and not its middle, but the last one's
            raise damage
        if number == 1 or line.startswith(_FORMAT):
            own = _version_of(where, line, version)
            version = own if number == 1 else version
            if own != version:
                expected = f"version {version}, as in the first line"
                raise CheckpointError.expected(where, expected, f"version {own}")
        if not line.endswith(b"\n"):
            break
        try:
            _take(where, line[:-1], version, sections)
        except CheckpointError as error:
            if number == 1:
                raise
            damage = error
        else:
            whole += len(line)
    return Content(sections, version if sections else VERSION, whole)


def _split(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The lines with their ends, which the last one may lack."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            expected = f"a line of at most {LONGEST:,} bytes"
            raise CheckpointError.expected(f"{path}, line {number}", expected, "a longer one")
        yield line


def _version_of(where: str, line: bytes, otherwise: int) -> int:
    """The version of the format that a header says; of one that is cut off before it, `otherwise`."""
    found = re.match(re.escape(_BEGINNING) + rb"(\d{1,9})(?=[,}]|$)", line)
    if not found and (line.endswith(b"\n") or not _BEGINNING.startswith(line)):
        raise CheckpointError.expected(where, HEADER, repr(line[:80]))
    version = int(found[1]) if found else otherwise
    if not 1 <= version <= VERSION:
        expected = f"{HEADER} in a format of version 1 to {VERSION}"
        remedy = "read it with the newer minidl that wrote it" if version > VERSION else ""
        raise CheckpointError.expected(where, expected, f"version {version}", remedy)
    return version


def _take(where: str, line: bytes, version: int, sections: list[Section]) -> None:
    """Put a line where it belongs, once it is known to be sound."""
    is_header = line.startswith(_FORMAT)
    what = HEADER if is_header else "a row of a sweep"
    body = line
    length = len(_seal(b""))
    beginning, seal = line[:-length], line[-length:]
    if version > 1:
        if seal != _seal(beginning):
            expected = f"{what}, unchanged since it was written"
            got = f"{line[:80]!r} with another checksum"
            raise CheckpointError.expected(where, expected, got, "restore the file from a copy")
        body = beginning + b"}"
    elif re.fullmatch(rb', "crc32": "[0-9a-f]{8}"\}', seal):
        expected = f"{what} without a checksum, since version 1 has none"
        raise CheckpointError.expected(where, expected, "one with it")
    try:
        found = parse_json(body, where)
    except CheckpointError as error:
        raise CheckpointError.expected(where, what, f"{line[:80]!r} ({error})") from error
    if is_header:
        sections.append((check_header(where, found), []))
    else:
        sections[-1][1].append(row_of(where, found))


def _seal(body: bytes) -> bytes:
    """What ends a line whose beginning is `body`."""
    return b', "crc32": "%08x"}' % zlib.crc32(body)
