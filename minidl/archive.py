"""Arrays in a zip file, as `numpy.savez` writes them: read to the last byte of each, and within bounds.

`numpy.load` stops where an array ends, before zipfile compares the member's checksum, and makes an array
of whatever size a header claims. Here a size is believed only where the file holds as much.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Self

import numpy as np

from minidl.errors import MinidlError
from minidl.files import open_regular
from minidl.types import Array

if TYPE_CHECKING:
    import zipfile

# zipfile is imported where it is used: it would lengthen `import minidl`.

MAX_DIRECTORY_BYTES = 1 << 22
"""Of the zip's list of members, of which zipfile makes objects ten times as large."""

MAX_UNPACKED_BYTES = 1 << 32
"""Of all members together, where they are compressed."""

_MOST_PACKED = 1032  # deflate makes so many bytes of one, at most
_CHUNK_BYTES = 1 << 20


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
            self._stream.close()
            self._fail("a whole .npz file", problem, problem)

    def _check_directory(self) -> None:
        """Refuse a long list of members before zipfile reads it; where there is none, zipfile says so."""
        self.size = self._stream.seek(0, os.SEEK_END)
        self._stream.seek(max(self.size - (1 << 16) - 22, 0))
        tail = self._stream.read()
        end = len(tail) - 22
        if not (tail[end : end + 4] == b"PK\5\6" and tail[-2:] == b"\0\0"):
            end = tail.rfind(b"PK\5\6")
        record = tail[end:] if end >= 0 else bytes(22)
        self._count, length = _number(record[10:12]), _number(record[12:16])
        if self._count == 0xFFFF or length == 0xFFFFFFFF:  # as of many members, or of four gigabytes
            self._stream.seek(_number(tail[max(end - 12, 0) : max(end - 4, 0)]))
            record = self._stream.read(56)
            self._count, length = _number(record[32:40]), _number(record[40:48])
        if length > MAX_DIRECTORY_BYTES:
            self._fail(f"a list of members of at most {MAX_DIRECTORY_BYTES:,} bytes", f"{length:,}")

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
                self._fail(
                    "members that are not compressed" if not packed else "members that zip deflated", name
                )
            if member.compress_type == zipfile.ZIP_DEFLATED:
                most = most * _MOST_PACKED + 64
            if member.file_size > most:
                self._fail(f"member {name} of at most {most:,} bytes", f"{member.file_size:,}")
            if member.header_offset < ends:
                self._fail("members one behind the other", f"{name} that begins within another")
            ends = member.header_offset + 30 + len(name.encode()) + member.compress_size
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
                shape, fortran, dtype = _read_header(stream)
                size = math.prod(shape) * dtype.itemsize
                left = member.file_size - stream.tell()
                if dtype.kind not in kinds or not dtype.itemsize:
                    got = f"{dtype} of shape {shape}"
                    self._fail(
                        f"{name} to be an array of numbers", got, remedy="pickled objects are never read"
                    )
                if size != left or math.prod(map(abs, shape)) * dtype.itemsize != left:
                    self._fail(f"{name} of shape {shape} and {dtype}: {size:,} bytes", f"{left:,}")
                array = np.empty(math.prod(shape), dtype)
                target = array.view(np.uint8)
                done = 0
                while chunk := stream.read(_CHUNK_BYTES):  # to its end, where zipfile compares the checksum
                    target[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
                    done += len(chunk)
                if done < size:
                    self._fail(f"{name} of {size:,} bytes", f"{done:,}")
                return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
        except MinidlError:
            raise
        except Exception as problem:  # what zipfile, zlib and NumPy's reader of headers raise
            self._fail(f"{name} to be a whole array", problem, problem)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            self._fail(f"a member {name}", ", ".join(list(self._members)[:20]) or "none")
        return self._members[name]

    def _fail(
        self, expected: str, got: object, cause: BaseException | None = None, *, remedy: str = ""
    ) -> NoReturn:
        got = (str(got) or type(got).__name__) if isinstance(got, BaseException) else got
        raise self._error.expected(self._where, expected, got, remedy) from cause

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()
        self._stream.close()


def _read_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and dtype."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"array format {version}")


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
