"""Where commands write what they were asked for, beside the directories of runs."""

from __future__ import annotations

from pathlib import Path

from minidl.errors import ConfigurationError


def check_folder(folder: Path, out: Path | None = None) -> None:
    """`ConfigurationError` where a file stands in the way of the `folder` that `--out` is written into.

    The error names `out`, what was asked for, where that is not the folder itself.
    """
    file = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
    if file:
        got = f"{file}, which is a file" if out in (None, file) else f"{out}, where {file} is a file"
        raise ConfigurationError.expected("--out", "a directory", got, "give another name, or move it away")
