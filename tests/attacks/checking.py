"""The check that every attack has to pass, and the row of the table that it reads.

Refused with minidl's own error, in bounded memory and time; nothing is written, nothing else is changed, and
no code of the file is run.
"""

import os
import signal
import stat
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

import minidl
from minidl.errors import MinidlError
from minidl.parameters import IN_FILE
from minidl.storage.description import build, describe

MEMORY = 64 << 20
"""Bytes that a reader may take beside what the file holds."""

SECONDS = 60
"""Nothing takes so long, on any machine; what hangs ends there."""

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
FORBIDDEN = {
    *("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect"),
    *(
        "pickle.find_class",
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.symlink",
        "os.link",
        "os.chmod",
    ),
}


class Attack(NamedTuple):
    """`build` writes into a folder and gives the path for `read`; `words` stand in the error.

    What is `slow` to build or read is left to the deeper profiles. `error` is what the reader documents, and
    `locked` the names of files that it opens to write, and leaves as they are.
    """

    name: str
    read: Callable[[Path], object]
    build: Callable[[Path], Path]
    words: tuple[str, ...]
    slow: bool = False
    error: type[Exception] = MinidlError
    locked: tuple[str, ...] = ()


_seen: list[str] = []
_is_watching = _is_hooked = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if not _is_watching:
        return
    is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
    if is_write or event in FORBIDDEN:
        _seen.append(f"{event} {arguments!r}"[:200])


@contextmanager
def watched():
    """The writes and calls that happen meanwhile, in a list; Python tells of them, whoever makes them."""
    global _is_hooked, _is_watching
    if not _is_hooked:
        sys.addaudithook(_watch)  # it can never be removed
        _is_hooked = True
    _seen.clear()
    _is_watching = True
    try:
        yield _seen
    finally:
        _is_watching = False


@contextmanager
def _limited_time():
    def stop(number: int, frame: object) -> None:
        raise RuntimeError(f"more than {SECONDS} s")

    if not hasattr(signal, "setitimer"):  # on Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _listing(folder: Path, locks: bool) -> dict[str, tuple[int, ...]]:
    """What is there, but for when a folder was changed in which a lock may have been and is gone."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        changed = 0 if locks and path.is_dir() else status.st_mtime_ns
        found[str(path)] = (status.st_mode, status.st_size, changed, status.st_nlink)
    return found


def _held(path: Path) -> int:
    """How many bytes a reader may take for what is there: what the file holds, and a copy of as many."""
    files = [path] if not path.is_dir() else list(path.iterdir())
    sizes = [file.stat() for file in files if file.exists()]
    return sum(2 * min(each.st_size, 512 * each.st_blocks) for each in sizes if stat.S_ISREG(each.st_mode))


def check(attack: Attack, folder: Path) -> None:
    """Build the attack in a folder of its own, and have it read."""
    path = attack.build(folder)
    before, limit = _listing(folder, bool(attack.locked)), MEMORY + _held(path)
    tracemalloc.start()
    try:
        with watched() as seen, _limited_time(), pytest.raises(attack.error) as caught:
            attack.read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert all(word in message for word in attack.words), message
    assert len(message) < 2000, len(message)
    assert peak < limit, f"{peak:,} bytes"
    expected = [f"/{name}'" for name in attack.locked] + [f"mkdir ({each!r}" for each in before]
    assert not [event for event in seen if not any(text in event for text in expected)], seen
    assert _listing(folder, bool(attack.locked)) == before
    _check_process()


def _check_process() -> None:
    """What is read after an attack is read as before it."""
    described = describe(minidl.Affine(2, 3, rng=0), {})
    layer = build(described, {}, {})
    assert type(layer) is minidl.Affine and layer.weight.value.shape == (2, 3)
    assert IN_FILE.get() is None
