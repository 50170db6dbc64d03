"""A directory that one command at a time writes to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".minidl.lock"
_TRIES = 100  # of those that find the file removed while they lock it


@contextmanager
def held(directory: Path) -> Iterator[bool]:
    """Make `directory` and keep others out of it within the ``with``; gives False where another does so.

    The system keeps the lock, which ends with its process, however that ends; the file that a killed
    one leaves behind locks nothing. Where there are no locks (Windows, some network file systems),
    nobody is kept out. What was made here and is still empty in the end is removed again.
    """
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    descriptor = None
    try:
        descriptor = _lock(directory)
        yield descriptor is not None
    finally:
        if descriptor is not None:
            with suppress(OSError):
                (directory / LOCK).unlink()  # while it is locked: who waits for it finds a new one
            os.close(descriptor)
        with suppress(OSError):
            for path in made:
                path.rmdir()


def _lock(directory: Path) -> int | None:
    """A descriptor that holds the lock as long as it is open; None if another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        directory.mkdir(parents=True, exist_ok=True)
        return os.open(os.devnull, os.O_RDWR)
    for tries_left in reversed(range(_TRIES)):
        directory.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # removed again, by the one that made it
            if tries_left:
                continue
            raise
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:  # a file system without locks
            return descriptor
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), (directory / LOCK).stat()):
                return descriptor
        os.close(descriptor)  # of a file that was removed before it was locked
    return None
