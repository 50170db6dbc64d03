"""What tarfile reads an archive from: forward only, and of headers no more than a limit."""

from __future__ import annotations

from typing import BinaryIO

from minidl.errors import DataError

MAX_HEADER_BYTES = 1 << 20
"""Of all members together: 512 a member, and what there is of long names and other records."""

MAX_RECORD_BYTES = 1 << 13
"""Of one header or record, which tarfile reads whole, and searches in quadratic time before Python 3.12.5."""

_CHUNK_BYTES = 1 << 20


class Tape:
    """A file for tarfile, which reads nothing but headers from it; what is in a member, `content` gives."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._where, self._stream, self._position, self._left = where, stream, 0, MAX_HEADER_BYTES

    def read(self, size: int) -> bytes:
        """So many bytes of headers, as far as there are some."""
        self._left -= size
        if size > MAX_RECORD_BYTES or self._left < 0:
            expected = (
                f"headers of {MAX_RECORD_BYTES:,} bytes each and {MAX_HEADER_BYTES:,} together, at most"
            )
            raise DataError.expected(self._where, expected, "more")
        return self.content(size)

    def content(self, size: int) -> bytes:
        """So many bytes from here, as far as there are some."""
        content = self._stream.read(size)
        self._position += len(content)
        return content

    def seek(self, position: int) -> None:
        """Go on to `position`, or to the end if that comes first."""
        if position < self._position:
            raise ValueError("a member that begins before the last one ends")
        while self._position < position and self.content(min(_CHUNK_BYTES, position - self._position)):
            pass

    def tell(self) -> int:
        """How many bytes were read."""
        return self._position

    def end(self) -> None:
        """Go on to the end."""
        while self.content(_CHUNK_BYTES):
            pass
