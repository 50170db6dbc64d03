"""The checks of what makes a data set; every message is a `DataError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidl.advice import is_sparse, shown
from minidl.checks import check_array
from minidl.errors import DataError, MinidlError
from minidl.kernels.rows import first_not_finite, with_whole_rows
from minidl.kernels.sparse import check_csr
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


def checked_names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """`names` as a tuple, if they are one or more strings in an order."""
    if names is None:
        return None
    try:
        if isinstance(names, (str, bytes, set, frozenset)):  # a set has no order to keep
            raise TypeError
        listed = tuple(names)
    except TypeError:
        listed = ()
    if not listed or not all(isinstance(name, str) for name in listed):
        raise DataError.expected("Dataset", "target_names to be one or more strings", shown(names))
    return tuple(map(str, listed))


def checked_features(features: npt.ArrayLike) -> Array:
    """`features` as an array of finite numbers, whose rows are whole if they fit into memory twice."""
    if is_sparse(features):
        return _checked_sparse(features)
    array = check_array("Dataset", "features", features, dtype_error=DataError)
    if array.ndim < 2:
        remedy = "reshape to (N, 1)" if array.ndim == 1 else ""
        raise DataError.expected("Dataset", "features of shape (N, ...)", array.shape, remedy)
    if not array.size:
        raise DataError.expected("Dataset", "a sample or more of a number or more", f"shape {array.shape}")
    _check_finite("features", array)
    return with_whole_rows(array)


def _checked_sparse(features: object) -> Array:
    """A CSR matrix of finite numbers that shares the arrays of `features`, or a copy that is in order."""
    matrix = check_csr("Dataset", "features", features, dtype_error=DataError, shape_error=DataError)
    if not all(matrix.shape):
        expected = "a sample or more of a number or more"
        raise DataError.expected("Dataset", expected, f"shape {matrix.shape}")
    if not matrix.has_canonical_format:  # columns out of order, or numbers that are still to be added
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.dtype.kind == "f" and (found := first_not_finite(matrix.data[:, None])):
        row = int(np.searchsorted(matrix.indptr, found[0], "right")) - 1
        raise _not_finite("features", row, found[1])
    return matrix  # type: ignore[no-any-return]


def checked_targets(targets: npt.ArrayLike, length: int) -> Array:
    """`targets` as a contiguous array of int64 or finite floats, as many as `length`."""
    kinds = "biufOSUT"  # words and objects get a hint of their own
    array = check_array("Dataset", "targets", targets, kinds=kinds, dtype_error=DataError)
    if array.dtype.kind not in "iuf":
        check_array("Dataset", "targets", array, kinds="iu", dtype_error=DataError)
    _check_length("targets", array, length, "each sample needs one target")
    if not array.size:
        raise DataError.expected("Dataset", "targets of a number or more a sample", f"shape {array.shape}")
    if array.dtype.kind == "f":
        _check_finite("targets", array)
        return np.ascontiguousarray(array)
    if array.max() > np.iinfo(np.int64).max:
        raise DataError.expected("Dataset", "targets below 2**63", array.max())
    return np.array(array, dtype=np.int64, order="C")


def checked_weights(weights: npt.ArrayLike, length: int) -> Array:
    """`weights` as a new array of float64, one finite number >= 0 a sample."""
    array = check_array("Dataset", "weights", weights, dtype_error=DataError)
    _check_length("weights", array, length, "each sample needs one weight")
    if array.ndim != 1:
        raise DataError.expected("Dataset", "weights of shape (N,)", f"shape {array.shape}")
    _check_finite("weights", array)
    if array.min() < 0:
        bad = int(np.argmin(array))
        raise DataError.expected("Dataset", "weights >= 0", f"{array[bad]} at sample {bad}")
    if not array.any():
        remedy = "leave weights out if all samples count alike"
        raise DataError.expected("Dataset", "a weight above 0", "zeros only", remedy)
    return np.array(array, dtype=np.float64)


def _check_length(name: str, array: Array, length: int, remedy: str) -> None:
    got = f"{len(array)}" if array.ndim else "a single number"
    if got != f"{length}":
        raise DataError.expected("Dataset", f"{length} {name}, as many as features", got, remedy)


def _check_finite(name: str, array: Array) -> None:
    if array.ndim == 1:
        array = array[:, None]
    if array.dtype.kind == "f" and (found := first_not_finite(array)):
        raise _not_finite(name, *found)


def _not_finite(name: str, row: int, value: object) -> MinidlError:
    remedy = "drop such samples or fill in the missing values"
    return DataError.expected("Dataset", f"finite {name}", f"{value} in sample {row}", remedy)


def check_labels(targets: Array, names: tuple[str, ...]) -> None:
    """Raise `DataError` if `targets` are no labels of the classes of these `names`."""
    if targets.dtype.kind == "f":
        check_array("Dataset", "targets", targets, kinds="iu", dtype_error=DataError)
    if targets.ndim != 1:
        one_hot = "turn one-hot rows into labels: targets.argmax(axis=1)"
        remedy = "take targets[:, 0]" if targets.shape[1:] == (1,) else one_hot if targets.ndim == 2 else ""
        got = f"shape {targets.shape}"
        raise DataError.expected("Dataset", "integer targets of shape (N,) (target_names)", got, remedy)
    outside = (targets < 0) | (targets >= len(names))
    if outside.any():
        bad = int(np.argmax(outside))
        expected = f"labels from 0 to {len(names) - 1} (target_names)"
        remedy = "number the classes 0, 1, 2, ...: np.unique(targets, return_inverse=True)[1]"
        raise DataError.expected("Dataset", expected, f"label {targets[bad]} at sample {bad}", remedy)


def count_classes(targets: Array) -> int | None:
    """As many as the largest label asks for, or None where targets are no labels."""
    if targets.ndim != 1 or targets.dtype.kind == "f" or targets.min() < 0:
        return None
    return int(targets.max()) + 1
