"""`load`: the known data sets by name, wherever they lie, and one's own `.npz` and `.csv` files by path.

Files that a user or a distribution has placed are read as they are, with a warning where one has the
size of the published file but not its hash; what is downloaded is checked by its SHA-256.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from minidl.advice import closest, shown
from minidl.data.sources import SOURCES, Source
from minidl.data.splits import Splits
from minidl.errors import DataError
from minidl.files import as_path  # the readers are imported where they read: this file is in every start
from minidl.tables import listed

if TYPE_CHECKING:
    from minidl.data.layout import Categories, Target

DATASETS = ("digits", "fashion-mnist", "mnist", "cifar10")
SYSTEM = Path("/usr/share/datasets")
SUFFIXES = (".npz", ".csv", ".csv.gz")


def load(
    name: str | os.PathLike[str],
    directory: str | os.PathLike[str] | None = None,
    *,
    target: Target | None = None,
    task: str | None = None,
    categories: Categories | None = None,
    drop: Sequence[Target] = (),
) -> Splits:
    """Load a data set: its training, validation and test part.

    ============== ===================================== ================== ==========================
    name           images, uint8                         validation part    source
    ============== ===================================== ================== ==========================
    digits         1,797 of (8, 8), values 0 to 16       a tenth            UCI, bundled
    fashion-mnist  70,000 of (28, 28)                    the last 5,000     Xiao, Rasul, Vollgraf 2017
    mnist          70,000 of (28, 28)                    the last 5,000     LeCun, Cortes, Burges 1998
    cifar10        60,000 of (3, 32, 32)                 the last 1,000     Krizhevsky 2009
    PATH.npz       `x_train`, `y_train`, ...             see below          your own
    PATH.csv       a table, gzipped (.csv.gz) or not     see below          your own
    ============== ===================================== ================== ==========================

    The validation part is cut off the end of the official training part, never more than a tenth
    of it. An `.npz` file may also hold `x_validation`, `y_validation`, `x_test`, `y_test` and
    `target_names`, and `weights_train` and its like; integers in `y_train` are labels, floats are
    numbers to predict. Without a validation part a tenth of the training part (at most 5,000) becomes
    one. It is drawn from each class in proportion, so the file may be sorted, and is the same every
    time; each class keeps a sample to train on.

    A `.csv` file holds a row a sample, with a header or without; separated by commas, semicolons or
    tabs; a column of targets, and else columns of numbers, which become float32, or of words, which
    become the codes of categories (`Dataset.columns` says which). A missing number is an error that
    names line and column; a missing word is a category. Targets are classes where they are words, or
    whole numbers, up to 30 different ones; else they are numbers to predict, of shape (N, 1). The file
    makes a training part and a validation part drawn from it (class by class, the same every time; a
    tenth, at most 5,000), and no test part.

    Parameters
    ----------
    name : str or path
        One of the names above, or a path that ends in `.npz`, `.csv` or `.csv.gz`.
    directory : str or path, optional
        Where the files lie; then no other place is tried. For `cifar10` it may also be the path of
        an official archive. Without it: `$MINIDL_DATA` (or the data set's name below it), the
        cache (`$XDG_CACHE_HOME` or `~/.cache`, then `minidl/NAME`), `/usr/share/datasets/NAME`,
        and at last a download into the cache, which needs the extra `data`.
    target : str or int, optional
        A table's column of targets: its name, or its position counted from 0. The last by default.
    task : "classes" or "numbers", optional
        What a table's targets are, where the rule above is wrong.
    categories : sequence of str or int, optional
        A table's columns of categories beside those of words: whole numbers that are codes. Or a mapping
        of name to categories, in the order of their codes, for all columns that have some.
    drop : sequence of str or int
        A table's columns to leave out, such as names and free text.

    Raises
    ------
    DataError
        The name is unknown; the files are missing, damaged or foreign; the download failed.
    """
    if not isinstance(name, (str, os.PathLike)):
        raise DataError.expected("load", "a data set's name or a path", shown(name))
    name = os.fspath(name)
    where = f"load({name!r})"
    folder = None if directory is None else as_path(where, directory)
    if is_csv(name):
        from minidl.data.csv import read_csv

        path = Path(folder or "", as_path(where, name))
        return read_csv(path, stem(name), target, task=task, categories=categories, drop=drop)
    if target is not None:
        raise DataError.expected(where, "a target column of a .csv file only", repr(target), "leave it out")
    for option, value, default in (
        ("task", task, None),
        ("categories", categories, None),
        ("drop", drop, ()),
    ):
        if value is not default:
            raise DataError.expected(where, f"{option} for a .csv file only", shown(value), "leave it out")
    if is_path(name):
        from minidl.data.npz import read_npz

        return read_npz(Path(folder or "", as_path(where, name)))
    if name not in DATASETS:
        expected = f"one of {', '.join(DATASETS)} or a path that ends in .npz, .csv or .csv.gz"
        remedy, near = "", closest(name.lower(), DATASETS)
        if name.lower().endswith(".npy"):
            remedy = "put it into one: np.savez('mine.npz', x=array) to predict, x_train and y_train to train"
        elif near:
            remedy = f"did you mean {near!r}?"
        raise DataError.expected(where, expected, repr(name), remedy)
    try:
        if name == "digits":
            from minidl.data.digits import BUNDLED, load_digits

            return load_digits(BUNDLED if folder is None else folder / BUNDLED.name)
        from minidl.data.published import warn_of_others

        source = SOURCES[name]
        paths = _find(where, name, source, folder)
        warn_of_others(name, source.unpacked, paths or ())
        return source.read(name, paths or _download(where, name, source))
    except OSError as error:
        raise DataError.expected(where, "a readable directory", error) from error


def is_path(name: str) -> bool:
    """Whether `name` is the path of a file that `load` reads, and no data set's name."""
    return name.lower().endswith(SUFFIXES)


def is_csv(name: str) -> bool:
    """Whether `name` is the path of a table."""
    return name.lower().endswith(SUFFIXES[1:])


def stem(name: str) -> str:
    """A data set's name: that of a file without its suffix, ``mine`` for ``there/mine.csv.gz``."""
    suffix = next((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), "")
    return Path(name[: len(name) - len(suffix)]).name if suffix else name


def _find(where: str, name: str, source: Source, directory: Path | None) -> list[Path] | None:
    if directory is None:
        found = (source.find(place) for place in _places(name))
        return next((paths for paths in found if paths), None)
    paths = source.find(directory)
    if not paths:
        expected = f"{source.wanted} in {str(directory)!r}"
        got = _contents(directory) if directory.is_dir() else "no such directory"
        raise DataError.expected(where, expected, got, f"get them from {source.url}")
    return paths


def _contents(directory: Path) -> str:
    """What a directory holds, for a message: the first names of it."""
    names = sorted(path.name + "/" * path.is_dir() for path in directory.iterdir())
    return f"one that holds {listed(names) or 'nothing'}"


def _places(name: str) -> Iterator[Path]:
    """The directories where a data set may lie, in the order of the search."""
    own = os.environ.get("MINIDL_DATA")
    if own:
        root = as_path("MINIDL_DATA", own)
        yield root / name
        # MNIST's and Fashion-MNIST's files are named alike; torchvision puts each into a folder "raw".
        named = root.parent.name if root.name == "raw" else root.name
        others = {other.replace("-", "") for other in DATASETS if other != name}
        if named.lower().replace("-", "") not in others:
            yield root
    yield _cache(name)
    yield SYSTEM / name


def _cache(name: str) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "minidl" / name


def _download(where: str, name: str, source: Source) -> list[Path]:
    cache = _cache(name)
    own = os.environ.get("MINIDL_DATA")
    place = as_path("MINIDL_DATA", own) if own else None
    held = f" ({_contents(place)})" if place and place.is_dir() else ""
    expected = f"{source.wanted} in $MINIDL_DATA{held}, {str(cache)!r} or {str(SYSTEM / name)!r}"
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
