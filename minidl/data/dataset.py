"""`Dataset`: samples and their targets, checked once."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from minidl.advice import as_object, shown
from minidl.checks import check_array
from minidl.data.columns import Column, checked_columns
from minidl.data.dataset_checks import (
    check_labels,
    checked_features,
    checked_names,
    checked_targets,
    checked_weights,
    count_classes,
)
from minidl.errors import DataError, DTypeError
from minidl.kernels.rows import row_blocks, take_rows
from minidl.kernels.sparse import arrays_of, is_csr
from minidl.tables import counted
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

Labels: TypeAlias = "npt.NDArray[np.int64]"


class Dataset:
    """Samples and their targets, checked once at construction.

    Whether the targets suit a net, its loss says (``loss.check_targets``); here they are numbers.

    Parameters
    ----------
    features : array-like, shape (N, ...), any bool, integer or floating dtype
        Kept in their dtype and not copied, so a memory-mapped array stays on the disk. But features in
        memory in which a sample's numbers do not lie side by side (Fortran order, the values of a pandas
        frame) are copied once if they take up to 256 MB, or each batch would be slow. Floating features
        must be finite; they are checked a few megabytes at a time. A ``csr_array`` or ``csr_matrix`` of
        ``scipy.sparse`` stays sparse, for a net that begins with `Affine` or `Embedding`; it is copied only
        where its columns are out of order or come twice in a row, and then these are added up.
    targets : array-like, shape (N, ...), any integer or floating dtype
        Labels: the class of each sample, integers of shape (N,) counted from 0. Or numbers to predict,
        one or an array a sample. Integers are copied to int64. Floating targets must be finite; they keep
        their dtype, and are copied only where they are not contiguous.
    weights : array-like, shape (N,), optional
        How much each sample counts: finite numbers >= 0, not all of them 0. Copied to float64.
    target_names : sequence of str, optional
        The name of each class; the targets are labels then. Without names there are
        ``max(targets) + 1`` classes.
    columns : sequence of Column, optional
        What the columns of a table (N, columns) are; a net gives each category a vector of its own by it.

    Attributes
    ----------
    features : ndarray, shape (N, ...), or CSR matrix, shape (N, features)
    targets : ndarray of int64 or floats, shape (N, ...), contiguous
    weights : ndarray of float64, shape (N,), or None
        In float64 because features may be integers, and losses and metrics add up in float64.
    target_names : tuple of str, or None
    columns : tuple of Column, or None

    Raises
    ------
    DataError
        The arrays are empty, of other shapes or dtypes, at odds in length, not finite, or hold a
        label outside of ``target_names``, a code outside of a column's categories or a weight below 0.

    Examples
    --------
    >>> Dataset([[0.0, 1.0], [1.0, 0.0]], [1, 0], target_names=("left", "right"))
    Dataset(2 samples of (2,) float64, 2 classes)
    >>> Dataset([[0.0, 1.0], [1.0, 0.0]], [[0.5], [0.25]])
    Dataset(2 samples of (2,) float64, targets of (1,) float64)
    """

    weights: Array | None = None
    columns: tuple[Column, ...] | None = None

    def __init__(
        self,
        features: npt.ArrayLike,
        targets: npt.ArrayLike,
        *,
        weights: npt.ArrayLike | None = None,
        target_names: Sequence[str] | None = None,
        columns: Iterable[Column] | None = None,
    ) -> None:
        self.target_names = checked_names(target_names)
        self.features = checked_features(features)
        self.targets = checked_targets(targets, self.features.shape[0])
        if weights is not None:
            self.weights = checked_weights(weights, len(self.targets))
        if columns is not None:
            self.columns = checked_columns(columns, self.features)
        if self.target_names:
            check_labels(self.targets, self.target_names)
            self._num_classes: int | None = len(self.target_names)
        else:
            self._num_classes = count_classes(self.targets)

    @property
    def has_labels(self) -> bool:
        """Whether the targets are labels: integers >= 0 of shape (N,)."""
        return self._num_classes is not None

    @property
    def num_classes(self) -> int:
        """The number of classes; `DataError` where the targets are no labels."""
        if self._num_classes is None:
            got = f"targets, which are no labels, of {_described(self.targets)}"
            if self.targets.ndim == 1 and self.targets.dtype.kind == "i":
                got = f"label {self.targets.min()}"
            raise DataError.expected("Dataset", "labels, integers counted from 0, to number classes", got)
        return self._num_classes

    def balanced_weights(self) -> tuple[float, ...]:
        """A weight for each class, with which all count alike: ``samples / (classes * samples of it)``.

        Of weighted samples their weights count. A class without samples has weight 0, and is none of the
        classes counted. For the argument `class_weights` of a loss.

        Examples
        --------
        >>> Dataset([[0.0], [1.0], [2.0], [3.0]], [0, 0, 0, 1]).balanced_weights()
        (0.6666666666666666, 2.0)
        """
        sizes = np.bincount(self.targets, self.weights, self.num_classes)
        there = sizes > 0
        weights = np.divide(sizes.sum() / there.sum(), sizes, out=np.zeros(len(sizes)), where=there)
        return tuple(weights.tolist())

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample, such as (28, 28)."""
        return self.features.shape[1:]

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: slice | npt.ArrayLike) -> Dataset:
        """The samples at `index`, a slice (a view) or a 1-D array of indices or booleans (a copy).

        The classes stay those of the whole data set, also where none of their samples is chosen.
        """
        part = copy.copy(self)  # past __init__: what is selected was checked with the whole
        if isinstance(index, slice):
            part.features = self.features[index]  # of a CSR matrix a copy
        else:
            index = self._checked_index(index)
            part.features = take_rows(self.features, index)
        part.targets = np.ascontiguousarray(self.targets[index])
        if not part.targets.size:
            raise DataError.expected("Dataset", "an index that selects a sample", "an empty selection")
        if self.weights is not None:
            part.weights = np.ascontiguousarray(self.weights[index])
        return part

    def holds_the_same(self, other: Dataset) -> bool:
        """Whether features, targets and weights are equal to the other's, in dtype and shape, too."""
        if self is other:
            return True
        check_dataset("Dataset", "other", other)
        if (self.weights is None) != (other.weights is None):
            return False
        if is_csr(self.features) != is_csr(other.features) or self.sample_shape != other.sample_shape:
            return False
        features, others = arrays_of(self.features), arrays_of(other.features)
        pairs = [(self.targets, other.targets), *zip(features, others, strict=True)]
        if self.weights is not None and other.weights is not None:
            pairs.append((self.weights, other.weights))
        return all(_are_equal(mine, others) for mine, others in pairs)

    def __repr__(self) -> str:
        weighted = "" if self.weights is None else ", weighted"
        return f"Dataset({counted(len(self), 'sample')} of {describe(self)}{weighted})"

    def _checked_index(self, index: npt.ArrayLike) -> Array:
        expected = "a slice or a 1-D array of indices or booleans"
        if isinstance(index, (int, np.integer, tuple)):
            remedy = "write dataset[i : i + 1] for a data set of one, dataset.features[i] for its features"
            raise DTypeError.expected("Dataset", expected, repr(index), remedy)
        if isinstance(index, str):
            raise DTypeError.expected(
                "Dataset", expected, repr(index), "a part is splits.train, splits.test …"
            )
        chosen = check_array("Dataset", "an index", index, kinds="biufU")
        if not chosen.size:
            chosen = chosen.astype(np.int64)  # an empty list reads as float64
        if chosen.ndim != 1 or chosen.dtype.kind not in "biu":
            raise DTypeError.expected("Dataset", expected, f"{chosen.dtype} of shape {chosen.shape}")
        if chosen.dtype.kind == "b":
            if len(chosen) != len(self):
                raise DataError.expected("Dataset", f"a mask of {len(self)} booleans", len(chosen))
            return np.flatnonzero(chosen)
        if len(outside := chosen[(chosen < -len(self)) | (chosen >= len(self))]):
            raise DataError.expected("Dataset", f"indices below {len(self)}", outside[0])
        return np.where(chosen < 0, chosen + len(self), chosen)


def check_dataset(where: str, name: str, dataset: object, more: tuple[object, ...] = ()) -> Dataset:
    """`dataset`, or `DataError` if it is something else or more was given, such as labels beside features."""
    if isinstance(dataset, Dataset) and not more:
        return dataset
    remedy = as_object(dataset, Dataset) or "wrap arrays: minidl.data.Dataset(features, targets)"
    names = ("train", "validation", "test")  # of `Splits`, which this module cannot know
    if parts := [part for part in names if isinstance(getattr(dataset, part, None), Dataset)]:
        remedy = f"give a part of it: data.{name if name in parts else ' or data.'.join(parts)}"
    elif any(isinstance(one, Dataset) for one in more):
        remedy = "give the second by its name: validation=..." if where == "fit" else "give one at a time"
    elif isinstance(dataset, (tuple, list)) and any(isinstance(one, Dataset) for one in dataset):
        remedy = "give one of them"
    expected = f"{name} to be {'one' if more else 'of class'} Dataset"
    raise DataError.expected(where, expected, " and ".join(map(shown, (dataset, *more))), remedy)


def _are_equal(one: Array, other: Array) -> bool:
    """Whether two arrays are equal, in dtype and shape, too; without a copy of either."""
    return (one.shape, one.dtype) == (other.shape, other.dtype) and all(
        np.array_equal(block, others)
        for (_, block), (_, others) in zip(row_blocks(one), row_blocks(other), strict=True)
    )


def describe(data: Dataset, num_classes: int = 0) -> str:
    """What samples and targets are, in words, with another number of classes if given."""
    targets = f"targets of {_described(data.targets)}"
    if data.has_labels:
        targets = counted(num_classes or data.num_classes, "class", "classes")
    features: Any = data.features
    sparse = f" ({features.nnz / math.prod(features.shape):.2%} stored)" if is_csr(features) else ""
    return f"{_described(features)}{sparse}, {targets}"


def _described(array: Array) -> str:
    """The shape and dtype of a sample's part of `array`."""
    shape = array.shape[1:]
    return f"{shape} {array.dtype}" if shape else f"{array.dtype}"
