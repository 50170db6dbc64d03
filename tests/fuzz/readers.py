"""The table of readers: what valid files look like, what mutated ones become, and what reads them."""

import gzip
import io
import pickle
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse

from minidl.data.csv import read_csv
from minidl.data.digits import read_digits
from minidl.data.npz import read_npz, read_samples, read_unsplit
from minidl.data.readers.cifar import read_cifar10
from minidl.data.readers.idx import read_idx
from minidl.data.readers.pickles import read_pickle
from tests.data.readers import test_cifar
from tests.fuzz import mutation, own


class Reader(NamedTuple):
    """`seeds` are valid, and `mutate` changes them; `wrap` makes a file of what comes
    out, with right checksums.

    `read` gets the file's path, or the file's bytes where `takes_bytes`. What it does not raise as a
    `MinidlError` is a fault.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    wrap: Callable[[bytes], bytes] = bytes
    name: str = "input"
    takes_bytes: bool = False
    mutate: Callable[[bytes, list[bytes], random.Random], bytes] = mutation.mutate


def _saved(save, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def _npz():
    x, y = np.arange(24, dtype=np.float32).reshape(12, 2), np.arange(12) % 3
    csr = scipy.sparse.csr_array(np.eye(12, 3, dtype=np.float32))
    parts = {f"x_train_{part}": getattr(csr, part) for part in ("data", "indices", "indptr", "shape")}
    names = np.array(["a", "b", "c"])
    return [
        _saved(save, **arrays)
        for save in (np.savez, np.savez_compressed)
        for arrays in (
            {"x_train": x, "y_train": y, "target_names": names, "weights_train": np.ones(12)},
            {"x_train": np.asfortranarray(x.astype(">f8")), "y_train": y.astype(">i2"), "x": x > 3, "y": y},
            {**parts, "y_train": y},
        )
    ]


def _read_npz(path):
    first: Exception | None = None
    for read in (read_npz, read_unsplit, read_samples):
        try:
            read(path)
        except ValueError as error:
            if not hasattr(error, "expected"):
                raise
            first = first or error
    if first:
        raise first


_LABELS, _NAMES = np.arange(12) % 2, np.array(["a", "ü"])
_DENSE = {"x_train": np.ones((12, 2), ">f8"), "y_train": _LABELS, "target_names": _NAMES}
_PARTS = {
    "data": np.ones(12),
    "indices": np.arange(12) % 5,
    "indptr": np.arange(13),
    "shape": np.array([12, 5]),
}
_SPARSE = {f"x_train_{part}": array for part, array in _PARTS.items()} | {"y_train": _LABELS}


def _as_npy(array, version=(1, 0)):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def _npy():
    """Members of files of arrays, each led by a byte that says which."""
    arrays = [*_DENSE.values(), *_SPARSE.values()]
    return [
        bytes([place]) + _as_npy(array, (version, 0))
        for place, array in enumerate(arrays)
        for version in (1, 2)
    ]


def _as_member(marked):
    """The file of arrays in which one is replaced."""
    place = marked[0] % (len(_DENSE) + len(_SPARSE)) if marked else 0
    arrays = _DENSE if place < len(_DENSE) else _SPARSE
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, (name, array) in enumerate(arrays.items(), 0 if arrays is _DENSE else len(_DENSE)):
            archive.writestr(f"{name}.npy", marked[1:] if number == place else _as_npy(array))
    return file.getvalue()


def _idx():
    arrays = [np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.arange(5, dtype=np.uint8)]
    return [
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        for array in arrays
    ]


def _gzip(content):
    return gzip.compress(content, 1, mtime=0)


def _csv():
    rows = "".join(f"{n},{n % 7 / 2},{'red' if n % 3 else 'blue'},{'ab'[n % 2]}\n" for n in range(30))
    quoted = "".join(f'"{n}";"a ""b"", {n % 3}";1e-{n % 9};"x{n % 2}";{n % 3}\n' for n in range(12))
    dates = "".join(f"{1_700_000_000 + n}\t{n % 5}\t{n / 7}\r\n" for n in range(12))
    return [
        f"length,width,colour,kind\n{rows}".encode(),
        rows.encode(),
        f"a;b;c;d;e\n{quoted}".encode(),
        b"\xef\xbb\xbf" + dates.encode(),
        "größe,μ\n1,ä\n2,ö\n3,ä\n4,ö\n".encode(),
    ]


def _read_csv(path):
    return read_csv(path, "mine")


def _digits():
    return [b"".join(b",".join(b"%d" % (n % 17) for n in range(64)) + b",%d\n" % (k % 10) for k in range(12))]


_TRAIN, _TEST = test_cifar.batch(2, 1), test_cifar.batch(1, 2)


def _binary():
    return [test_cifar.binary(*_TRAIN), bytes(3073 * 2)]


def _pickled():
    return [test_cifar.pickled(*_TRAIN, form) for form in test_cifar.PICKLE_FORMS]


def _small_pickles():
    rng = np.random.default_rng(0)
    trees = [
        {
            b"data": rng.integers(0, 9, (2, 3)).astype(np.uint8),
            "labels": [1, 2],
            "names": ["a", "ü", b"\xff"],
        },
        {"label_names": ["x"] * 3, "n": (1, 2.5, None, True, 10**30)},
    ]
    return [pickle.dumps(tree, form) for tree in trees for form in range(5)]


def _in_folder(name, test, test_content):
    def read(path):
        path.rename(path.with_name(name))
        path.with_name(test).write_bytes(test_content)
        return read_cifar10(path.parent)

    return read


def _tar():
    contents = {name: content[: 3073 * 2] for name, content in test_cifar.files([1, 1], "binary").items()}
    found = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as tar:
            for name, content in contents.items():
                info = tarfile.TarInfo("a/" + "ü" * 120 * (form != tarfile.USTAR_FORMAT) + "/" + name)
                info.size, info.mtime = len(content), 1.5 if form == tarfile.PAX_FORMAT else 0
                tar.addfile(info, io.BytesIO(content))
        found.append(file.getvalue())
    return found


def _with_sums(tar):
    """The archive with the checksum of each block that may be a header, so that tarfile reads on."""
    data = bytearray(tar)
    for start in range(0, len(data) - 511, 512):
        block = data[start : start + 512]
        if block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            data[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    return bytes(data)


READERS = {
    "npz": Reader(_npz, _read_npz, name="input.npz"),
    "npz-member": Reader(_npy, _read_npz, _as_member, name="input.npz"),
    "idx": Reader(_idx, read_idx),
    "idx-gzipped": Reader(lambda: list(map(_gzip, _idx())), read_idx),
    "idx-within-gzip": Reader(_idx, read_idx, _gzip),
    "csv": Reader(_csv, _read_csv, name="input.csv"),
    "csv-gzipped": Reader(lambda: list(map(_gzip, _csv())), _read_csv, name="input.csv.gz"),
    "csv-within-gzip": Reader(_csv, _read_csv, _gzip, name="input.csv.gz"),
    "digits": Reader(_digits, read_digits),
    "cifar-binary": Reader(
        _binary, _in_folder("data_batch_1.bin", "test_batch.bin", test_cifar.binary(*_TEST))
    ),
    "cifar-python": Reader(_pickled, _in_folder("data_batch_1", "test_batch", test_cifar.pickled(*_TEST))),
    "cifar-tar": Reader(_tar, read_cifar10, _with_sums),
    "cifar-tar-gzipped": Reader(lambda: list(map(_gzip, _tar())), read_cifar10),
    "cifar-tar-within-gzip": Reader(_tar, read_cifar10, lambda content: _gzip(_with_sums(content))),
    "pickle": Reader(_small_pickles, lambda raw: read_pickle("here", raw), takes_bytes=True),
    **own.rows(Reader),
}
