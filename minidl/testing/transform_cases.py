"""What the clauses of transforms run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.testing.cases import MakeInput
from minidl.testing.demands import require_made
from minidl.testing.loss_cases import MakeTargets
from minidl.transforms import Transform
from minidl.types import Array


@dataclass(frozen=True)
class TransformCase:
    """A transform's factory, and how batches for it are drawn."""

    factory: Callable[[], Transform]
    input_shape: tuple[int, ...]
    seed: int = 0
    num_classes: int = 3
    batch: int = 5
    make_input: MakeInput | None = None
    make_targets: MakeTargets | None = None

    def transform(self) -> Transform:
        """A fresh transform."""
        return require_made("check_transform", self.factory(), Transform)

    def samples(self, dtype: npt.DTypeLike = np.float32, *, draw: int = 0) -> tuple[Array, Array]:
        """Features from 0 to 255, as those of an image, and targets."""
        rng, shape = np.random.default_rng([self.seed, draw]), (self.batch, *self.input_shape)
        features: Any = rng.integers(256, size=shape).astype(dtype)
        targets: Any = rng.integers(self.num_classes, size=self.batch)
        if self.make_input is not None:
            features = check_array("make_input", "an array", self.make_input(rng, shape, dtype))
        if self.make_targets is not None:
            made = self.make_targets(rng, self.batch, self.num_classes)
            targets = check_array("make_targets", "an array", made)
        return features, targets

    def rng(self) -> np.random.Generator:
        """A generator, the same every time."""
        return np.random.default_rng([self.seed, 1])

    def smaller(self) -> Iterator[TransformCase]:
        """Fewer samples."""
        for batch in (1, 2):
            yield replace(self, batch=batch)

    def describe(self) -> str:
        """The usual batch, as a failure's text shows it."""
        return f"at features of shape {(self.batch, *self.input_shape)}"
