"""CIFAR-10, from either official layout, unpacked or in its `.tar.gz`.

Source: A. Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images",
https://www.cs.toronto.edu/~kriz/cifar.html. The binary layout holds records of a label byte and
3,072 pixel bytes (32 × 32 planes of red, green, blue); the Python layout holds pickled
dictionaries, which are read without executing anything of them (see `minidl.data.pickles`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias, cast

import numpy as np

from minidl.data.dataset import Labels
from minidl.data.readers.opening import open_binary
from minidl.data.readers.pickles import PickledArray, is_text, read_pickle, shown
from minidl.data.readers.tape import Tape
from minidl.errors import DataError
from minidl.files import as_path, open_regular
from minidl.types import Array

TARGET_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
FOLDERS = ("cifar-10-batches-bin", "cifar-10-batches-py")
MAX_FILE_BYTES = 1 << 26
"""Of a batch: 64 MB, twice the official size. A pickled one takes so much again while it is read."""

MAX_ARCHIVE_BYTES = 1 << 29
"""Of an archive, once it is unpacked."""

_PIXELS = 3072
_FILE = re.compile(r"(data_batch_[1-9]\d{0,3}|test_batch)(\.bin)?|batches\.meta(\.txt)?")

_Batch: TypeAlias = tuple[Array, Labels]  # pixels uint8 (N, 3072), labels (N,)


class Cifar10(NamedTuple):
    """The arrays of CIFAR-10: images uint8 of shape (N, 3, 32, 32), labels int64 of shape (N,)."""

    train_images: Array
    train_labels: Labels
    test_images: Array
    test_labels: Labels
    target_names: tuple[str, ...]


def find_cifar10(directory: Path) -> Path | None:
    """What `read_cifar10` can read at `directory`: itself, or an archive or folder in it; else None."""
    if directory.is_file():
        return directory
    for folder in (directory, *(directory / name for name in FOLDERS)):
        if (folder / "data_batch_1.bin").is_file() or (folder / "data_batch_1").is_file():
            return folder
    return next((directory / name for name in ARCHIVES if (directory / name).is_file()), None)


def read_cifar10(path: str | os.PathLike[str]) -> Cifar10:
    """Read CIFAR-10 from a directory that holds the batches, or from a `.tar.gz` of them.

    Batches may hold any number of images and are joined in numeric order. Where both layouts are
    there, the binary one is read. The same images come to the bit from every layout.

    Raises
    ------
    DataError
        A batch is missing, truncated, damaged or foreign, or a pickle names what data does not
        need. The message names the file.
    """
    path = as_path("read_cifar10", path)
    where = f"CIFAR-10 in {str(path)!r}"
    files = _directory_files(path) if path.is_dir() else _archive_files(where, path)
    batches, target_names = _read_batches(where, files)
    train, test = _batch_names(where, batches)
    return Cifar10(*_joined(batches, train), *_joined(batches, [test]), target_names)


def _read_batches(
    where: str, files: Iterable[tuple[str, bytes]]
) -> tuple[dict[str, _Batch], tuple[str, ...]]:
    """Each file's images and labels, and the names of the classes."""
    batches: dict[str, _Batch] = {}
    target_names: tuple[str, ...] = TARGET_NAMES
    for name, raw in files:
        file = f"{where}, file {name}"
        if name in batches:
            raise DataError.expected(where, "each batch once", f"{name} twice")
        if name.startswith("batches.meta"):
            target_names = _read_names(file, name, raw)
        else:
            batches[name] = (_read_records if name.endswith(".bin") else _read_pickled)(file, raw)
    return batches, target_names


def _directory_files(directory: Path) -> Iterator[tuple[str, bytes]]:
    path = directory
    try:
        for path in sorted(directory.iterdir()):
            if _FILE.fullmatch(path.name) and path.is_file():  # else there is a batch less
                with open_regular(path) as file:
                    size = os.fstat(file.fileno()).st_size
                    _check_size(str(path), size)
                    yield path.name, file.read(size)
    except (OSError, MemoryError) as error:
        raise DataError.expected(str(path), "a readable file", error or type(error).__name__) from error


def _archive_files(where: str, path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a tar, gzipped or not, in one pass; nothing is written and no path is followed."""
    import tarfile

    try:
        with open_binary(path, MAX_ARCHIVE_BYTES) as (stream, _):
            tape = Tape(stream, where)
            archive = tarfile.TarFile(fileobj=cast(IO[bytes], tape))
            for member in archive:
                name = member.name.rpartition("/")[2]
                regular = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
                if regular and _FILE.fullmatch(name):
                    _check_size(f"{where}, file {name}", member.size)
                    yield name, tape.content(member.size)
            tape.end()  # so that gzip compares its checksum
    except DataError:
        raise
    except Exception as error:  # tarfile, gzip and zlib raise a dozen kinds on damaged input
        got = error or type(error).__name__
        raise DataError.expected(where, "a whole .tar.gz archive", got, "get the archive anew") from error


def _check_size(where: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise DataError.expected(where, f"a file of at most {MAX_FILE_BYTES} bytes", size)


def _read_records(where: str, raw: bytes) -> _Batch:
    if not raw or len(raw) % (1 + _PIXELS):
        expected = f"a positive multiple of {1 + _PIXELS} bytes"
        raise DataError.expected(where, expected, f"{len(raw)} bytes", "get the file anew")
    records = np.frombuffer(raw, np.uint8).reshape(-1, 1 + _PIXELS)
    return records[:, 1:], _checked_labels(where, records[:, 0].tolist())


def _read_pickled(where: str, raw: bytes) -> _Batch:
    tree = _read_dictionary(where, raw)
    data, labels = tree.get("data"), tree.get("labels")
    if not isinstance(data, PickledArray) or not isinstance(labels, list):
        got = ", ".join(f"{key} ({type(value).__name__})" for key, value in tree.items()) or "nothing"
        raise DataError.expected(where, "an array 'data' and a list 'labels'", got[:200])
    pixels = data.to_numpy(where)
    if pixels.shape != (len(labels), _PIXELS) or not labels:
        expected = f"data of shape (N, {_PIXELS}), N the number of labels and not 0"
        raise DataError.expected(where, expected, f"shape {pixels.shape} and {len(labels)} labels")
    return pixels, _checked_labels(where, labels)


def _read_names(where: str, name: str, raw: bytes) -> tuple[str, ...]:
    if name.endswith(".txt"):
        listed: object = raw.decode("latin-1").split()
    else:
        listed = _read_dictionary(where, raw).get("label_names")
    names = [_text(entry) for entry in listed] if isinstance(listed, list) else []
    are_text = all(isinstance(entry, str) and entry and is_text(entry) for entry in names)
    if len(names) != len(TARGET_NAMES) or not are_text:
        raise DataError.expected(where, "the names of ten classes", f"{len(names)} entries")
    return tuple(names)


def _read_dictionary(where: str, raw: bytes) -> dict[str, object]:
    tree = read_pickle(where, raw)
    if not isinstance(tree, dict):
        raise DataError.expected(where, "a pickled dictionary", type(tree).__name__)
    return {_text(key): value for key, value in tree.items()}


def _text(value: Any) -> Any:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _checked_labels(where: str, labels: list[Any]) -> Labels:
    for image, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(TARGET_NAMES):
            raise DataError.expected(where, "labels from 0 to 9", f"{shown(label)} for image {image}")
    return np.array(labels, np.int64)


def _batch_names(where: str, batches: Mapping[str, _Batch]) -> tuple[list[str], str]:
    """The names of one layout's training batches, in numeric order, and of its test batch."""
    suffix = ".bin" if any(name.endswith(".bin") for name in batches) else ""
    count = sum(name.startswith("data_batch_") and (not suffix or name.endswith(suffix)) for name in batches)
    wanted = [f"data_batch_{number}{suffix}" for number in range(1, max(count, 1) + 1)]
    missing = [name for name in (*wanted, f"test_batch{suffix}") if name not in batches]
    if missing:
        got = f"{', '.join(sorted(batches)) or 'no batch'} without {', '.join(missing)}"
        raise DataError.expected(where, "data_batch_1, ... and test_batch", got)
    return wanted, f"test_batch{suffix}"


def _joined(batches: dict[str, _Batch], names: list[str]) -> tuple[Array, Labels]:
    """The batches' images and labels in one array each; takes the batches out, to free each once copied."""
    labels = np.concatenate([batches[name][1] for name in names])
    pixels = np.empty((len(labels), _PIXELS), np.uint8)
    start = 0
    for name in names:
        part, _ = batches.pop(name)
        pixels[start : start + len(part)] = part
        start += len(part)
    return pixels.reshape(-1, 3, 32, 32), labels
