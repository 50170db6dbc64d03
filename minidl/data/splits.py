"""`Splits`: the parts of one problem; and how a part is held out of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minidl.checks import check_kind
from minidl.data.dataset import Dataset, check_dataset, describe
from minidl.errors import DataError

_SEED = int.from_bytes(b"minidl")


@dataclass(frozen=True, repr=False)
class Splits:
    """The parts of one problem: what to train on, what to tune on, what to report on.

    Raises
    ------
    DataError
        The parts' samples or targets have different shapes, or some targets are integers and some
        are not.
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
            if _kind(data) != _kind(self.train):
                expected = f"{part} targets of {_kind(self.train)}, as in the training part"
                raise DataError.expected(f"Splits {self.name!r}", expected, _kind(data))
            if data.columns != self.train.columns:
                expected = f"the same columns in the {part} part as in the training part"
                raise DataError.expected(f"Splits {self.name!r}", expected, "others")

    @property
    def num_classes(self) -> int:
        """The number of classes, the largest of the parts'; `DataError` where targets are no labels."""
        return max(data.num_classes for data in self._parts().values())

    @property
    def has_labels(self) -> bool:
        """Whether the targets are labels, in each part."""
        return all(data.has_labels for data in self._parts().values())

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """The shape of one sample, the same in each part."""
        return self.train.sample_shape

    def __repr__(self) -> str:
        counts = ", ".join(f"{part} {len(data)}" for part, data in self._parts().items())
        described = describe(self.train, self.num_classes if self.has_labels else 0)
        return f"Splits({self.name!r}: {counts} of {described})"

    def _parts(self) -> dict[str, Dataset]:
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: data for part, data in parts.items() if data is not None}


def _kind(data: Dataset) -> str:
    kind = "floats" if data.targets.dtype.kind == "f" else "integers"
    return f"{kind} of shape {data.targets.shape[1:]} a sample" if data.targets.ndim > 1 else kind


def hold_out(train: Dataset, most: int) -> tuple[Dataset, Dataset | None]:
    """`train` without its last samples, and those: `most` of them, but never more than a tenth.

    Both are views. Fewer than ten samples give no second part.
    """
    held = min(most, len(train) // 10)
    return (train[:-held], train[-held:]) if held else (train, None)


def stratified_hold_out(train: Dataset, most: int) -> tuple[Dataset, Dataset | None]:
    """`train` without a tenth of its samples, `most` at most, drawn class by class; and those.

    Each class gives its share, rounded up or down, but never its only sample. Where the targets are no
    labels, all samples are of one class. The draw is the same every time. Both parts keep the order of
    the samples; they are copies, so that for a while there are two of `train`. Where nothing can be held
    out, as of fewer than ten samples, there is no second part.
    """
    held = min(most, len(train) // 10)
    share, whole = (held, len(train)) if held < len(train) // 10 else (1, 10)
    labels = train.targets if train.has_labels else np.zeros(len(train), np.int64)
    _, sizes = np.unique(labels, return_counts=True)
    quotas, rests = np.divmod(sizes * share, whole)
    rests[sizes == 1] = 0
    # What rounding down has left over goes to the classes that lost the most by it.
    losers = np.argsort(-rests, kind="stable")[: held - quotas.sum()]
    quotas[losers] += rests[losers] > 0
    if not quotas.any():
        return train, None
    # The bits of a PCG64 are the same in every NumPy, which is not said of what is drawn from them. The seed
    # is nobody else's: samples that were themselves drawn from it would be held out by their size.
    by_class = np.lexsort((np.random.PCG64(_SEED).random_raw(len(train)), labels))
    places = np.arange(len(train)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = np.zeros(len(train), bool)
    chosen[by_class[places < np.repeat(quotas, sizes)]] = True
    return train[~chosen], train[chosen]
