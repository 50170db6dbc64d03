"""Temporary files that take another's place when they are complete, and those that killed writers left."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_NAME = re.compile(r"\.minidl-[0-9a-f]{16}\.tmp")
_BINARY = getattr(os, "O_BINARY", 0)  # Windows'


@contextmanager
def open_temporary(directory: Path, mode: int) -> Iterator[tuple[Path, int]]:
    """A new file in `directory` and a descriptor to write to it; gone at the end, unless it was renamed.

    Until then it is locked, which says that its writer lives: the lock ends with the process, however
    that ends. A child that is forked meanwhile inherits the lock, and keeps it for as long as it lives.
    """
    remove_strays(directory)
    path, descriptor = _create(directory, mode)
    try:
        yield path, descriptor
    finally:
        os.close(descriptor)
        with suppress(OSError):  # it has its name, or its directory is gone or no longer writable
            path.unlink()


def _create(directory: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = new_name(directory)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        except OSError as error:
            raise OSError(error.errno, error.strerror) from None  # the name means nothing to the user
        with suppress(OSError):  # the file system knows no locks: then strays stay there
            _lock(descriptor, wait=True)
        with suppress(FileNotFoundError):  # another writer took it for a stray before it was locked
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                return path, descriptor
        os.close(descriptor)


def new_name(directory: Path) -> Path:
    """What a temporary file is called: not after its target, whose name may be as long as one can be."""
    return directory / f".minidl-{os.urandom(8).hex()}.tmp"


def remove_strays(directory: Path) -> None:
    """Remove the temporary files whose writers were killed, as far as they can be told and removed.

    Where files cannot be locked, as on Windows and some network file systems, nothing tells them.
    """
    strays: list[Path] = []
    # A directory may be writable and not readable.
    with suppress(OSError), os.scandir(directory) as entries:
        named = (each for each in entries if each.name[:8] == ".minidl-" and _NAME.fullmatch(each.name))
        strays = [Path(each.path) for each in named if each.is_file(follow_symlinks=False)]
    for path in strays:
        with suppress(OSError):
            _remove_if_stray(path)


def _remove_if_stray(path: Path) -> None:
    """Raises OSError for a file whose writer lives, and for one that may not be removed."""
    try:
        # Some network file systems lock only what is open for writing.
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except PermissionError:  # of a file that took on a mode of read only
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    try:
        _lock(descriptor, wait=False)
        path.unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, *, wait: bool) -> None:
    try:
        import fcntl
    except ImportError as error:  # on Windows
        raise OSError(str(error)) from error
    fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
