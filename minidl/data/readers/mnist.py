"""MNIST and its kin: four IDX files, under the names and in the folders where they are found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from minidl.data.dataset import Dataset
from minidl.data.readers.idx import read_idx
from minidl.errors import DataError


def find_mnist(directory: Path, names: Sequence[str], torchvision: str) -> list[Path] | None:
    """The files of these `names` in `directory` or where torchvision puts them below it; else None.

    Names may differ in case and punctuation, as in ``train-images.idx3-ubyte``, and end in ``.gz``.
    Of two files of one name the unpacked one is taken.
    """
    for folder in (directory, directory / "raw", directory / torchvision / "raw"):
        files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
        files.sort(key=lambda path: (path.suffix.lower() != ".gz", path.name in names, path.name))
        found = {bare(path.name).removesuffix("gz"): path for path in files}  # the last one wins
        paths = [found.get(bare(name)) for name in names]
        if all(paths):
            return [path for path in paths if path]
    return None


def read_mnist(paths: Sequence[Path], target_names: tuple[str, ...]) -> tuple[Dataset, Dataset]:
    """The training and the test part: each an images file and a labels file of `paths`.

    Raises
    ------
    DataError
        The files are damaged or foreign, or do not belong together.
    """
    train_images, train_labels, test_images, test_labels = paths
    train = _read_pair(train_images, train_labels, target_names)
    return train, _read_pair(test_images, test_labels, target_names)


def _read_pair(images: Path, labels: Path, target_names: tuple[str, ...]) -> Dataset:
    arrays = read_idx(images, ndim=3), read_idx(labels, ndim=1)
    try:
        return Dataset(*arrays, target_names=target_names)
    except DataError as error:
        raise DataError(f"{str(images)!r} and {labels.name!r}: {error}") from None


def bare(name: str) -> str:
    """A name without case and punctuation, by which its forms in the wild are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
