"""The directory that a training run leaves behind."""

from __future__ import annotations

import math
import shlex
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeAlias

import minidl
from minidl.cli.run_file import RUN, check_run, digest, sealed
from minidl.console import one_line
from minidl.data import Column, Splits
from minidl.errors import CheckpointError, MinidlError
from minidl.files import atomic_write, open_regular, read_json, to_json
from minidl.layers import Columns, Embedding
from minidl.module import Module
from minidl.net import Net
from minidl.parameters import Parameter
from minidl.plots import plot_weights
from minidl.storage.checkpoints import previous, run_of
from minidl.training import History
from minidl.types import Array

NET, HISTORY, JOURNAL = "net.npz", "history.json", "journal.jsonl"
CHECKPOINT = "checkpoint.npz"
CURVES, WEIGHTS = "history.png", "weights.png"
PICTURES = (
    *(CURVES, WEIGHTS, "net.png", "confusion.png", "mistakes.png", "units.png", "predictions.png"),
    *("curves.png", "heatmap.png"),  # a sweep's
)
"""All that the commands draw into a run's directory."""

CHECKPOINTS = (CHECKPOINT, previous(Path(CHECKPOINT)).name)
"""From which `minidl train --resume` goes on: the newest, and the one before."""

Pictures: TypeAlias = Mapping[Path, Callable[[Path], object]]

_LONGEST = 300  # characters of a reason: LaTeX gives all that it has to say


def write(
    out: Path, net: Net, history: History, run: Mapping[str, Any], *, resumable: bool = False
) -> dict[str, Any]:
    """Write all but the pictures: the net first, which cannot be had again, and last what seals the others.

    Pictures of the net that stood there before are removed, and checkpoints, unless it is `resumable`
    from them. Returns the run as it is written, with the hashes of the files that belong to it.
    """
    minidl.save(net, out / NET)
    remove(out, PICTURES if resumable else (*PICTURES, *CHECKPOINTS))
    history.save(out / HISTORY)
    made = {**run, "files": {name: digest(out / name) for name in (NET, HISTORY)}}
    write_run(out, made)
    return made


def remove(out: Path, names: Iterable[str]) -> None:
    """Remove those of our files that are there."""
    for name in names:
        with suppress(OSError):  # it is not there, or no file of ours
            (out / name).unlink()


def write_run(out: Path, run: Mapping[str, Any]) -> None:
    """Write how the run was made and what came of it."""
    with atomic_write(out / RUN) as file:
        file.write((to_json(sealed(run), indent=1) + "\n").encode())


def pictures(out: Path, net: Net, history: History, splits: Splits | None) -> Pictures:
    """The pictures of a run, for `draw`; without the data, weights are drawn as a map."""
    curves = {out / CURVES: history.plot} if history.steps["loss"] else {}
    first = _first_weights(net)
    if first is None:
        return curves
    path, layer, weight = first
    columns = _columns(out, splits)
    units, shape = (len(weight), weight.shape[1:]) if weight.ndim > 2 else (weight.shape[1], weight.shape[:1])
    title, names = f"{path}: weights of {units} units", None
    if isinstance(layer, Embedding):
        column = _column_of(net, layer, columns)
        title = f"{path}: a vector for each of {len(weight)} indices"
        if column is not None and column.num_codes == len(weight):
            title = f"{column.name}: a vector for each category"
            names = ["(others)", *(category or "(missing)" for category in column.categories or ())]
    elif len(columns) == math.prod(shape):
        names = [column.name for column in columns]
    elif splits is not None and weight.ndim == 2 and len(weight) == math.prod(splits.sample_shape):
        shape = splits.sample_shape
    return {**curves, out / WEIGHTS: partial(plot_weights, weight, shape, names=names, title=title)}


def _first_weights(net: Net) -> tuple[str, Module, Array] | None:
    """Of the first layer that has weights, its path, itself and its weights."""
    for path, module in net.named_modules():
        weight = getattr(module, "weight", None)
        if isinstance(weight, Parameter) and weight.value.ndim > 1:
            return path, module, weight.value
    return None


def _columns(out: Path, splits: Splits | None) -> Sequence[Column]:
    """What a table's columns are; none of other data. Without the data, as the run has them."""
    if splits is not None:
        return splits.train.columns or ()
    made = read_run(out)
    categories = made.get("categories") or {}
    return [Column(name, categories.get(name)) for name in made.get("columns") or ()]


def _column_of(net: Net, layer: Module, columns: Sequence[Column]) -> Column | None:
    """The column of a table that a layer gets, if it gets one alone."""
    for _, module in net.named_modules():
        for place, own in module.columns.values() if isinstance(module, Columns) else ():
            if own is layer and isinstance(place, int) and place < len(columns):
                return columns[place]
    return None


def draw(pictures: Pictures) -> list[str]:
    """Draw what can be drawn, when all else is written; what goes wrong costs no more than a line.

    Returns the names of what was drawn.
    """
    failed: dict[str, list[str]] = {}
    for path, picture in pictures.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as of a character that the font lacks
                picture(path)
        except Exception as error:  # matplotlib, LaTeX, fonts and the disk each raise their own
            kind = "" if isinstance(error, (MinidlError, OSError)) else type(error).__name__
            reason = one_line(": ".join(filter(None, (kind, str(error)))))
            failed.setdefault(shorten(reason, _LONGEST, placeholder=" …"), []).append(path.name)
    for reason, names in failed.items():
        which = "pictures" if len(names) == len(pictures) else ", ".join(names)
        print(f"minidl: no {which}: {reason}", file=sys.stderr)
    lost = {name for names in failed.values() for name in names}
    return [path.name for path in pictures if path.name not in lost]


def resuming_command(out: Path) -> str:
    """The command line that goes on with a training."""
    return f"minidl train --resume --out {shlex.quote(str(out))}"


def written(out: Path, drawn: list[str]) -> str:
    """What a command that trained says of the files it has written."""
    kept = [CHECKPOINT] if (out / CHECKPOINT).exists() else []
    return f"written to {out}: {', '.join(sorted([HISTORY, NET, RUN, *kept, *drawn]))}"


def read_run(directory: Path) -> dict[str, Any]:
    """What `write_run` wrote."""
    path = directory / RUN
    if directory.is_file():
        got, remedy = "a file", f"give the directory that it lies in: {directory.parent}"
        raise CheckpointError.expected(str(directory), f"a directory with {RUN}", got, remedy)
    if not path.exists():
        remedy = "give the directory that minidl train wrote"
        if (directory / CHECKPOINT).exists():
            remedy = f"it still runs, or go on with it: {resuming_command(directory)}"
        elif directory.is_dir():
            remedy += "; one that still runs, or was killed, has not written it yet"
        raise CheckpointError.expected(str(directory), f"a directory with {RUN}", "none", remedy)
    run: dict[str, Any] = check_run(str(path), read_json(path))
    return run


def check_files(directory: Path, run: Mapping[str, Any]) -> None:
    """Refuse a directory whose files are not those that its run was sealed with.

    Raises
    ------
    CheckpointError
        A training into it was killed while it wrote over another's files, or they were changed.
    OSError
        One is no regular file, such as a pipe.
    """
    other = run_of(directory / CHECKPOINT)
    if run.get("run") is not None and other not in (None, run["run"]):
        expected, got = f"one run in {directory}", f"the {CHECKPOINT} of another, which has not ended"
        remedy = f"end that one, {resuming_command(directory)}, or remove its {CHECKPOINT}"
        raise CheckpointError.expected(str(directory / RUN), expected, got, remedy)
    for name in (NET, HISTORY):
        path, sealed = directory / name, (run.get("files") or {}).get(name)
        if sealed is None:  # of a version that sealed nothing
            with suppress(FileNotFoundError):
                open_regular(path).close()
            continue
        try:
            found = digest(path)
        except FileNotFoundError:
            found = "none"
        if found != sealed:
            remedy = (
                f"a command that wrote to {directory} was killed meanwhile, or the file was changed: "
                "put back the one that belongs to it, or train anew with --force"
            )
            if (directory / CHECKPOINT).exists():
                remedy += f", or go on with: {resuming_command(directory)}"
            got = found if found == "none" else f"one of {found[:16]}…"
            expected = f"the file that {RUN} belongs to, of SHA-256 {sealed[:16]}…"
            raise CheckpointError.expected(str(path), expected, got, remedy)
