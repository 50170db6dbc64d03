"""Going on with a training: which, from what its checkpoint says of it, and with what else is asked for."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import minidl
from minidl.callbacks import Callback
from minidl.callbacks.callback import Training
from minidl.callbacks.checkpoint import read_every
from minidl.cli.locking import held
from minidl.cli.run_directory import CHECKPOINT, CHECKPOINTS
from minidl.cli.run_file import check_run
from minidl.data import Dataset, catalog
from minidl.data.fingerprint import fingerprint
from minidl.errors import CheckpointError, ConfigurationError, StateError
from minidl.storage.checkpoints import Checkpoint, load_state

_DATA = ("data", "data_dir")
_REMEDY = "leave it out, or train anew, into another directory"
_NEEDED = ("seed", "dtype", "settings")


class Stopped(Callback):
    """Stops a fit that goes on with one that a callback had stopped, before its first step."""

    state_names = ()

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def on_fit_start(self, trainer: Training) -> None:
        """Stop for the same reason."""
        trainer.stop(self.reason)


def every(text: str) -> int | str | None:
    """What ``--checkpoint-every`` says, as the callback `Checkpoint` takes it; None is never."""
    if text == "never":
        return None
    count = int(text) if text.isascii() and text.isdecimal() else text
    try:
        read_every("--checkpoint-every", count)
    except ConfigurationError:
        expected = "steps, such as 500, a time or epochs, such as '10 minutes' or '5 epochs', or never"
        raise ConfigurationError.expected("--checkpoint-every", expected, repr(text)) from None
    return count


@contextmanager
def resumed(out: Path | None, data: str | None) -> Iterator[Path]:
    """The directory of the run to go on with; without `out`, the last of those in ``runs`` (of `data`).

    Within the ``with``, no other command writes to it.
    """
    where = "--resume"
    if out is None:
        name = re.compile(".*" if data is None else rf"{re.escape(catalog.stem(data))}(-\d+)?")
        places = [path for path in Path("runs").glob("*") if name.fullmatch(path.name) and _saved(path)]
        if not places:
            got = f"none in runs{'' if data is None else f' of {data}'}"
            raise ConfigurationError.expected(where, "a run with a checkpoint", got, "name it: --out DIR")
        out = max(places, key=lambda path: max(file.stat().st_mtime_ns for file in _saved(path)))
    elif not _saved(out):
        got = "a directory without one" if out.is_dir() else "none"
        expected = f"a directory with {CHECKPOINT}, as minidl train writes it"
        raise ConfigurationError.expected(f"{where}, {out}", expected, got)
    with held(out) as taken:
        if not taken:
            expected, got = "a run that no command is training", f"{out}, which one trains now"
            raise ConfigurationError.expected(where, expected, got, "wait for it")
        yield out


def _saved(directory: Path) -> list[Path]:
    return [path for name in CHECKPOINTS if (path := directory / name).is_file()]


def read(path: Path, arguments: argparse.Namespace) -> Checkpoint:
    """The checkpoint at `path`; what the command line does not say of the data is set as its run had it.

    Raises
    ------
    CheckpointError
        It is damaged, or was not written by `minidl train`.
    ConfigurationError
        The command line says something else.
    """
    saved = load_state(path)
    if saved.fallback:
        print(f"minidl: {saved.fallback}", file=sys.stderr)
    own = check_run(f"{path}, note", saved.note)
    lacking = [name for name in _NEEDED if own.get(name) is None]
    if lacking:
        expected = "what minidl train says of its run"
        raise CheckpointError.expected(f"{path}, note", expected, f"no {lacking[0]}")
    is_path = catalog.is_path(arguments.data or own["data"])
    if arguments.data is None:
        moved = is_path and arguments.data_dir is not None
        arguments.data = Path(own["data"]).name if moved else own["data"]
    if arguments.data_dir is None and own.get("data_dir") and not is_path:
        arguments.data_dir = Path(own["data_dir"])
    for name in ("seed", "dtype", "target", "task", "categories", "drop"):
        value = getattr(arguments, name)
        if value is None:
            setattr(arguments, name, own.get(name))
        # Of a table, before it is read so: the rest of what was said of it would not fit.
        is_position = name == "target" and value is not None and value.lstrip("-").isdecimal()
        if value is not None and name != "categories" and not is_position and value != own.get(name):
            raise _refusal(name, own.get(name), value)
    return saved


def agreed(
    own: Mapping[str, Any], described: Mapping[str, Any], given: Mapping[str, Any], *, moved: bool
) -> dict[str, Any]:
    """The run to go on with, its length as `given`, if all else that is given is as it was.

    `described` is what the data are now, as `options.described` says it; if they were `moved`, they may
    lie elsewhere.

    Raises
    ------
    ConfigurationError
        An option or the data differ, or the length is less.
    """
    for name, value in described.items():
        if name not in _DATA and value != own.get(name):
            raise _refusal(name, own.get(name), value)
    if not moved and described["data"] != own["data"]:
        raise _refusal("data", own["data"], described["data"])
    settings = dict(own["settings"])
    for name, value in given.items():
        if name not in ("epochs", "steps") or name not in settings:
            if name in ("epochs", "steps"):
                other = "steps" if name == "epochs" else "epochs"
                expected = f"--{other}, in which the run is counted"
                raise ConfigurationError.expected(f"--{name}", expected, f"--{name} {value}")
            if value != settings.get(name):
                raise _refusal(name, settings.get(name), value)
        elif not isinstance(settings[name], int) or value < settings[name]:
            expected = f"{settings[name]} {name}, as the run has them, or more"
            raise ConfigurationError.expected(f"--{name}", expected, value)
        elif value > settings[name] and settings.get("average", "none") != "none":
            expected = f"{settings[name]}, for the average is over the last part of the training"
            raise ConfigurationError.expected(f"--{name}", expected, value, "train anew, elsewhere")
        settings[name] = value
    places = {name: described[name] for name in _DATA} if moved else {}
    return {**own, **places, "settings": settings}


def _refusal(name: str, own: Any, value: Any) -> ConfigurationError:
    option = "DATA" if name == "data" else f"--{name.replace('_', '-')}"
    expected = "none" if own is None else repr(own)
    return ConfigurationError.expected(
        option, f"{expected}, as in the run to go on with", repr(value), _REMEDY
    )


def load(path: Path, trainer: minidl.Trainer, saved: Checkpoint, train: Dataset) -> None:
    """Give the trainer its state; `CheckpointError` where it is of another one, or of other data."""
    batches = saved.state.get("batches")
    if isinstance(batches, dict) and batches.get("data") != fingerprint(train):
        remedy = "put them back, or train anew, into another directory"
        raise CheckpointError.expected(str(path), "the data that it was trained on", "others", remedy)
    try:
        trainer.load_state_dict(saved.state)
    except StateError as error:
        raise CheckpointError(f"{path}: {error}") from None


def left(trainer: minidl.Trainer, settings: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, int]:
    """What `Trainer.fit` is to be told: how many more epochs or steps; {} where the run is over.

    0 has it finish what comes after the last step. A fit that a callback had stopped is stopped again.
    """
    unit = "steps" if "steps" in settings else "epochs"
    is_longer = settings[unit] > own["settings"].get(unit, settings[unit])
    if "stopped" in own and not is_longer:
        return {}
    if trainer.stop_reason is not None and not is_longer:
        trainer.callbacks.append(Stopped(trainer.stop_reason))
    return {unit: max(settings[unit] - (trainer.step if unit == "steps" else trainer.epoch), 0)}
