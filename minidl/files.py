"""Files: the paths that users give, writing whole or not at all, and JSON that every parser reads."""

from __future__ import annotations

import errno
import io
import math
import operator
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from minidl.errors import CheckpointError, ConfigurationError
from minidl.temporaries import open_temporary

MAX_JSON_BYTES, MAX_DEPTH = 1 << 26, 400
"""What a JSON text may take of memory beside twice its length, and how deep it may be nested."""

_REFUSALS = {
    errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM,
}  # fmt: skip
"""What fsync answers where file system or platform know none, of directories or at all."""


def as_path(where: str, path: object) -> Path:
    """The path that a user gave, ``~`` expanded; `ConfigurationError` for what is none."""
    if not isinstance(path, (str, os.PathLike)) or path == "" or "\0" in str(path):
        raise ConfigurationError.expected(where, "a path, such as 'runs/net.npz'", repr(path))
    with suppress(RuntimeError):  # no such user, as in ~$draft.csv: then it is a name
        return Path(path).expanduser()
    return Path(path)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file that takes the name `path` only once it is complete and on the disk.

    It is written beside its place, flushed, fsynced and renamed; whatever stood there before stays
    until then, and after an error. The new file has the mode of the one that it replaces, and its
    owner where the system allows that; a symbolic link stays, and its target is replaced. What is no
    plain file, such as a pipe or ``/dev/stdout``, is written to, in one go at the end.
    """
    path = as_path("file to write", path)
    try:
        before = path.stat()
    except FileNotFoundError:
        before = None
    target = path.resolve()
    temporary = None
    try:
        own = _descriptor(path)
        if before and (own is not None or not stat.S_ISREG(before.st_mode)):
            content = io.BytesIO()
            yield content
            # A duplicate goes on where the process's own output stands; opened anew, that is cut off.
            with path.open("wb") if own is None else os.fdopen(os.dup(own), "wb") as stream:
                stream.write(content.getvalue())
            return
        # Nobody reads what is being written who may not read what it replaces.
        with open_temporary(target.parent, 0o600 if before else 0o666) as (temporary, descriptor):
            # Of a duplicate: closing may fail, so it comes before the renaming, which the lock outlasts.
            with os.fdopen(os.dup(descriptor), "wb") as file:
                if before:
                    _take_on(temporary, before)
                yield file
                file.flush()
                sync(file.fileno())
            _rename(temporary, target)
        sync_directory(target.parent)
    except OSError as error:
        if error.errno is None or str(error.filename) not in ("None", str(temporary)):
            raise  # not of this file, but of what makes its content
        # The user named `path`; the temporary name would only puzzle.
        raise OSError(error.errno, error.strerror, str(path)) from error


def _descriptor(path: Path) -> int | None:
    """The number of this process's open file that `path` is a name of, as ``/dev/stdout`` is."""
    folders = [Path(folder).resolve() for folder in ("/dev/fd", "/proc/self/fd")]
    while not (path.name.isdecimal() and path.parent.resolve() in folders):
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return int(path.name)


def _take_on(file: Path, before: os.stat_result) -> None:
    """Give `file` the owner and the mode of the one that it will replace, where that is allowed."""
    if hasattr(os, "chown"):  # not on Windows
        for owner in (before.st_uid, -1):
            with suppress(OSError):
                os.chown(file, owner, before.st_gid)
                break
    with suppress(OSError):  # some file systems know no modes
        file.chmod(stat.S_IMODE(before.st_mode))


def _rename(file: Path, target: Path) -> None:
    try:
        file.replace(target)
    except PermissionError as error:  # what Windows answers while another program has the file open
        told = f"{error.strerror} to replace it; is it open in another program, or protected?"
        raise PermissionError(error.errno, told, str(file)) from error


def sync(descriptor: int) -> None:
    """Have what was written on the disk, where the file system knows how."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise


def sync_directory(directory: Path) -> None:
    """Have the names in a directory on the disk, where platform and file system know how.

    Windows opens no directory, and some network file systems open or sync none: what was made or
    renamed in it counts as done.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def plain_number(value: Any) -> int | float:
    """Python's own int or float for a number of any kind; TypeError or ValueError for what is none."""
    if value.__class__ in (float, int):
        return value
    try:
        return int(operator.index(value))  # of an int's subclass, too
    except TypeError:
        pass
    try:
        return float(value)
    except OverflowError:  # a Fraction's
        return math.inf if value > 0 else -math.inf


def to_json(value: object, *, indent: int | None = None) -> str:
    """`value` as JSON: numbers of every kind are plain ones, and what is not finite is null."""
    import json  # here, for it would double the time that `import minidl` takes

    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy's
        value = value.tolist()
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    number = plain_number(value)
    return number if isinstance(number, int) or math.isfinite(number) else None


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; OSError for anything else, such as a pipe, which might never end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "a directory, where a file is wanted" if stat.S_ISDIR(mode) else "not a regular file"
        raise OSError(errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL, what, str(path))
    return os.fdopen(descriptor, "rb")


def parse_json(raw: bytes, where: str) -> Any:
    """What a JSON text says, if `to_json` could have written it.

    Raises
    ------
    CheckpointError
        It is no JSON; an object has a key twice; a number is not finite; it is nested more than
        `MAX_DEPTH` deep; or it would take more memory than 64 MB and twice its length.
    """
    import json
    import re

    def fail(got: object) -> NoReturn:
        raise CheckpointError.expected(where, "JSON as minidl writes it", got) from None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            fail("an object with a key twice")
        return found

    def finite(text: str) -> float:
        number = float(text)
        return number if math.isfinite(number) else fail(f"the number {text[:40]}")

    # What Python's objects take: a list, a dict and its entries, a place and a number in them, a string.
    costs = {b"[": 72, b"{": 240, b":": 60, b",": 40, b'"': 26}
    memory = sum(raw.count(sign) * cost for sign, cost in costs.items()) + 4 * len(raw) * (not raw.isascii())
    if memory > MAX_JSON_BYTES + 2 * len(raw):
        fail(f"one that takes {memory:,} bytes of memory")
    depth = deepest = 0
    for sign in re.finditer(rb'"(?:[^"\\]|\\.)*+"?|[\[{\]}]', raw, re.DOTALL):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(sign[0], 0)
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        fail(f"one nested {deepest:,} deep")
    try:
        text = raw.decode()
        return json.loads(text, object_pairs_hook=unique, parse_float=finite, parse_constant=finite)
    except CheckpointError:
        raise
    except ValueError as error:
        fail(error)


def read_json(path: Path) -> Any:
    """The JSON in a regular file; as `parse_json`, and OSError."""
    parts = []
    with open_regular(path) as file:
        while part := file.read(1 << 20):
            if b"\0" in part:  # which no JSON holds: a file that is mostly holes is not read to its end
                raise CheckpointError.expected(str(path), "JSON as minidl writes it", "a byte of zeros")
            parts.append(part)
    return parse_json(b"".join(parts), str(path))
