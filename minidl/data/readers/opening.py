"""Opening a data file: regular files only, gzipped or not, and no more of it than a stated limit."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from minidl.archive import MOST_OF_A_BYTE
from minidl.errors import DataError
from minidl.files import as_path, open_regular

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BUFFER_BYTES = 1 << 16


@contextmanager
def open_binary(path: str | os.PathLike[str], most: int) -> Iterator[tuple[BinaryIO, int]]:
    """A file for reading, through gzip if its first two bytes are gzip's; and the most bytes it can have.

    What is not gzipped has as many bytes as the file. What is gzipped ends in `DataError` behind `most` of
    them, whatever it unpacks to.

    Raises
    ------
    OSError
        It is not there, or no regular file.
    """
    with open_regular(as_path("file to read", path)) as file:
        size = os.fstat(file.fileno()).st_size
        if file.peek(2)[:2] != b"\x1f\x8b":  # type: ignore[attr-defined]
            yield file, size
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            bounded = _Bounded(unpacked, most, f"file {str(path)!r}")
            with io.BufferedReader(bounded, _BUFFER_BYTES) as stream:
                yield cast(BinaryIO, stream), min(most, size * MOST_OF_A_BYTE)


class _Bounded(io.RawIOBase):
    """A stream that ends in an error, not in all of the memory, where a small file unpacks to much."""

    def __init__(self, stream: gzip.GzipFile, most: int, where: str) -> None:
        self._stream, self._most, self._where = stream, most, where
        self._left = most

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fill `buffer` as far as there is something, and give how far."""
        count = self._stream.readinto(buffer)
        self._left -= count
        if self._left < 0:
            expected = f"at most {self._most:,} bytes unpacked"
            raise DataError.expected(self._where, expected, "more", "unpack it, if it is what it should be")
        return count
