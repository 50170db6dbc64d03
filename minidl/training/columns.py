"""What a run recorded, as others hand it in: every number checked before any is taken."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.advice import shown
from minidl.errors import CheckpointError, StateError
from minidl.files import to_json

NAMES = "steps", "epochs", "unfinished", "kept_epoch"
"""The attributes of a `minidl.History`; older files lack the last two."""

_SEAL = "sha256"

NEEDED = {"steps": ["loss", "lr"], "epochs": ["step", "train_loss", "validation_loss", "lr", "seconds"]}
"""The columns that every history has."""


def state_of(history: Any) -> dict[str, Any]:
    """The attributes of a history as copies: floats of steps as an array of float64, all else as they are."""

    def column(values: list[Any]) -> Any:
        return np.array(values, np.float64) if set(map(type, values)) <= {float} else list(values)

    return {
        "steps": {name: column(values) for name, values in history.steps.items()},
        "epochs": {name: list(values) for name, values in history.epochs.items()},
        "unfinished": history.unfinished and dict(history.unfinished),
        "kept_epoch": history.kept_epoch,
    }


def sealed(content: dict[str, Any]) -> dict[str, Any]:
    """`content` with the SHA-256 of what `to_json` makes of it."""
    return {**content, _SEAL: hashlib.sha256(to_json(content).encode()).hexdigest()}


def checked(content: Any, path: Path | None = None) -> dict[str, Any]:
    """The attributes of a history, by name, as copies.

    Parameters
    ----------
    content : what `state_of` gave, or what JSON says
    path : Path, optional
        The file of the JSON, in which null stands for all that is no finite number; it becomes NaN, but for
        validation.

    Raises
    ------
    StateError, or CheckpointError with a `path`
        For any other content.
    """
    try:
        return _checked(content, from_json=path is not None)
    except ValueError as error:
        if path:
            expected = "a history written by History.save"
            raise CheckpointError.expected(str(path), expected, error) from None
        expected = "what History.state_dict gave"
        raise StateError.expected("History.load_state_dict", expected, error) from None


def _checked(content: Any, *, from_json: bool) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        raise ValueError(shown(content))
    if from_json and _SEAL in content:  # which older files lack
        without = {name: part for name, part in content.items() if name != _SEAL}
        if sealed(without)[_SEAL] != content[_SEAL]:
            raise ValueError(f"numbers that are not those of its {_SEAL}")
        content = without
    if unknown := [name for name in content if name not in NAMES]:
        raise ValueError(f"a part {shown(unknown[0])}, where there are {', '.join(NAMES)}")
    found: dict[str, Any] = {table: _table(content, table, from_json) for table in NEEDED}
    epochs, row = found["epochs"], content.get("unfinished")
    if row is not None:
        if not isinstance(row, Mapping) or not set(row) <= set(epochs):
            raise ValueError(f"unfinished {shown(row)}, where the epochs have {', '.join(epochs)}")
        row = {name: _column("unfinished", name, [value], from_json)[0] for name, value in row.items()}
    kept, count = content.get("kept_epoch"), len(epochs["lr"])
    if not (kept is None or (type(kept) is int and 1 <= kept <= count)):
        raise ValueError(f"kept_epoch {shown(kept)} of {count} epochs")
    return found | {"unfinished": row, "kept_epoch": kept}


def _table(content: Mapping[str, Any], table: str, from_json: bool) -> dict[str, list[Any]]:
    columns = content.get(table)
    if not isinstance(columns, Mapping) or not all(isinstance(name, str) for name in columns):
        raise ValueError(f"no columns as {table}, but {shown(columns)}")
    if missing := [name for name in NEEDED[table] if name not in columns]:
        raise ValueError(f"{table} without a column {missing[0]!r}")
    found = {name: _column(table, name, values, from_json) for name, values in columns.items()}
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths in {table}: {shown(lengths)}")
    if table == "epochs":
        steps = [step for step in found["step"] if step is not None and step == step]
        if not all(type(step) is int and step >= 0 for step in steps) or steps != sorted(steps):
            raise ValueError(f"steps at the epochs' ends that do not rise: {shown(steps)}")
    return found


def _column(table: str, name: str, values: Any, from_json: bool) -> list[Any]:
    if isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim == 1:
        return values.tolist()  # type: ignore[no-any-return]
    if not isinstance(values, list):
        raise ValueError(f"no list of numbers as {name!r} of the {table}, but {shown(values)}")
    allowed = {float, int} if table == "steps" and not from_json else {float, int, type(None)}
    if not set(map(type, values)) <= allowed:
        wrong = next(value for value in values if type(value) not in allowed)
        raise ValueError(f"{shown(wrong)} in the column {name!r} of the {table}, no number")
    nothing = None if not from_json or name.startswith("validation") else math.nan
    return [nothing if value is None else value for value in values]
