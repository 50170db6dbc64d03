"""The known data sets: where each comes from, what its files are, and how they make `Splits`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

# The readers are imported where they read: this file is in every start.
from minidl.data.dataset import Dataset
from minidl.data.splits import Splits, hold_out

_DIGITS = tuple("0123456789")
_CLOTHES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_IDX_BYTES = (47_040_016, 60_008, 7_840_016, 10_008)


class Source(NamedTuple):
    """Where a data set comes from, what its files are, and how they make `Splits`.

    `files` gives the SHA-256 of each file as it is downloaded, `wanted` says in words which files
    will do. `find` gives what `read` needs of a directory, or None where that does not hold the whole
    data set. `unpacked` gives size and MD5, as others have published them, of files that have no checksum
    of their own.
    """

    url: str
    files: Mapping[str, str]
    wanted: str
    find: Callable[[Path], list[Path] | None]
    read: Callable[[str, list[Path]], Splits]
    unpacked: Mapping[str, tuple[int, str]]


def _find_idx(directory: Path, torchvision: str) -> list[Path] | None:
    from minidl.data.readers.mnist import find_mnist

    return find_mnist(directory, _IDX_NAMES, torchvision)


def _read_idx_splits(name: str, paths: list[Path]) -> Splits:
    from minidl.data.readers.mnist import read_mnist

    train, test = read_mnist(paths, _CLOTHES if name == "fashion-mnist" else _DIGITS)
    return Splits(name, *hold_out(train, 5_000), test)


def _find_cifar10(directory: Path) -> list[Path] | None:
    from minidl.data.readers.cifar import find_cifar10

    path = find_cifar10(directory)
    return None if path is None else [path]


def _read_cifar10_splits(name: str, paths: list[Path]) -> Splits:
    from minidl.data.readers.cifar import read_cifar10

    arrays = read_cifar10(paths[0])
    train = Dataset(arrays.train_images, arrays.train_labels, target_names=arrays.target_names)
    test = Dataset(arrays.test_images, arrays.test_labels, target_names=arrays.target_names)
    return Splits(name, *hold_out(train, 1_000), test)


_IDX_WANTED = f"the files {', '.join(_IDX_NAMES)} (with dots for dashes and gzipped or not)"
_CIFAR10_WANTED = "cifar-10-binary.tar.gz, cifar-10-python.tar.gz or the folder that either unpacks to"


def _idx_source(torchvision: str, url: str, sha256: tuple[str, ...], md5: tuple[str, ...]) -> Source:
    files = {f"{name}.gz": digest for name, digest in zip(_IDX_NAMES, sha256, strict=True)}
    unpacked = dict(zip(_IDX_NAMES, zip(_IDX_BYTES, md5, strict=True), strict=True))
    find = functools.partial(_find_idx, torchvision=torchvision)
    return Source(url, files, _IDX_WANTED, find, _read_idx_splits, unpacked)


SOURCES = {
    "fashion-mnist": _idx_source(
        "FashionMNIST",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    "mnist": _idx_source(
        "MNIST",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        _CIFAR10_WANTED,
        _find_cifar10,
        _read_cifar10_splits,
        {
            "data_batch_1": (31_035_704, "c99cafc152244af753f735de768cd75f"),
            "data_batch_2": (31_035_320, "d4bba439e000b95fd0a9bffe97cbabec"),
            "data_batch_3": (31_035_999, "54ebc095f3ab1f0389bbae665268c751"),
            "data_batch_4": (31_035_696, "634d18415352ddfa80567beed471001a"),
            "data_batch_5": (31_035_623, "482c414d41f54cd18b22e5b47cb7c3cb"),
            "test_batch": (31_035_526, "40351d587109b95175f43aff81a1287e"),
        },
    ),
}
