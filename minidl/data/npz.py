"""Data sets of one's own: arrays in one `.npz` file, as `numpy.savez` writes it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minidl.checks import check_kind
from minidl.data.dataset import Dataset
from minidl.data.dataset_checks import checked_features
from minidl.data.splits import Splits, stratified_hold_out
from minidl.errors import DataError
from minidl.files import as_path, atomic_write
from minidl.kernels.sparse import is_csr
from minidl.tables import listed
from minidl.types import Array

MAX_VALIDATION = 5_000
_PARTS = ("train", "validation", "test")
_SPARSE = ("data", "indices", "indptr", "shape")
"""What SciPy calls the arrays of a CSR matrix; `x_train` may stand as `x_train_data` and so on."""

_WANTED = "arrays x_train and y_train, at will x_validation, y_validation, x_test, y_test and target_names"
_TO_MEASURE = "arrays x_test and y_test, or x and y, at will target_names"

_PAIRS = (
    "x_ and y_ come in pairs, weights_ only with them, and a CSR matrix x_train as x_train_data, "
    "x_train_indices, x_train_indptr and x_train_shape"
)


def read_npz(path: str | os.PathLike[str]) -> Splits:
    """Read `x_train`, `y_train` and what else there is of `_validation`, `_test` and `target_names`.

    Integers in `y_train` are labels, floats are numbers to predict. `weights_train` and its like say
    how much each sample counts, as in a `Dataset`. A CSR matrix `x_train` stands as its four arrays
    `x_train_data`, `x_train_indices`, `x_train_indptr` and `x_train_shape`. Where there is no validation
    part, a tenth of the training part (at most 5,000 samples) becomes one, drawn from each class in
    proportion and the same every time (`stratified_hold_out`).
    Fewer than ten training samples give none. Pickled (object) arrays are refused. Arrays of other
    names are ignored, unless they start with ``x_`` or ``y_``.

    Raises
    ------
    DataError
        The file is missing, foreign or damaged, an array is missing or cannot be a part of a data
        set. The message names the file and the arrays found.
    """
    path = as_path("read_npz", path)
    parts = _read_parts(path, {part: f"_{part}" for part in _PARTS}, "train")
    train, validation = parts["train"], parts.get("validation")
    if validation is None:
        train, validation = stratified_hold_out(train, MAX_VALIDATION)
    try:
        return Splits(path.stem, train, validation, parts.get("test"))
    except DataError as error:
        raise DataError(f"npz file {str(path)!r}: {error}") from None


def read_unsplit(path: str | os.PathLike[str]) -> dict[str, Dataset]:
    """The parts that are there, of which none is held out: what a net is measured on.

    The arrays `x` and `y` are a part "test", if the file has no other one.

    Raises
    ------
    DataError
        As `read_npz`; a part, whichever, is enough.
    """
    path = as_path("read_unsplit", path)
    names = {*_read_arrays(f"npz file {str(path)!r}", path, ())[0]}
    is_bare = not any(f"x_{part}{end}" in names for part in _PARTS for end in ("", "_data"))
    return _read_parts(path, {"test": ""} if is_bare else {part: f"_{part}" for part in _PARTS})


def _read_parts(path: Path, ends: Mapping[str, str], needed: str | None = None) -> dict[str, Dataset]:
    """Each part of which there are arrays whose names have its end, such as ``_train``."""
    where = f"npz file {str(path)!r}"
    own = [f"{kind}{end}" for kind in ("x", "y", "weights") for end in ends.values()]
    names, arrays = _read_arrays(where, path, (*own, "target_names"))
    found = ", ".join(sorted(names)[:20]) or "no array"
    strangers = [name for name in names if name.startswith(("x_", "y_")) and name not in arrays]
    lone = [end for end in ends.values() if (f"x{end}" in arrays) != (f"y{end}" in arrays)]
    lone += [end for end in ends.values() if f"weights{end}" in arrays and f"x{end}" not in arrays]
    there = {part: end for part, end in ends.items() if f"x{end}" in arrays}
    if not there or (needed and needed not in there) or strangers or lone:
        wanted = _WANTED if needed else _TO_MEASURE
        raise DataError.expected(where, wanted, found, _PAIRS)
    try:
        target_names = _target_names(arrays)
        return {
            part: Dataset(
                arrays[f"x{end}"],
                arrays[f"y{end}"],
                weights=arrays.get(f"weights{end}"),
                target_names=target_names,
            )
            for part, end in there.items()
        }
    except DataError as error:
        raise DataError(f"{where} (found {found}): {error}") from None


def read_samples(path: str | os.PathLike[str], part: str | None = None) -> tuple[Array, str]:
    """An array of samples in an `.npz` file, and its name: that of `part`, or `x`, or the last part's.

    Raises
    ------
    DataError
        As `read_npz`; no target has to be there.
    """
    path = as_path("read_samples", path)
    where = f"npz file {str(path)!r}"
    wanted = ["x", *(f"x_{each}" for each in reversed(_PARTS))] if part is None else [f"x_{part}"]
    names, arrays = _read_arrays(where, path, wanted)
    name = next((name for name in wanted if name in arrays), None)
    if name is None:
        got = listed(sorted(names)) or "no array"
        raise DataError.expected(where, f"an array {' or '.join(wanted)}", got)
    try:
        if not arrays[name].ndim or not arrays[name].shape[0]:
            raise DataError.expected("Dataset", "one sample or more", arrays[name].shape)
        return checked_features(arrays[name]), name
    except DataError as error:
        raise DataError(f"{where}, {name}: {str(error).removeprefix('Dataset: ')}") from None


def save(splits: Splits, path: str | os.PathLike[str]) -> None:
    """Write a data set into one `.npz` file, whole or not at all; `load` reads it, and so do the commands.

    Parameters
    ----------
    splits : Splits
        Of a part without a validation part, `load` holds one out.
    path : path-like
        Ends in ``.npz``, or `load` does not know it.

    Raises
    ------
    DataError
        The name ends otherwise, or the data are a table whose columns say what they are, which only a
        `.csv` file keeps.
    """
    path = as_path("save", path)
    check_kind("save", "splits", splits, Splits, remedy="of one Dataset, Splits('mine', dataset)")
    if path.suffix.lower() != ".npz":
        raise DataError.expected("save", "a path that ends in .npz", repr(str(path)))
    if splits.train.columns is not None:
        got, remedy = "a table with columns of categories", "keep its .csv file"
        raise DataError.expected("save", "features that are numbers alone", got, remedy)
    arrays: dict[str, Any] = {}
    for part in _PARTS:
        data: Dataset | None = getattr(splits, part)
        if data is None:
            continue
        arrays |= _as_arrays(f"x_{part}", data.features)
        arrays[f"y_{part}"] = data.targets
        if data.weights is not None:
            arrays[f"weights_{part}"] = data.weights
    if splits.train.target_names:
        arrays["target_names"] = np.array(splits.train.target_names)
    with atomic_write(path) as file:
        np.savez(file, **arrays)


def _as_arrays(name: str, features: Any) -> dict[str, Array]:
    if not is_csr(features):
        return {name: features}
    return {f"{name}_{part}": np.asarray(getattr(features, part)) for part in _SPARSE}


def _read_arrays(where: str, path: Path, wanted: Collection[str]) -> tuple[list[str], dict[str, Any]]:
    """The names of a file's arrays, and those of the `wanted` ones that are there.

    Of a CSR matrix, its four arrays are left, each with the matrix: so it is known by all of its names.
    """
    remedy = "write it with minidl.data.save(splits, path) or np.savez(path, x_train=..., y_train=...)"
    try:
        with path.open("rb") as stream:  # np.load leaves a file it opened itself open on bad zips
            archive = np.load(stream, allow_pickle=False)
            if isinstance(archive, np.lib.npyio.NpzFile):
                names = list(archive)
                arrays: dict[str, Any] = {name: np.asarray(archive[name]) for name in names if name in wanted}
                for name in wanted:
                    parts = {part: f"{name}_{part}" for part in _SPARSE}
                    if name not in arrays and all(full in names for full in parts.values()):
                        matrix = _as_matrix(*(archive[full] for full in parts.values()))
                        arrays |= dict.fromkeys((name, *parts.values()), matrix)
                return names, arrays
    except FileNotFoundError as error:
        raise DataError.expected(where, "a readable .npz file", "no such file", "check the path") from error
    except Exception as error:  # a damaged zip raises from zipfile, zlib, struct, tokenize, NumPy, SciPy
        got = error or type(error).__name__
        raise DataError.expected(where, "a readable .npz file", got, remedy) from error
    raise DataError.expected(where, "an .npz file of named arrays", "a single array", remedy)


def _as_matrix(data: Array, indices: Array, indptr: Array, shape: Array) -> Any:
    from scipy.sparse import csr_array  # here: few files hold one

    return csr_array((data, indices, indptr), shape=tuple(shape.tolist()))


def _target_names(arrays: Mapping[str, Array]) -> tuple[str, ...] | None:
    names = arrays.get("target_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind != "U":
        got = f"{names.dtype} of shape {names.shape}"
        raise DataError.expected("target_names", "a 1-D array of strings", got)
    return tuple(names.tolist())
