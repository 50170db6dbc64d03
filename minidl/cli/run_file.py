"""What `run.json` holds: how a run was made, and what came of it."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minidl.advice import shown
from minidl.errors import CheckpointError
from minidl.files import open_regular, to_json

RUN = "run.json"


def digest(path: Path) -> str:
    """The SHA-256 of a regular file's content, in hexadecimal digits."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def sealed(run: Mapping[str, Any]) -> dict[str, Any]:
    """`run` with a hash of itself among those of its files."""
    files = {name: text for name, text in (run.get("files") or {}).items() if name != RUN}
    text = to_json({**run, "files": files})
    return {**run, "files": {**files, RUN: hashlib.sha256(text.encode()).hexdigest()}}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and "\0" not in value


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and abs(value) <= sys.float_info.max


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _are_columns(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(column) or _is_whole(column) for column in value)


def _are_categories(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_are_words, value.values()))


def _are_results(value: Any) -> bool:
    """Of each part the samples, and numbers, of the same names; None is one that is not finite."""
    if not isinstance(value, dict) or not all(isinstance(row, dict) for row in value.values()):
        return False
    rows = list(value.values())
    return all(
        list(row) == list(rows[0])
        and next(iter(row), None) == "samples"
        and _is_whole(row["samples"])
        and all(number is None or _is_number(number) for number in row.values())
        for row in rows
    )


def _are_hashes(value: Any) -> bool:
    return isinstance(value, dict) and RUN in value and all(map(_is_hash, value.values()))


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


_KEYS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "data_dir": ("a directory", _is_path),
    "seed": ("a whole number", _is_whole),
    "dtype": ("'float32' or 'float64'", ("float32", "float64").__contains__),
    "target": ("a column's name or position", lambda value: _is_text(value) or _is_whole(value)),
    "task": ("'classes' or 'numbers'", ("classes", "numbers").__contains__),
    "columns": ("a list of names", _are_words),
    "categories": ("a list of words for each column", _are_categories),
    "drop": ("a list of columns", _are_columns),
    "settings": ("settings by their names", lambda value: isinstance(value, dict)),
    "results": ("the same numbers of each part, its samples first", _are_results),
    "seconds": ("a number", _is_number),
    "stopped": ("a word", _is_text),
    "trial": ("a whole number", _is_whole),
    "run": ("the name of its checkpoints' run", _is_text),
    "files": (f"the SHA-256 of each file, {RUN} among them", _are_hashes),
}
"""What there may be beside ``data``, the data set, and what it is; null where it does not apply."""


def check_run(where: str, run: Any) -> Any:
    """`run`, if commands can use it.

    Raises
    ------
    CheckpointError
        It is something else than `minidl train` or `minidl sweep` write, of this version or an older.
    """
    remedy = "put back the file that minidl wrote, or train anew"
    if not isinstance(run, dict):
        raise CheckpointError.expected(where, "a description of a run", shown(run), remedy)
    if not run.get("data") or not _is_path(run["data"]):
        got = shown(run["data"]) if "data" in run else "none"
        raise CheckpointError.expected(f"{where}, 'data'", "a data set's name or path", got, remedy)
    for key in run:
        if key != "data" and key not in _KEYS:
            keys = ", ".join(("data", *_KEYS))
            raise CheckpointError.expected(where, f"nothing but {keys}", shown(key), remedy)
    for key, (expected, fits) in _KEYS.items():
        value = run.get(key)
        if value is not None and not fits(value):
            raise CheckpointError.expected(f"{where}, {key!r}", expected, shown(value), remedy)
    files = run.get("files")
    if files is not None and files[RUN] != sealed(run)["files"][RUN]:
        expected, got = f"a description whose SHA-256 is the {files[RUN][:16]}… that it names", "another"
        remedy += "; of data that moved, --data-dir says where they are"
        raise CheckpointError.expected(where, expected, got, remedy)
    return run
