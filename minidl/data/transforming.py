"""A transform applied to batches, each with random numbers that follow from its number."""

from __future__ import annotations

import numpy as np

from minidl.data.buffers import Batch
from minidl.data.dataset import Dataset
from minidl.errors import ConfigurationError, DataError
from minidl.kernels.sparse import is_csr
from minidl.transforms import Transform
from minidl.transforms.transform import apply, check_transform


class Transforming:
    """A transform, and the key to its random numbers.

    Parameters
    ----------
    transform : Transform
    dataset : Dataset
        That of the batches.
    rng : Generator
        The key is drawn from one that is spawned from it, which changes nothing that is drawn from it.

    Attributes
    ----------
    key : ndarray of uint64, shape (2,)
    """

    def __init__(self, transform: Transform, dataset: Dataset, rng: np.random.Generator) -> None:
        self.transform = check_transform("Batches", transform)
        if is_csr(dataset.features):
            got, remedy = "sparse ones", "leave the transform out, or give features.toarray()"
            raise ConfigurationError.expected("Batches", "dense features for a transform", got, remedy)
        self._classes = dataset.num_classes if dataset.has_labels else None
        self.key = rng.spawn(1)[0].integers(1 << 64, size=2, dtype=np.uint64)

    def __call__(self, batch: Batch, number: int) -> Batch:
        """The batch of this number, counted from the first epoch's first, transformed: always alike."""
        features, targets, weights = batch
        # A batch's numbers begin where the counter's last word changes: 2^192 blocks after its neighbour's.
        bits = np.random.Philox(key=self.key, counter=np.array([0, 0, 0, number], np.uint64))
        features, changed = apply(self.transform, features, targets, np.random.Generator(bits))
        if self._classes is not None and changed.size:
            least, most = changed.min(), changed.max()
            if least < 0 or most >= self._classes:
                expected = f"labels from 0 to {self._classes - 1} from a transform"
                raise DataError.expected(repr(self.transform), expected, most if least >= 0 else least)
        return features, changed, weights


def transforming(
    transform: Transform | None, dataset: Dataset, rng: np.random.Generator
) -> Transforming | None:
    """None where there is no transform."""
    return None if transform is None else Transforming(transform, dataset, rng)
