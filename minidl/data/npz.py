"""Data sets of one's own: arrays in one `.npz` file, as `numpy.savez` writes it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from minidl.archive import Archive
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

_KINDS = "fiubcSU"  # Dataset says what is wrong with the others
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
    with _opened(path) as archive:
        parts = _read_parts(path, archive, {part: f"_{part}" for part in _PARTS}, "train")
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
    with _opened(path) as archive:
        is_bare = not any(f"x_{part}{end}" in archive.arrays for part in _PARTS for end in ("", "_data"))
        return _read_parts(path, archive, {"test": ""} if is_bare else {part: f"_{part}" for part in _PARTS})


def _read_parts(
    path: Path, archive: Archive, ends: Mapping[str, str], needed: str | None = None
) -> dict[str, Dataset]:
    """Each part of which there are arrays whose names have its end, such as ``_train``."""
    where = f"npz file {str(path)!r}"
    own = [f"{kind}{end}" for kind in ("x", "y", "weights") for end in ends.values()]
    names, arrays = archive.arrays, _read_arrays(where, archive, (*own, "target_names"))
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
    with _opened(path) as archive:
        names, arrays = archive.arrays, _read_arrays(where, archive, wanted)
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


@contextmanager
def _opened(path: Path) -> Iterator[Archive]:
    where = f"npz file {str(path)!r}"
    try:
        with Archive(path, where, DataError, packed=True) as archive:
            yield archive
    except FileNotFoundError as error:
        raise DataError.expected(where, "a readable .npz file", "no such file", "check the path") from error
    except DataError as error:
        if isinstance(error.__cause__, Exception):  # of a file that is none, or damaged
            remedy = (
                "write it with minidl.data.save(splits, path) or np.savez(path, x_train=..., y_train=...)"
            )
            raise DataError(f"{error}; {remedy}") from error
        raise


def _read_arrays(where: str, archive: Archive, wanted: Collection[str]) -> dict[str, Any]:
    """Those of the `wanted` arrays that are there.

    Of a CSR matrix, its four arrays are left, each with the matrix: so it is known by all of its names.
    """
    arrays: dict[str, Any] = {name: archive.array(name, _KINDS) for name in wanted if name in archive.arrays}
    for name in wanted:
        parts = {part: f"{name}_{part}" for part in _SPARSE}
        if name not in arrays and all(full in archive.arrays for full in parts.values()):
            found = [archive.array(full) for full in parts.values()]
            arrays |= dict.fromkeys((name, *parts.values()), _as_matrix(f"{where}, {name}", *found))
    return arrays


def _as_matrix(where: str, data: Array, indices: Array, indptr: Array, shape: Array) -> Any:
    """The CSR matrix, if its arrays fit each other: SciPy believes them, and would read memory of others."""
    from scipy.sparse import csr_array  # here: few files hold one

    def check(is_so: object, expected: str, got: object) -> None:
        if not is_so:
            raise DataError.expected(where, expected, got, "write it with minidl.data.save(splits, path)")

    for array, name in zip((data, indices, indptr, shape), _SPARSE, strict=True):
        is_kind = name == "data" or array.dtype.kind in "iu"
        got = f"{array.dtype} of shape {array.shape}"
        check(array.ndim == 1 and is_kind, f"{name} of numbers, whole ones but for data, in one row", got)
    sizes = tuple(shape.tolist())
    check(len(sizes) == 2 and min(sizes) >= 0, "a shape of two sizes", sizes[:4])
    check(len(indptr) == sizes[0] + 1, f"indptr of {sizes[0] + 1} numbers", len(indptr))
    rising = indptr[0] == 0 and indptr[-1] == len(indices) and (indptr[:-1] <= indptr[1:]).all()
    check(rising, f"indptr that rises from 0 to {len(indices)}, as many as indices", "another one")
    check(len(data) == len(indices), f"data of {len(indices)} numbers, as many as indices", len(data))
    least, most = int(indices.min(initial=0)), int(indices.max(initial=0))
    check(
        not len(indices) or 0 <= least <= most < sizes[1], f"indices below {sizes[1]}", f"{least} to {most}"
    )
    data = data.astype(data.dtype.newbyteorder("="), copy=False)  # SciPy knows no other
    return csr_array((data, indices, indptr), shape=sizes)


def _target_names(arrays: Mapping[str, Array]) -> tuple[str, ...] | None:
    names = arrays.get("target_names")
    if names is None:
        return None
    if names.ndim != 1 or names.dtype.kind != "U":
        got = f"{names.dtype} of shape {names.shape}"
        raise DataError.expected("target_names", "a 1-D array of strings", got)
    return tuple(names.tolist())
