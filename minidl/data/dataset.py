"""`Dataset`: samples and their labels, checked once; `Splits`: the parts of one problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from minidl.checks import check_array, check_kind, shown
from minidl.errors import DataError, DTypeError
from minidl.kernels.rows import first_not_finite, row_blocks, take_rows, with_whole_rows
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

Labels: TypeAlias = "npt.NDArray[np.int64]"


class Dataset:
    """Samples and their integer labels, checked once at construction.

    Parameters
    ----------
    features : array-like, shape (N, ...), any bool, integer or floating dtype
        Kept in its dtype and not copied, so a memory-mapped array stays on the disk; but in memory,
        features of up to 256 MB in which a sample's numbers do not lie side by side (Fortran order,
        the values of a pandas frame) are copied once, or each batch would be slow. Floating features
        must be finite; they are checked a few megabytes at a time.
    targets : array-like of integers, shape (N,)
        The class of each sample, counted from 0. Copied to int64.
    target_names : sequence of str, optional
        The name of each class. Without names there are ``max(targets) + 1`` classes.

    Attributes
    ----------
    features : ndarray, shape (N, ...)
    targets : ndarray of int64, shape (N,), contiguous
    target_names : tuple of str, or None
    num_classes : int

    Raises
    ------
    DataError
        The arrays are empty, of other shapes or dtypes, at odds in length, not finite, or hold a
        label outside ``[0, num_classes)``.

    Examples
    --------
    >>> Dataset([[0.0, 1.0], [1.0, 0.0]], [1, 0], target_names=("left", "right"))
    Dataset(2 samples of (2,) float64, 2 classes)
    """

    def __init__(
        self, features: npt.ArrayLike, targets: npt.ArrayLike, *, target_names: Sequence[str] | None = None
    ) -> None:
        self.target_names = _checked_names(target_names)
        self.features = _checked_features(features)
        self.targets = _checked_targets(targets, len(self.features), self.target_names)
        self.num_classes = len(self.target_names) if self.target_names else int(self.targets.max()) + 1

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
        if isinstance(index, slice):
            features, targets = self.features[index], np.ascontiguousarray(self.targets[index])
        else:
            chosen = self._checked_index(index)
            features, targets = take_rows(self.features, chosen), self.targets[chosen]
        if not len(targets):
            raise DataError.expected("Dataset", "an index that selects a sample", "an empty selection")
        part = Dataset.__new__(Dataset)  # past __init__: what is selected was checked with the whole
        part.target_names = self.target_names
        part.num_classes = self.num_classes
        part.features, part.targets = features, targets
        return part

    def holds_the_same(self, other: Dataset) -> bool:
        """Whether features and targets are equal to the other's, in dtype and shape, too."""
        if self is other:
            return True
        check_dataset("Dataset", "other", other)
        mine, others = self.features, other.features
        return (
            (mine.shape, mine.dtype) == (others.shape, others.dtype)
            and np.array_equal(self.targets, other.targets)
            and all(
                np.array_equal(block, other)
                for (_, block), (_, other) in zip(row_blocks(mine), row_blocks(others), strict=True)
            )
        )

    def __repr__(self) -> str:
        return f"Dataset({_count(len(self), 'sample')} of {_describe(self)})"

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


@dataclass(frozen=True, repr=False)
class Splits:
    """The parts of one problem: what to train on, what to tune on, what to report on.

    Raises
    ------
    DataError
        The parts' samples have different shapes.
    """

    name: str
    train: Dataset
    validation: Dataset | None = None
    test: Dataset | None = None

    def __post_init__(self) -> None:
        check_kind("Splits", "name", self.name, str)
        check_dataset("Splits", "train", self.train)
        for part, data in self._parts().items():
            check_dataset("Splits", part, data)
            if data.sample_shape != self.sample_shape:
                expected = f"{part} samples of shape {self.sample_shape}, as in the training part"
                raise DataError.expected(f"Splits {self.name!r}", expected, data.sample_shape)

    @property
    def num_classes(self) -> int:
        """The number of classes: the largest of the parts'."""
        return max(data.num_classes for data in self._parts().values())

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample, the same in each part."""
        return self.train.sample_shape

    def __repr__(self) -> str:
        counts = ", ".join(f"{part} {len(data)}" for part, data in self._parts().items())
        return f"Splits({self.name!r}: {counts} of {_describe(self.train, self.num_classes)})"

    def _parts(self) -> dict[str, Dataset]:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: data for part, data in parts.items() if data is not None}


def check_dataset(where: str, name: str, dataset: object) -> Dataset:
    """`dataset`, or `DataError` if it is something else."""
    remedy = "wrap arrays: minidl.data.Dataset(features, targets)"
    check_kind(where, name, dataset, Dataset, error=DataError, remedy=remedy)
    return dataset  # type: ignore[return-value]


def hold_out(train: Dataset, most: int) -> tuple[Dataset, Dataset | None]:
    """`train` without its last samples, and those: `most` of them, but never more than a tenth.

    Both are views. Fewer than ten samples give no second part.
    """
    held = min(most, len(train) // 10)
    return (train[:-held], train[-held:]) if held else (train, None)


def stratified_hold_out(train: Dataset, most: int) -> tuple[Dataset, Dataset | None]:
    """`train` without a tenth of its samples, `most` at most, drawn class by class; and those.

    Each class gives its share, rounded up or down, but never its only sample. The draw is the same
    every time. Both parts keep the order of the samples; they are copies, so that for a while there
    are two of `train`. Where nothing can be held out, as of fewer than ten samples, there is no
    second part.
    """
    held = min(most, len(train) // 10)
    share, whole = (held, len(train)) if held < len(train) // 10 else (1, 10)
    _, sizes = np.unique(train.targets, return_counts=True)
    quotas, rests = np.divmod(sizes * share, whole)
    rests[sizes == 1] = 0
    # What rounding down has left over goes to the classes that lost the most by it.
    losers = np.argsort(-rests, kind="stable")[: held - quotas.sum()]
    quotas[losers] += rests[losers] > 0
    if not quotas.any():
        return train, None
    # The bits of a PCG64 are the same in every NumPy, which is not said of what is drawn from them.
    by_class = np.lexsort((np.random.PCG64(0).random_raw(len(train)), train.targets))
    places = np.arange(len(train)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(len(train), bool)
    chosen[by_class[places < np.repeat(quotas, sizes)]] = True
    return train[~chosen], train[chosen]


def _checked_names(names: Sequence[str] | None) -> tuple[str, ...] | None:
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


def _checked_features(features: npt.ArrayLike) -> Array:
    array = check_array("Dataset", "features", features, dtype_error=DataError)
    if array.ndim < 2:
        remedy = "reshape to (N, 1)" if array.ndim == 1 else ""
        raise DataError.expected("Dataset", "features of shape (N, ...)", array.shape, remedy)
    if not array.size:
        raise DataError.expected("Dataset", "a sample or more of a number or more", f"shape {array.shape}")
    if array.dtype.kind == "f" and (found := first_not_finite(array)):
        row, value = found
        remedy = "drop such samples or fill in the missing values"
        raise DataError.expected("Dataset", "finite features", f"{value} in sample {row}", remedy)
    return with_whole_rows(array)


def _checked_targets(targets: npt.ArrayLike, length: int, names: tuple[str, ...] | None) -> Labels:
    array = check_array("Dataset", "targets", targets, kinds="biufOSUT", dtype_error=DataError)
    if array.ndim != 1:
        one_hot = "turn one-hot rows into labels: targets.argmax(axis=1)"
        remedy = "take targets[:, 0]" if array.shape[1:] == (1,) else one_hot if array.ndim == 2 else ""
        raise DataError.expected("Dataset", "integer targets of shape (N,)", f"shape {array.shape}", remedy)
    check_array("Dataset", "targets", array, kinds="iu", dtype_error=DataError)
    if len(array) != length:
        remedy = "each sample needs one label"
        raise DataError.expected("Dataset", f"{length} targets, as many as features", len(array), remedy)
    classes = len(names) if names else np.iinfo(np.int64).max
    outside = (array < 0) | (array >= classes)
    if outside.any():
        bad = int(np.argmax(outside))
        expected = f"labels from 0 to {classes - 1} (target_names)" if names else "labels counted from 0"
        remedy = "number the classes 0, 1, 2, ...: np.unique(targets, return_inverse=True)[1]"
        raise DataError.expected("Dataset", expected, f"label {array[bad]} at sample {bad}", remedy)
    return np.array(array, dtype=np.int64, order="C")


def _describe(data: Dataset, num_classes: int | None = None) -> str:
    classes = _count(num_classes or data.num_classes, "class", "classes")
    return f"{data.sample_shape} {data.features.dtype}, {classes}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
