"""A disk that is full or gone while a file is written."""

import errno
import io
import os
import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests.faults.kills import names

STAGES = ["open", "write", "flush", "fsync", "close", "rename"]


class _Full(io.FileIO):
    """A file on a full disk: without room, for what is written or only for what closing writes."""

    full_at = "write"

    def write(self, data):
        if self.full_at in ("write", "flush"):
            raise _no_space()
        return super().write(data)

    def close(self):
        was_open = not self.closed
        super().close()
        if was_open and self.full_at == "close":
            raise _no_space()


def full_disk(kind, count=1, seed=0):
    """The disk is full at each stage of a save: the error names the file, the old one stays, and no other."""
    for stage in STAGES * count:
        with TemporaryDirectory() as folder:
            path = Path(folder) / f"file{kind.suffix}"
            kind.write(path, 0)
            before = path.read_bytes()
            error = _error_of(kind, path, stage)
            assert error.errno == errno.ENOSPC, (stage, error)
            assert error.filename == str(path), (stage, error)
            assert path.read_bytes() == before, stage
            assert names(folder) == [path.name], stage


def directory_removed(kind, count=1, seed=0):
    """The directory goes while the file is written: an error that names the file."""
    for _ in range(count):
        with TemporaryDirectory() as folder:
            runs = Path(folder) / "runs"
            runs.mkdir()
            path = runs / f"file{kind.suffix}"
            with patch("os.fsync", partial(_remove, runs)):
                error = _os_error(partial(kind.write, path, 0))
            assert isinstance(error, FileNotFoundError)
            assert error.filename == str(path)
            assert not names(folder)


def _remove(directory, descriptor):
    shutil.rmtree(directory)


def _error_of(kind, path, stage):
    def fail(*arguments, **options):
        raise _no_space()

    real_open = os.open
    with ExitStack() as stack:
        if stage == "open":

            def refuse(name, flags, *mode):  # the directory is opened only to be synced
                return fail() if flags & os.O_CREAT else real_open(name, flags, *mode)

            stack.enter_context(patch("os.open", refuse))
        elif stage == "fsync":
            stack.enter_context(patch("os.fsync", fail))
        elif stage == "rename":
            stack.enter_context(patch("os.replace", fail))
        else:
            size = 1 if stage == "write" else 1 << 24  # without a buffer to speak of, or all in one

            def opened(descriptor, mode):
                raw = _Full(descriptor, mode)
                raw.full_at = stage
                return io.BufferedWriter(raw, size)

            stack.enter_context(patch("os.fdopen", opened))
        return _os_error(partial(kind.write, path, 1))


def _os_error(work):
    try:
        work()
    except OSError as error:
        return error
    raise AssertionError("no error")


def _no_space():
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
