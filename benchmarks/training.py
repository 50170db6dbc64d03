"""What the contestants train: one dense net on one set of data, the same for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.suite import Problem

Array: TypeAlias = npt.NDArray[Any]

_CHECKED_STEPS = 5


@dataclass(frozen=True)
class Training(Problem):
    """A dense net with ReLU between its layers, its data and its training by SGD with an L2 penalty.

    Everything is float32 and follows from `seed`. The default is the classic one: CIFAR-10's images,
    batches of 200. The samples are a multiple of the batch, so that an epoch's steps are all alike;
    4,000 of them (49 MB) are more than the caches hold.
    """

    hidden: tuple[int, ...] = (50,)
    features: int = 3072
    classes: int = 10
    batch: int = 200
    samples: int = 4000
    learning_rate: float = 0.01
    reg: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))  # JSON made a list of it

    @property
    def units(self) -> int:
        """Steps in an epoch; a run is so many whole epochs."""
        return self.samples // self.batch

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers at the net's input, behind each layer, and at its output."""
        return (self.features, *self.hidden, self.classes)

    def data(self) -> tuple[Array, Array]:
        """Features (samples, features) and labels (samples,): a cloud around a centre for each class."""
        rng = np.random.default_rng([self.seed, 1])
        labels = rng.permutation(np.arange(self.samples) % self.classes)
        centres = rng.standard_normal((self.classes, self.features), np.float32)
        features = rng.standard_normal((self.samples, self.features), np.float32)
        features += 0.1 * centres[labels]
        return features, labels

    def weights(self) -> list[tuple[Array, Array]]:
        """The start, layer after layer: a weight (in, out) and a bias (out,)."""
        rng = np.random.default_rng([self.seed, 2])
        return [
            (
                rng.standard_normal((fan_in, fan_out), np.float32) * np.float32(np.sqrt(2 / fan_in)),
                np.zeros(fan_out, np.float32),
            )
            for fan_in, fan_out in pairwise(self.sizes)
        ]

    def checked_batches(self) -> list[Array]:
        """Rows of the batches whose losses are compared before anything is timed."""
        rows = np.arange(_CHECKED_STEPS * self.batch) % self.samples
        return list(rows.reshape(_CHECKED_STEPS, self.batch))
