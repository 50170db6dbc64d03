"""The IDX format of MNIST and its kin.

Two zero bytes, a dtype code, the number of dimensions, the dimensions as big-endian uint32, then
the elements. Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import math
import os
import zlib
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from minidl.data.readers.opening import open_binary
from minidl.errors import DataError

MAX_BYTES = 1 << 31
"""Of an array."""

MAX_DIMENSIONS = 8
_CHUNK_BYTES = 1 << 20
_UINT8 = 0x08
_DTYPES = {_UINT8: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}


def read_idx(path: str | os.PathLike[str], *, ndim: int | None = None) -> npt.NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, gzipped or not (its content tells, not its name).

    Parameters
    ----------
    path : str or path
    ndim : int, optional
        The number of dimensions expected: 3 for images (N, height, width), 1 for labels (N,).

    Returns
    -------
    ndarray of uint8
        Of the shape the header gives.

    Raises
    ------
    DataError
        The file is missing, foreign, truncated, damaged, longer than its header says, claims more
        than `MAX_BYTES`, or has another number of dimensions. The message names the file.
    """
    where = f"IDX file {str(path)!r}"
    try:
        with open_binary(path, MAX_BYTES + 64) as (stream, most):
            array = np.empty(_read_shape(where, stream, ndim, most), np.uint8)
            _fill(where, stream, array)
            if stream.read(1):  # reading on to the end also makes gzip compare its checksum
                expected = f"{array.size} bytes after the header"
                raise DataError.expected(where, expected, "more", "get the file anew")
            return array
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        remedy = "check the path, or get the file anew"
        raise DataError.expected(where, "a readable file", error or type(error).__name__, remedy) from error


def _read_shape(where: str, stream: BinaryIO, ndim: int | None, most: int) -> tuple[int, ...]:
    magic = stream.read(4)
    code, dimensions = magic[2:] if len(magic) == 4 else (0, 0)
    if magic[:2] != b"\0\0" or code not in _DTYPES or not 1 <= dimensions <= MAX_DIMENSIONS:
        got = f"bytes {magic.hex(' ') or 'none'}"
        raise DataError.expected(where, "an IDX header", got, "is it another format?")
    if code != _UINT8:
        raise DataError.expected(where, "elements of uint8", _DTYPES[code])
    if ndim is not None and dimensions != ndim:
        swapped = {(3, 1): ("labels", "images"), (1, 3): ("images", "labels")}.get((ndim, dimensions))
        remedy = f"is the {swapped[0]} file in the place of the {swapped[1]} file?" if swapped else ""
        raise DataError.expected(where, f"{ndim} dimensions", dimensions, remedy)
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise DataError.expected(
            where, f"{dimensions} sizes", f"{len(header)} bytes of them", "get the file anew"
        )
    shape = tuple(np.frombuffer(header, ">u4").tolist())
    if not 0 < math.prod(shape) <= MAX_BYTES:
        raise DataError.expected(where, f"sizes that make 1 to {MAX_BYTES} bytes", shape, "get the file anew")
    if math.prod(shape) > most:
        expected = f"{math.prod(shape)} bytes after the header"
        raise DataError.expected(where, expected, f"at most {most}", "get the file anew")
    return shape


def _fill(where: str, stream: BinaryIO, array: npt.NDArray[np.uint8]) -> None:
    # Chunks, for GzipFile.readinto would hold a second copy of all it reads.
    target, done = array.reshape(-1), 0
    while done < array.size:
        chunk = stream.read(min(_CHUNK_BYTES, array.size - done))
        if not chunk:
            raise DataError.expected(where, f"{array.size} bytes after the header", done, "get the file anew")
        target[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
