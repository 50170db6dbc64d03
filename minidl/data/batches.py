"""Minibatches of a data set, epoch after epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minidl.data.dataset import Dataset
from minidl.errors import ConfigurationError, check_int
from minidl.initializers import Array, Rng, as_generator


class Batches:
    """An endless iterator of ``(features, targets)``, lent until the next one is drawn.

    Parameters
    ----------
    dataset : Dataset
    batch_size : int >= 1
    rng : Generator, seed or None
    sampling : "shuffle" or "replacement"
        ``"shuffle"``: every epoch visits every sample once, in a new order; the last batch may be
        smaller. ``"replacement"``: every batch is drawn independently, all of full size; an epoch
        is ``max(len(dataset) // batch_size, 1)`` of them.

    Attributes
    ----------
    steps_per_epoch : int
    position : int
        Batches drawn since the epoch began; 0 at an epoch's end.
    """

    def __init__(
        self, dataset: Dataset, batch_size: int, *, rng: Rng = None, sampling: str = "shuffle"
    ) -> None:
        self.dataset = dataset
        self.batch_size = check_int("Batches", "batch_size", batch_size, at_least=1)
        if sampling not in ("shuffle", "replacement"):
            raise ConfigurationError.expected(
                "Batches", "sampling 'shuffle' or 'replacement'", repr(sampling)
            )
        self.sampling = sampling
        self.position = 0
        count = len(dataset)
        # Ceiling where the last, smaller batch is kept; whole numbers either way.
        whole = max(count // self.batch_size, 1)
        self.steps_per_epoch = -(-count // self.batch_size) if sampling == "shuffle" else whole
        self._rng = as_generator(rng)
        self._order = np.empty(0, np.intp)
        rows = min(self.batch_size, count) if sampling == "shuffle" else self.batch_size
        self._features = np.empty((rows, *dataset.sample_shape), dataset.features.dtype)
        self._targets = np.empty(rows, dataset.targets.dtype)

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return self

    def __next__(self) -> tuple[Array, Array]:
        indices = self._draw()
        self.position = (self.position + 1) % self.steps_per_epoch
        rows = slice(len(indices))
        # The indices are in range; mode="clip" only spares `take` a copy through a buffer.
        features = np.take(self.dataset.features, indices, axis=0, out=self._features[rows], mode="clip")
        targets = np.take(self.dataset.targets, indices, out=self._targets[rows], mode="clip")
        return features, targets

    def _draw(self) -> Array:
        if self.sampling == "replacement":
            return np.asarray(self._rng.integers(len(self.dataset), size=self.batch_size))
        if self.position == 0:
            self._order = self._rng.permutation(len(self.dataset))
        start = self.position * self.batch_size
        return self._order[start : start + self.batch_size]
