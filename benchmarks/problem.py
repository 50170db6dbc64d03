"""What the contestants train: one two-layer net on one set of data, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

_FLOPS_PER_ROUND = 6e10
_CHECKED_STEPS = 5


@dataclass(frozen=True)
class Problem:
    """A two-layer net, its data and its training; everything float32, everything from `seed`.

    The default is the classic one: CIFAR-10's images, batches of 200. The 4,000 samples (49 MB)
    are a multiple of the batch, so that an epoch's steps are all alike, and more than the caches
    next to a core hold.
    """

    hidden: int
    features: int = 3072
    classes: int = 10
    batch: int = 200
    samples: int = 4000
    learning_rate: float = 0.01
    reg: float = 1e-3
    seed: int = 0

    @property
    def steps_per_epoch(self) -> int:
        return self.samples // self.batch

    def steps_per_round(self, share: float = 1.0) -> int:
        """Steps, in whole epochs, that make a round long enough to time and short enough to repeat."""
        flops = 4 * self.batch * self.hidden * self.features + 6 * self.batch * self.hidden * self.classes
        epochs = share * _FLOPS_PER_ROUND / flops / self.steps_per_epoch
        return self.steps_per_epoch * min(max(round(epochs), 1), 100)

    def data(self) -> tuple[Array, Array]:
        """Features (samples, features) and labels (samples,): a cloud around a centre for each class."""
        rng = np.random.default_rng([self.seed, 1])
        labels = rng.permutation(np.arange(self.samples) % self.classes)
        centres = rng.standard_normal((self.classes, self.features), np.float32)
        features = rng.standard_normal((self.samples, self.features), np.float32)
        features += 0.1 * centres[labels]
        return features, labels

    def weights(self) -> dict[str, Array]:
        """The start: `W1`, `b1`, `W2`, `b2`, as the classic program names and shapes them."""
        rng = np.random.default_rng([self.seed, 2])
        sizes = (self.features, self.hidden, self.classes)
        weights: dict[str, Array] = {}
        for layer, (fan_in, fan_out) in enumerate(pairwise(sizes), start=1):
            drawn = rng.standard_normal((fan_in, fan_out)) * np.sqrt(2 / fan_in)
            weights |= {f"W{layer}": drawn.astype(np.float32), f"b{layer}": np.zeros(fan_out, np.float32)}
        return weights

    def checked_batches(self) -> list[Array]:
        """Rows of the batches whose losses are compared before anything is timed."""
        rows = np.arange(self.samples).reshape(-1, self.batch)
        return list(rows[:_CHECKED_STEPS])
