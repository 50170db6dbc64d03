"""States in files: two generations, each whole, and what is read is all checked before it is given.

The newest stands at the path itself, the one before beside it: ``run.npz`` and ``run.previous.npz``.
"""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from minidl.archive import Archive
from minidl.errors import CheckpointError
from minidl.files import as_path, atomic_write
from minidl.storage.manifest import NewerError, read_manifest, write_manifest
from minidl.storage.trees import decode, encode
from minidl.temporaries import new_name
from minidl.types import Array

_FORMAT, _VERSION, _READ = "minidl checkpoint", 1, (1,)
_MANIFEST, _RUN = "checkpoint.json", "run.txt"
_LONGEST_RUN = 64


class Checkpoint(NamedTuple):
    """What a checkpoint holds.

    Attributes
    ----------
    state : dict
        As it was saved.
    run : str
        The run that it is of.
    note : object
        What the program that saved it put beside the state.
    fallback : str
        Why it comes from the generation before the newest; empty where it does not.
    """

    state: dict[str, Any]
    run: str
    note: Any
    fallback: str = ""


def save_state(path: str | os.PathLike[str], state: dict[str, Any], run: str, note: Any = None) -> None:
    """Write a state into one file, whole or not at all; the run's one before stays beside it.

    Parameters
    ----------
    path : path-like
        Usually ``something.npz``.
    state : dict
        Of arrays, numbers, strings, None, lists, tuples and dicts.
    run : str
        Of another run, nothing is kept beside it.
    note : as `state` or a part of it, optional

    Raises
    ------
    StateError
        The state holds something else; nothing is written.
    """
    path = as_path("save", path)
    content, arrays = _encoded(state, run, note)
    with atomic_write(path) as file:
        write_manifest(file, _MANIFEST, content, arrays, {_RUN: run.encode()})
        _keep(path, run)


def state_to_bytes(state: dict[str, Any]) -> bytes:
    """What `save_state` would write, for another process."""
    file = io.BytesIO()
    write_manifest(file, _MANIFEST, *_encoded(state, "", None))
    return file.getvalue()


def state_from_bytes(raw: bytes) -> dict[str, Any]:
    """The state of `state_to_bytes`; CheckpointError for anything else."""
    return _read(raw, "state").state


def load_state(path: str | os.PathLike[str]) -> Checkpoint:
    """What `save_state` wrote last; where that is damaged, what it wrote before.

    Raises
    ------
    CheckpointError
        Both are damaged, or it was written by a newer minidl.
    FileNotFoundError
        There is neither.
    """
    path = as_path("load", path)
    try:
        return _read(path, str(path))
    except NewerError:
        raise
    except (FileNotFoundError, CheckpointError) as error:
        newest = error
    try:
        found = _read(previous(path), str(previous(path)))
    except FileNotFoundError:
        raise newest from None
    except CheckpointError as error:
        raise CheckpointError(f"{newest}; and the one before: {error}") from newest
    return found._replace(fallback=f"{newest}; gone back to {previous(path)}, the one before")


def previous(path: Path) -> Path:
    """Where the generation before the newest is kept; of a symbolic link, beside what it points to."""
    path = Path(os.path.realpath(path)) if path.is_symlink() else path  # resolve() fails where links go round
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def run_of(path: Path) -> str | None:
    """The run that the checkpoint at `path` is of; None where there is no file or it is none."""
    try:
        with Archive(path, str(path), CheckpointError) as archive:
            return archive.text(_RUN, _LONGEST_RUN).decode("ascii", "replace")
    except (FileNotFoundError, CheckpointError):
        return None


def _encoded(state: dict[str, Any], run: str, note: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    arrays: dict[str, Array] = {}
    about = {"format": _FORMAT, "version": _VERSION, "run": run}
    return {**about, "note": encode(note, arrays, "note"), "state": encode(state, arrays)}, arrays


def _read(source: Path | bytes, where: str) -> Checkpoint:
    content, arrays = read_manifest(source, where, _MANIFEST, _FORMAT, _READ)
    try:
        state, note = decode(content.get("state"), arrays), decode(content.get("note"), arrays)
    except CheckpointError as error:
        raise CheckpointError(f"{where}: {error}") from None
    run = content.get("run")
    if not isinstance(state, dict) or not isinstance(run, str):
        raise CheckpointError.expected(where, "a state and the run that it is of", ", ".join(content))
    return Checkpoint(state, run, note)


def _keep(path: Path, run: str) -> None:
    """Put what stands at `path` beside it, if that is of this run; what is there of another run goes."""
    beside = previous(path)
    kept = run_of(beside)
    if kept is None and beside.exists():  # no checkpoint: a file of the user's
        return
    if kept not in (None, run):  # or it would be taken for this run's, should the newest be damaged
        beside.unlink()
    if run_of(path) != run:
        return
    link = new_name(beside.parent)
    try:
        os.link(path.resolve(), link)  # so that there is a file at `path` at any moment
    except FileNotFoundError:  # another writer is just putting its own there, and keeps the one before
        return
    except OSError:  # of a file system without links
        with suppress(OSError):
            path.resolve().replace(beside)
        return
    with suppress(OSError):  # such as that another writer took it for a stray: that one keeps it, too
        link.replace(beside)
    with suppress(OSError):
        link.unlink()  # it stays where both were the same file
