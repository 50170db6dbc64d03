"""Arrays in a zip file, as `numpy.savez` writes them: read to the last byte of each, and within bounds.

`numpy.load` stops where an array ends, before zipfile compares the member's checksum, and makes an array
of whatever size a header claims. Here a size is believed only where the file holds as much.
"""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NoReturn, Self

import numpy as np

from minidl.errors import MinidlError
from minidl.files import open_regular
from minidl.types import Array

if TYPE_CHECKING:
    import zipfile  # else where it is used: it would lengthen `import minidl`

MAX_DIRECTORY_BYTES = 1 << 22
"""Of the zip's list of members, of which zipfile makes objects ten times as large."""

MAX_UNPACKED_BYTES = 1 << 32
"""Of all members together, where they are compressed."""

MOST_OF_A_BYTE = 1032
"""So many bytes, at most, does deflate make of one."""

_MAX_HEADER_BYTES = 1 << 12  # of an array, which has 64 dimensions at most
_CHUNK_BYTES = 1 << 20
_SIGNATURE = b"PK\5\6"
_ENTRY = r"""\s*["'](\w+)["']\s*:\s*("[^"]*"|'[^']*'|True|False|\(\s*(?:\d+L?\s*,\s*)*(?:\d+L?\s*)?\))\s*"""
_HEADER = re.compile(rf"\s*\{{{_ENTRY},{_ENTRY},{_ENTRY},?\s*\}}\s*")
_PLAIN = re.compile(r"[<>|=]?[fiubcSU]\d+")


def write_archive(file: BinaryIO, texts: Mapping[str, bytes], arrays: Mapping[str, Array]) -> None:
    """Write members `texts` by their names, then `arrays` as ``NAME.npy``; the same give the same bytes."""
    import zipfile

    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # which has a fixed date
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)


class Archive:
    """A zip file of arrays, open for reading; a context manager.

    Parameters
    ----------
    source : Path or bytes
        A regular file, or what would stand in one.
    where : str
        Names it in errors.
    error : class of MinidlError
        What is raised for whatever is wrong with it.
    packed : bool
        Whether members may be compressed, to `MAX_UNPACKED_BYTES` in all.

    Attributes
    ----------
    arrays, texts : list of str
        The names of the arrays, without ``.npy``, and of the other members.
    size : int
        How many bytes the file has.
    unpacked : int
        How many bytes its members have.

    Raises
    ------
    FileNotFoundError
    """

    def __init__(
        self, source: Path | bytes, where: str, error: type[MinidlError], *, packed: bool = False
    ) -> None:
        import zipfile

        self._where, self._error = where, error
        try:
            self._stream = io.BytesIO(source) if isinstance(source, bytes) else open_regular(source)
        except FileNotFoundError:
            raise
        except OSError as problem:
            self._fail("a readable file", problem, problem)
        try:
            self._check_directory()
            self._zip = zipfile.ZipFile(self._stream)
            self._check_members(packed)
        except MinidlError:
            self._stream.close()
            raise
        except Exception as problem:  # zipfile raises a dozen kinds on damaged input
            is_array = self._stream.seek(0) == 0 and self._stream.read(6) == np.lib.format.MAGIC_PREFIX
            self._stream.close()
            self._fail("a whole .npz file", "a single array" if is_array else problem, problem)

    def _check_directory(self) -> None:
        """Refuse a long list of members before zipfile reads it; where there is none, zipfile says so."""
        self.size = self._stream.seek(0, os.SEEK_END)
        self._stream.seek(start := max(self.size - (1 << 16) - 98, 0))  # a comment and three records, at most
        tail = self._stream.read()
        end = len(tail) - 22
        if not (tail[max(end, 0) :].startswith(_SIGNATURE) and tail.endswith(b"\0\0")):
            end = tail.rfind(_SIGNATURE, max(end - (1 << 16), 0))
        if end < 0:
            return
        count, length = tail[end + 10 : end + 12], tail[end + 12 : end + 16]
        locator = tail[max(end - 20, 0) : end]
        if locator.startswith(b"PK\6\7"):  # that of many members, or of four gigabytes: zipfile believes it
            record = tail[max(end - 76, 0) : end - 20]
            if start + end - 76 != _number(locator[8:16]):  # versions of zipfile differ in where they look
                self._fail("a whole .npz file", "a list of members at two places")
            count, length = record[32:40], record[40:48]
        self._count = _number(count)
        if _number(length) > MAX_DIRECTORY_BYTES:
            self._fail(f"a list of members of at most {MAX_DIRECTORY_BYTES:,} bytes", f"{_number(length):,}")

    def _check_members(self, packed: bool) -> None:
        import zipfile

        members = sorted(self._zip.infolist(), key=lambda member: member.header_offset)
        self._members = {member.filename: member for member in members}
        if len(self._members) < len(members):
            self._fail("every member once", "a name twice")
        if len(members) != self._count:  # a damaged entry may swallow the next ones
            self._fail(f"{self._count} members", len(members))
        kinds = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} if packed else {zipfile.ZIP_STORED}
        ends = 0
        for member in members:
            name, most = member.filename, member.compress_size
            if member.compress_type not in kinds or member.flag_bits & 1:
                how = "deflated or stored" if packed else "not compressed"
                self._fail(f"members that are {how}, and not encrypted", name)
            if member.compress_type == zipfile.ZIP_DEFLATED:
                most = most * MOST_OF_A_BYTE + 64
            if member.file_size > most:
                self._fail(f"member {name} of at most {most:,} bytes", f"{member.file_size:,}")
            if member.header_offset < ends:
                self._fail("members one behind the other", f"{name} that begins within another")
            ends = member.header_offset + 30 + len(member.orig_filename) + member.compress_size
        self.unpacked = sum(member.file_size for member in members)
        if ends > self.size or self.unpacked > max(self.size, MAX_UNPACKED_BYTES if packed else 0):
            self._fail("members that the file holds", f"{self.unpacked:,} bytes in {self.size:,}")
        self.arrays = [name.removesuffix(".npy") for name in self._members if name.endswith(".npy")]
        self.texts = [name for name in self._members if not name.endswith(".npy")]

    def text(self, name: str, most: int) -> bytes:
        """The member of this name, of at most so many bytes."""
        member = self._member(name)
        if member.file_size > most:
            self._fail(f"{name} of at most {most:,} bytes", f"{member.file_size:,}")
        try:
            return self._zip.read(member)
        except Exception as problem:
            self._fail(f"{name} to be whole", problem, problem)

    def array(self, name: str, kinds: str = "fiub") -> Array:
        """The array of this name, whose dtype is of one of these `kinds`; an array of one's own."""
        member = self._member(f"{name}.npy")
        try:
            with self._zip.open(member) as stream:
                shape, fortran, descr = _read_header(stream)
                dtype = np.dtype(descr) if _PLAIN.fullmatch(descr) else np.dtype(object)
                if dtype.kind not in kinds or not dtype.itemsize:
                    got = f"{descr[:80]} of shape {shape}"
                    what = f"{name} of numbers{' or text' * ('U' in kinds)}"
                    self._fail(what, got, remedy="pickled objects are never read")
                size, left = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
                if size != left:
                    self._fail(f"{name} of shape {shape} and {dtype}: {size:,} bytes", f"{left:,}")
                flat = np.empty(math.prod(shape), dtype)
                _fill(stream, flat.view(np.uint8))
                array = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
        except MinidlError:
            raise
        except Exception as problem:  # what zipfile, zlib and NumPy raise
            self._fail(f"{name} to be a whole array", problem, problem)
        if not _is_sound(flat):
            self._fail(f"{name} of {dtype}", "bytes that stand for nothing of that kind")
        return array

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            self._fail(f"a member {name}", ", ".join(list(self._members)[:20]) or "none")
        return self._members[name]

    def _fail(
        self, expected: str, got: object, cause: Exception | None = None, *, remedy: str = ""
    ) -> NoReturn:
        got = (str(got) or type(got).__name__) if isinstance(got, BaseException) else got
        raise self._error.expected(self._where, expected, got, remedy) from cause

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._zip.close()
        self._stream.close()


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, str]:
    """Shape, whether in Fortran's order, and dtype, of the header of NumPy's format 1, 2 or 3.

    NumPy's own reader evaluates it as Python, with warnings, and reads it whole, however long it may be.
    """
    magic = stream.read(8)
    if not magic.startswith(np.lib.format.MAGIC_PREFIX) or magic[6:] not in (b"\1\0", b"\2\0", b"\3\0"):
        raise ValueError("no array of NumPy's")
    length = _number(stream.read(2 if magic[6] == 1 else 4))
    if length > _MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length:,} bytes")
    match = _HEADER.fullmatch(stream.read(length).decode("latin-1"))
    header = dict(zip(match.groups()[::2], match.groups()[1::2], strict=True)) if match else {}
    shape, fortran, descr = (header.get(key, "") for key in ("shape", "fortran_order", "descr"))
    if not (shape.startswith("(") and fortran in ("True", "False") and descr[:1] in ("'", '"')):
        raise ValueError("a header that does not give a shape, an order and one dtype")
    return tuple(map(int, re.findall(r"\d+", shape))), fortran == "True", descr[1:-1]


def _fill(stream: IO[bytes], target: Array) -> None:
    """Read `target`, and on to the member's end, where zipfile compares the checksum."""
    done = 0
    while chunk := stream.read(_CHUNK_BYTES):
        target[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
    if done < len(target):
        raise EOFError(f"{done:,} of {len(target):,} bytes")


def _is_sound(array: Array) -> bool:
    """Whether bytes that are no number of their own kind, as of a bool or a character, are none."""
    if array.dtype.kind == "b":
        return bool(array.view(np.uint8).max(initial=0) < 2)
    codes = array.view(f"{array.dtype.byteorder}u4") if array.dtype.kind == "U" else np.empty(0, np.uint32)
    return not ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any()


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
