"""The bundled data set: 1,797 handwritten digits, 8 × 8 pixels of 0 to 16.

Credit: E. Alpaydin, C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, CC BY 4.0, doi 10.24432/C50P49. It is the test part of that data set.
"""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from pathlib import Path

import numpy as np

from minidl.data.dataset import Dataset, Labels
from minidl.data.readers.opening import open_binary
from minidl.data.splits import Splits
from minidl.errors import DataError
from minidl.types import Array

BUNDLED = Path(__file__).with_name("digits.csv.gz")
TARGET_NAMES = tuple("0123456789")
_MAX_BYTES = 1 << 20
_SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"  # of the lines that are bundled


def load_digits(path: str | os.PathLike[str] = BUNDLED) -> Splits:
    """The digits in a fixed split, stratified and with no randomness.

    Within each class, the k-th image goes to the training part if ``k % 10`` is 0 to 6, to the
    validation part if it is 7, to the test part if it is 8 or 9.

    Raises
    ------
    DataError
        The file is missing or damaged.
    """
    images, labels = read_digits(path)
    turn = np.empty_like(labels)
    for digit in range(10):
        members = np.flatnonzero(labels == digit)
        turn[members] = np.arange(len(members)) % 10
    whole = Dataset(images, labels, target_names=TARGET_NAMES)
    return Splits("digits", whole[turn < 7], whole[turn == 7], whole[turn > 7])


def read_digits(path: str | os.PathLike[str] = BUNDLED) -> tuple[Array, Labels]:
    """Images, uint8 of shape (N, 8, 8), and labels, int64 of shape (N,), of a CSV file (gzipped or not).

    Of the bundled one, the SHA-256 is compared. What is larger than a megabyte is refused.
    """
    where = f"digits file {str(path)!r}"
    try:
        with open_binary(path, _MAX_BYTES) as (stream, _):
            text = stream.read(_MAX_BYTES + 1)
        if not text.strip() or len(text) > _MAX_BYTES:
            raise ValueError(f"{len(text):,} bytes")
        if path == BUNDLED and hashlib.sha256(text).hexdigest() != _SHA256:
            raise ValueError("others than were bundled")
        table = np.loadtxt(io.BytesIO(text), np.uint8, comments=None, delimiter=",", ndmin=2)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError.expected(where, "lines of 65 whole numbers", error, "install minidl anew") from error
    if table.shape[1] != 65 or table[:, :64].max() > 16 or table[:, 64].max() > 9:
        got, remedy = f"{table.shape[1]} columns up to {table.max()}", "install minidl anew"
        raise DataError.expected(where, "lines of 64 pixels (0 to 16) and a digit", got, remedy)
    return table[:, :64].reshape(-1, 8, 8), table[:, 64].astype(np.int64)
