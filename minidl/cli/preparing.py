"""The directory that a command is going to write to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from minidl.cli.locking import held
from minidl.cli.output import check_folder
from minidl.cli.run_directory import CHECKPOINT, CHECKPOINTS, HISTORY, JOURNAL, NET, resuming_command
from minidl.cli.run_file import RUN
from minidl.errors import ConfigurationError


@contextmanager
def prepared(out: Path | None, name: str, *, force: bool, resume: bool = False) -> Iterator[Path]:
    """The directory, made before any work is spent on what could not be written in the end.

    Without `out`, the first free one of ``runs/NAME``, ``runs/NAME-2``, …; to resume, the last of
    those in use, if there is one. Within the ``with``, no other command writes to it; if it is new and
    nothing was written, it is removed again.

    Raises
    ------
    ConfigurationError
        If `out` holds a run, and neither `force` is true nor `resume`, with a sweep to go on with; or
        another command is writing to it.
    OSError
        If it cannot be made or written to.
    """
    with ExitStack() as stack:
        if out is None:
            named = [Path("runs", name if number == 1 else f"{name}-{number}") for number in range(1, 10_000)]
            first = next(place for place, path in enumerate(named) if not _holds_run(path))
            if resume and first and (named[first - 1] / JOURNAL).exists():
                out = named[first - 1]
            else:  # a command that has written nothing yet may be at work in some
                free = (path for path in named[first:] if not _holds_run(path))
                yield _writable(next(path for path in free if stack.enter_context(held(path))))
                return
        _check_free(out, force=force, resume=resume)
        if not stack.enter_context(held(out)):
            expected, got = "a directory that no other command writes to", f"{out}, to which one does now"
            raise ConfigurationError.expected("--out", expected, got, "wait for it, or give another")
        _check_free(out, force=force, resume=resume)  # one may just have ended
        yield _writable(out)


def _check_free(out: Path, *, force: bool, resume: bool) -> None:
    if _holds_run(out) and not force and not (resume and (out / JOURNAL).exists()):
        go_on = f"go on with it ({resuming_command(out)}), " if (out / CHECKPOINT).exists() else ""
        go_on = "--resume to go on with it, --extend to add to it, " if (out / JOURNAL).exists() else go_on
        remedy = f"give another, {go_on}or --force to overwrite it"
        raise ConfigurationError.expected("--out", "a directory that holds no run", out, remedy)
    check_folder(out)


def _writable(out: Path) -> Path:
    with tempfile.TemporaryFile(dir=out):
        return out


def _holds_run(directory: Path) -> bool:
    return any((directory / name).exists() for name in (NET, HISTORY, RUN, JOURNAL, *CHECKPOINTS))
