"""A data set of one's own: arrays in one `.npz` file, as `numpy.savez` writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from minidl.data.dataset import Dataset
from minidl.data.splits import Splits, stratified_hold_out
from minidl.errors import DataError
from minidl.files import as_path
from minidl.types import Array

MAX_VALIDATION = 5_000
_PARTS = ("train", "validation", "test")
_NAMES = tuple(f"{axis}_{part}" for part in _PARTS for axis in "xy")
_WEIGHTS = tuple(f"weights_{part}" for part in _PARTS)
_WANTED = "arrays x_train and y_train, at will x_validation, y_validation, x_test, y_test and target_names"


def read_npz(path: str | os.PathLike[str]) -> Splits:
    """Read `x_train`, `y_train` and what else there is of `_validation`, `_test` and `target_names`.

    Integers in `y_train` are labels, floats are numbers to predict. `weights_train` and its like say
    how much each sample counts, as in a `Dataset`. Where there is no validation part, a tenth of the
    training part (at most 5,000 samples) becomes one, drawn from each class in proportion and the same
    every time (`stratified_hold_out`).
    Fewer than ten training samples give none. Pickled (object) arrays are refused. Arrays of other
    names are ignored, unless they start with ``x_`` or ``y_``.

    Raises
    ------
    DataError
        The file is missing, foreign or damaged, an array is missing or cannot be a part of a data
        set. The message names the file and the arrays found.
    """
    path = as_path("read_npz", path)
    where = f"npz file {str(path)!r}"
    names, arrays = _read_arrays(where, path)
    found = ", ".join(sorted(names)[:20]) or "no array"
    strangers = [name for name in names if name.startswith(("x_", "y_")) and name not in _NAMES]
    lone = [part for part in _PARTS if (f"x_{part}" in names) != (f"y_{part}" in names)]
    lone += [part for part in _PARTS if f"weights_{part}" in names and f"x_{part}" not in names]
    if "x_train" not in names or strangers or lone:
        raise DataError.expected(where, _WANTED, found, "x_ and y_ come in pairs, weights_ only with them")
    try:
        target_names = _target_names(arrays)
        parts = {
            part: Dataset(
                arrays[f"x_{part}"],
                arrays[f"y_{part}"],
                weights=arrays.get(f"weights_{part}"),
                target_names=target_names,
            )
            for part in _PARTS
            if f"x_{part}" in arrays
        }
        train, validation = parts["train"], parts.get("validation")
        if validation is None:
            train, validation = stratified_hold_out(train, MAX_VALIDATION)
        return Splits(Path(path).stem, train, validation, parts.get("test"))
    except DataError as error:
        raise DataError(f"{where} (found {found}): {error}") from None


def _read_arrays(where: str, path: str | os.PathLike[str]) -> tuple[list[str], dict[str, Array]]:
    remedy = "write it with np.savez(path, x_train=..., y_train=...)"
    try:
        with Path(path).open("rb") as stream:  # np.load leaves a file it opened itself open on bad zips
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.lib.npyio.NpzFile):
                names = list(archive)
                known = [name for name in names if name in (*_NAMES, *_WEIGHTS, "target_names")]
                return names, {name: np.asarray(archive[name]) for name in known}
    except Exception as error:  # a damaged zip raises from zipfile, zlib, struct, tokenize, NumPy
        got = error or type(error).__name__
        raise DataError.expected(where, "a readable .npz file", got, remedy) from error
    raise DataError.expected(where, "an .npz file of named arrays", "a single array", remedy)


def _target_names(arrays: Mapping[str, Array]) -> tuple[str, ...] | None:
    names = arrays.get("target_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind != "U":
        got = f"{names.dtype} of shape {names.shape}"
        raise DataError.expected("target_names", "a 1-D array of strings", got)
    return tuple(names.tolist())
