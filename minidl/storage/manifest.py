"""Files that say what they hold: arrays in a zip, and a manifest with shape, dtype and SHA-256 of each.

One is whatever `numpy.load` reads, too. Nothing in it is code or pickled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from minidl.archive import MAX_DIRECTORY_BYTES, Archive, write_archive
from minidl.errors import CheckpointError
from minidl.files import MAX_JSON_BYTES, json_memory, parse_json, to_json
from minidl.types import Array

_OTHERS = {
    "checkpoint.json": "a checkpoint: go on with it by Trainer.resume(path, net, optimizer, …)",
    "description.json": "a net: load it by minidl.load(path)",
}

MAX_MANIFEST_BYTES = 1 << 26
_ENTRY_BYTES = 100  # of a zip's list of members, beside the name


def write_manifest(
    file: BinaryIO,
    name: str,
    content: Mapping[str, Any],
    arrays: Mapping[str, Array],
    texts: Mapping[str, bytes] | None = None,
) -> None:
    """Write `arrays` behind a member `name`: `content`, its format first, and what the arrays are."""
    listed = {
        key: {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest(array)}
        for key, array in arrays.items()
    }
    text = to_json({**content, "arrays": listed}, indent=1).encode()
    if len(text) > MAX_MANIFEST_BYTES:
        expected, remedy = f"a description of at most {MAX_MANIFEST_BYTES:,} bytes", "keep numbers in arrays"
        raise CheckpointError.expected("save", expected, f"{len(text):,}", remedy)
    entries = sum(len(key) + _ENTRY_BYTES for key in arrays)
    if entries > MAX_DIRECTORY_BYTES or json_memory(text) > MAX_JSON_BYTES + 2 * len(
        text
    ):  # it would not be read again
        expected, got = (
            "a description of fewer parts",
            f"one that takes {json_memory(text) + entries:,} bytes",
        )
        raise CheckpointError.expected("save", expected, got, "keep numbers in arrays, and few of these")
    write_archive(file, {name: text, **(texts or {})}, arrays)


def read_manifest(
    source: Path | bytes, where: str, name: str, wanted: str, versions: tuple[int, ...]
) -> tuple[dict[str, Any], dict[str, Array]]:
    """A file's content and arrays, all of which were compared with what the manifest says of them.

    Raises
    ------
    CheckpointError
        It is foreign, damaged or of a version that is not among `versions`.
    FileNotFoundError
    """
    with Archive(source, where, CheckpointError) as archive:
        for other, what in _OTHERS.items():
            if other in archive.texts and name not in archive.texts:
                raise CheckpointError.expected(where, f"a file of format {wanted!r}", what)
        content = parse_json(archive.text(name, MAX_MANIFEST_BYTES), f"{where}, {name}")
        check_version(where, content, wanted, versions)
        arrays = {key: archive.array(key, "fiubU") for key in archive.arrays}
    if "arrays" in content:
        _compare(where, content["arrays"], arrays)
    elif content["version"] == max(versions):
        raise CheckpointError.expected(where, "a list of its arrays", "none")
    return content, arrays


def check_version(where: str, content: Any, wanted: str, versions: tuple[int, ...]) -> None:
    """`CheckpointError` for the content of another format, or of a version that this minidl does not know."""
    found = content if isinstance(content, dict) else {}
    version = found.get("version")
    if found.get("format") != wanted:
        raise CheckpointError.expected(where, f"format {wanted!r}", repr(found.get("format")))
    if type(version) is int and version > max(versions):
        remedy = "a newer minidl wrote it: update minidl"
        raise NewerError.expected(where, f"version {max(versions)} at most", version, remedy)
    if type(version) is not int or version not in versions:
        raise CheckpointError.expected(where, f"version {' or '.join(map(str, versions))}", repr(version))


class NewerError(CheckpointError):
    """A file is whole and of a format that only a newer minidl reads."""


def digest(array: Array) -> str:
    """The SHA-256 of an array's numbers, in C's order."""
    flat = np.ascontiguousarray(array).reshape(-1)
    return hashlib.sha256(flat.view(np.uint8).data if flat.size else b"").hexdigest()


def _compare(where: str, listed: Any, arrays: Mapping[str, Array]) -> None:
    """All that differs is told together."""
    told = listed if isinstance(listed, dict) else {}
    differing = [f"{key} that is missing" for key in told if key not in arrays]
    differing += [f"{key} that the manifest does not know" for key in arrays if key not in told]
    for key, array in arrays.items():
        own = {"shape": list(array.shape), "dtype": str(array.dtype), "sha256": digest(array)}
        if key in told and told[key] != own:
            named = told[key] if isinstance(told[key], dict) else {}
            differing += [f"{key} of another {name}" for name in own if named.get(name) != own[name]][:1]
    if differing:
        raise CheckpointError.expected(where, "the arrays of its manifest", ", ".join(differing[:20]))
