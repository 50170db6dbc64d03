"""`load`: the known data sets by name, wherever they lie, and one's own `.npz` files by path.

Files that a user or a distribution has placed are read as they are; what is downloaded is checked
by its SHA-256.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from minidl.data.dataset import Dataset, Splits, hold_out
from minidl.errors import DataError
from minidl.files import as_path  # the readers are imported where they read: this file is in every start

DATASETS = ("digits", "fashion-mnist", "mnist", "cifar10")
SYSTEM = Path("/usr/share/datasets")

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


class Source(NamedTuple):
    """Where a data set comes from, what its files are, and how they make `Splits`.

    `files` gives the SHA-256 of each file as it is downloaded, `wanted` says in words which files
    will do. `find` gives what `read` needs of a
    directory, or None where that does not hold the whole data set.
    """

    url: str
    files: Mapping[str, str]
    wanted: str
    find: Callable[[Path], list[Path] | None]
    read: Callable[[str, list[Path]], Splits]


def load(name: str | os.PathLike[str], directory: str | os.PathLike[str] | None = None) -> Splits:
    """Load a data set: its training, validation and test part.

    ============== ===================================== ================== ==========================
    name           images, uint8                         validation part    source
    ============== ===================================== ================== ==========================
    digits         1,797 of (8, 8), values 0 to 16       a tenth            UCI, bundled
    fashion-mnist  70,000 of (28, 28)                    the last 5,000     Xiao, Rasul, Vollgraf 2017
    mnist          70,000 of (28, 28)                    the last 5,000     LeCun, Cortes, Burges 1998
    cifar10        60,000 of (3, 32, 32)                 the last 1,000     Krizhevsky 2009
    PATH.npz       `x_train`, `y_train`, ...             see below          your own
    ============== ===================================== ================== ==========================

    The validation part is cut off the end of the official training part, never more than a tenth
    of it. An `.npz` file may also hold `x_validation`, `y_validation`, `x_test`, `y_test` and
    `target_names`; without a validation part the last tenth of the training part (at most 5,000)
    becomes one, so shuffle before saving.

    Parameters
    ----------
    name : str or path
        One of the names above, or a path that ends in `.npz`.
    directory : str or path, optional
        Where the files lie; then no other place is tried. For `cifar10` it may also be the path of
        an official archive. Without it: `$MINIDL_DATA` (or the data set's name below it), the
        cache (`$XDG_CACHE_HOME` or `~/.cache`, then `minidl/NAME`), `/usr/share/datasets/NAME`,
        and at last a download into the cache, which needs the extra `data`.

    Raises
    ------
    DataError
        The name is unknown; the files are missing, damaged or foreign; the download failed.
    """
    name = os.fspath(name)
    where = f"load({name!r})"
    folder = None if directory is None else as_path(where, directory)
    if name.lower().endswith(".npz"):
        from minidl.data.npz import read_npz

        return read_npz(Path(folder or "", as_path(where, name)))
    if name not in DATASETS:
        expected = f"one of {', '.join(DATASETS)} or a path that ends in .npz"
        raise DataError.expected(where, expected, repr(name))
    try:
        if name == "digits":
            from minidl.data.digits import BUNDLED, load_digits

            return load_digits(BUNDLED if folder is None else folder / BUNDLED.name)
        source = SOURCES[name]
        paths = _find(where, name, source, folder)
        return source.read(name, paths or _download(where, name, source))
    except OSError as error:
        raise DataError.expected(where, "a readable directory", error) from error


def _find(where: str, name: str, source: Source, directory: Path | None) -> list[Path] | None:
    if directory is None:
        found = (source.find(place) for place in _places(name))
        return next((paths for paths in found if paths), None)
    paths = source.find(directory)
    if not paths:
        expected = f"{source.wanted} in {str(directory)!r}"
        got = "a directory without them" if directory.is_dir() else "no such directory"
        raise DataError.expected(where, expected, got, f"get them from {source.url}")
    return paths


def _places(name: str) -> Iterator[Path]:
    """The directories where a data set may lie, in the order of the search."""
    own = os.environ.get("MINIDL_DATA")
    if own:
        root = as_path("MINIDL_DATA", own)
        yield root / name
        if root.name not in {*DATASETS} - {name}:  # MNIST's and Fashion-MNIST's files are named alike
            yield root
    yield _cache(name)
    yield SYSTEM / name


def _cache(name: str) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "minidl" / name


def _download(where: str, name: str, source: Source) -> list[Path]:
    cache = _cache(name)
    expected = f"{source.wanted} in $MINIDL_DATA, {str(cache)!r} or {str(SYSTEM / name)!r}"
    remedy = f"get them from {source.url} and put them there, or name their place: load({name!r}, directory)"
    try:
        pooch = importlib.import_module("pooch")
    except ImportError as error:
        got = "none of them, and no pooch to download them with"
        remedy += "; or let minidl download them: pip install 'minidl[data]'"
        raise DataError.expected(where, expected, got, remedy) from error
    try:
        for file, sha256 in source.files.items():
            if not (cache / file).is_file():
                url, digest = source.url + file, f"sha256:{sha256}"
                pooch.retrieve(url, digest, fname=file, path=cache, progressbar=True)
    except Exception as error:  # no network, another hash, a full disk: each library raises its own
        got = f"a download that failed ({type(error).__name__}: {error})"
        raise DataError.expected(where, expected, got, remedy) from error
    return source.find(cache) or []


def _find_idx(directory: Path) -> list[Path] | None:
    paths = [_either(directory / name) for name in _IDX_NAMES]
    return [path for path in paths if path] if all(paths) else None


def _either(path: Path) -> Path | None:
    """The file, or its gzipped form, whichever is there."""
    return next((file for file in (path, path.with_name(path.name + ".gz")) if file.is_file()), None)


def _read_idx_splits(name: str, paths: list[Path]) -> Splits:
    target_names = _CLOTHES if name == "fashion-mnist" else _DIGITS
    train, test = (_read_idx_pair(images, labels, target_names) for images, labels in (paths[:2], paths[2:]))
    return Splits(name, *hold_out(train, 5_000), test)


def _read_idx_pair(images: Path, labels: Path, target_names: tuple[str, ...]) -> Dataset:
    from minidl.data.idx import read_idx

    arrays = read_idx(images, ndim=3), read_idx(labels, ndim=1)
    try:
        return Dataset(*arrays, target_names=target_names)
    except DataError as error:
        raise DataError(f"{str(images)!r} and {labels.name!r}: {error}") from None


def _find_cifar10(directory: Path) -> list[Path] | None:
    from minidl.data.cifar import find_cifar10

    path = find_cifar10(directory)
    return None if path is None else [path]


def _read_cifar10_splits(name: str, paths: list[Path]) -> Splits:
    from minidl.data.cifar import read_cifar10

    arrays = read_cifar10(paths[0])
    train = Dataset(arrays.train_images, arrays.train_labels, target_names=arrays.target_names)
    test = Dataset(arrays.test_images, arrays.test_labels, target_names=arrays.target_names)
    return Splits(name, *hold_out(train, 1_000), test)


_IDX_WANTED = f"the files {', '.join(_IDX_NAMES)} (or these gzipped)"
_CIFAR10_WANTED = "cifar-10-binary.tar.gz, cifar-10-python.tar.gz or the folder that either unpacks to"


def _idx_source(url: str, *digests: str) -> Source:
    files = {f"{name}.gz": digest for name, digest in zip(_IDX_NAMES, digests, strict=True)}
    return Source(url, files, _IDX_WANTED, _find_idx, _read_idx_splits)


SOURCES = {
    "fashion-mnist": _idx_source(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    "mnist": _idx_source(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    "cifar10": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        _CIFAR10_WANTED,
        _find_cifar10,
        _read_cifar10_splits,
    ),
}
