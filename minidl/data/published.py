"""Whether files of the known data sets that have no checksum are those that were published."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from minidl.data.readers.mnist import bare
from minidl.files import open_regular


def warn_of_others(name: str, published: Mapping[str, tuple[int, str]], paths: Sequence[Path]) -> None:
    """Warn of a file with the name and size of one that is `published` (size and MD5) and other content.

    It may be damaged; or it belongs to another data set that is published under the same names, as KMNIST
    is under MNIST's, so it is read all the same. A gzipped file is none of these: gzip compares its own
    checksum. Files of other sizes are somebody's own.
    """
    known = {bare(name): content for name, content in published.items()}
    for path in (
        file for place in paths for file in (sorted(place.iterdir()) if place.is_dir() else [place])
    ):
        size, digest = known.get(bare(path.name), (-1, ""))
        if not path.is_file() or path.stat().st_size != size:
            continue
        with open_regular(path) as file:
            found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False))  # type: ignore[arg-type]
        if found.hexdigest() != digest:
            told = f"{os.fspath(path)!r} is not the file of {name} that was published (MD5 {digest}): it is"
            warnings.warn(f"{told} damaged, or of another data set with the same file names", stacklevel=3)
