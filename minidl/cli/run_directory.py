"""The directory that a training run leaves behind."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeAlias

import minidl
from minidl.console import one_line
from minidl.data import Column, Splits
from minidl.errors import CheckpointError, ConfigurationError, MinidlError
from minidl.files import atomic_write, to_json
from minidl.layers import Columns, Embedding
from minidl.module import Module
from minidl.net import Net
from minidl.parameters import Parameter
from minidl.plots import plot_weights
from minidl.training import History
from minidl.types import Array

NET, HISTORY, RUN, JOURNAL = "net.npz", "history.json", "run.json", "journal.jsonl"
CURVES, WEIGHTS = "history.png", "weights.png"
PICTURES = (
    *(CURVES, WEIGHTS, "net.png", "confusion.png", "mistakes.png", "units.png", "predictions.png"),
    *("curves.png", "heatmap.png"),  # a sweep's
)
"""All that the commands draw into a run's directory."""

Pictures: TypeAlias = Mapping[Path, Callable[[Path], object]]

_LONGEST = 300  # characters of a reason: LaTeX gives all that it has to say


def prepare(out: Path | None, name: str, *, force: bool, resume: bool = False) -> Path:
    """Make the directory, before any work is spent on what could not be written in the end.

    Without `out`, the first free one of ``runs/NAME``, ``runs/NAME-2``, …; to resume, the last of
    those in use, if there is one.

    Raises
    ------
    ConfigurationError
        If `out` holds a run, and neither `force` is true nor `resume`, with a sweep to go on with.
    OSError
        If it cannot be made or written to.
    """
    if out is None:
        named = [Path("runs", name if number == 1 else f"{name}-{number}") for number in range(1, 10_000)]
        free = next(place for place, path in enumerate(named) if not _holds_run(path))
        out = named[free - 1 if resume and free and (named[free - 1] / JOURNAL).exists() else free]
    elif _holds_run(out) and not force and not (resume and (out / JOURNAL).exists()):
        go_on = "--resume to go on with it, --extend to add to it, " if (out / JOURNAL).exists() else ""
        remedy = f"give another, {go_on}or --force to overwrite it"
        raise ConfigurationError.expected("--out", "a directory that holds no run", out, remedy)
    file = next((path for path in (out, *out.parents) if path.is_file()), None)
    if file:
        got = f"{file}, which is a file"
        raise ConfigurationError.expected("--out", "a directory", got, "give another name, or move it away")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=out):
        pass
    return out


def write(out: Path, net: Net, history: History, run: dict[str, Any]) -> None:
    """Write all but the pictures, the net first: it is what cannot be had again.

    Pictures of the net that stood there before are removed.
    """
    minidl.save(net, out / NET)
    for name in PICTURES:
        with suppress(OSError):  # it is not there, or no file of ours
            (out / name).unlink()
    history.save(out / HISTORY)
    write_run(out, run)


def write_run(out: Path, run: dict[str, Any]) -> None:
    """Write how the run was made and what came of it."""
    with atomic_write(out / RUN) as file:
        file.write((to_json(run, indent=1) + "\n").encode())


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


def written(out: Path, drawn: list[str]) -> str:
    """What a command that trained says of the files it has written."""
    return f"written to {out}: {', '.join(sorted([HISTORY, NET, RUN, *drawn]))}"


def read_run(directory: Path) -> dict[str, Any]:
    """What `write_run` wrote."""
    path = directory / RUN
    if directory.is_file():
        got, remedy = "a file", f"give the directory that it lies in: {directory.parent}"
        raise CheckpointError.expected(str(directory), f"a directory with {RUN}", got, remedy)
    if not path.is_file():
        remedy = "give the directory that minidl train wrote"
        if directory.is_dir():
            remedy += "; one that still runs, or was killed, has not written it yet"
        raise CheckpointError.expected(str(directory), f"a directory with {RUN}", "none", remedy)
    try:
        run = json.loads(path.read_bytes())
        if not isinstance(run, dict) or not isinstance(run.get("data"), str):
            raise ValueError("no data set named")
    except ValueError as error:
        raise CheckpointError.expected(str(path), "a description of a run", error) from error
    return run


def _holds_run(directory: Path) -> bool:
    return any((directory / name).exists() for name in (NET, HISTORY, RUN, JOURNAL))
