"""An epoch of Fashion-MNIST with evaluation, as users call each library."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import minidl
from benchmarks.classic import ClassicNet, reference_losses
from benchmarks.results import Result
from benchmarks.suite import Suite, Unit
from benchmarks.training import Array, Training
from minidl.data.catalog import SYSTEM
from minidl.data.sources import SOURCES

if TYPE_CHECKING:
    from benchmarks.rounds import Session

_NAME = "fashion-mnist"


@dataclass(frozen=True)
class Epoch(Training):
    """Pixels of clothes, divided by 255; so many more samples than those trained on are evaluated."""

    features: int = 784
    batch: int = 100
    samples: int = 55_000
    validation: int = 5_000
    learning_rate: float = 0.1
    reg: float = 0.0
    directory: str = ""
    """Where Fashion-MNIST lies; empty for a stand-in of its shape."""

    @property
    def units(self) -> int:
        """One: a run is an epoch."""
        return 1

    def pixels(self, part: str = "train") -> tuple[Array, Array]:
        """Images (N, 784) as uint8, and labels (N,), of ``train`` or ``validation``."""
        number, count = (0, self.samples) if part == "train" else (1, self.validation)
        if self.directory:
            data = minidl.data.load(_NAME, self.directory)
            chosen = (data.train, data.validation)[number]
            assert chosen is not None
            return chosen.features.reshape(-1, self.features)[:count], chosen.targets[:count]
        rng = np.random.default_rng([self.seed, 3])
        centres = rng.integers(128, size=(self.classes, self.features), dtype=np.uint8)
        rng = np.random.default_rng([self.seed, 4 + number])
        labels = rng.permutation(np.arange(count) % self.classes)
        return centres[labels] + rng.integers(128, size=(count, self.features), dtype=np.uint8), labels

    def data(self, part: str = "train") -> tuple[Array, Array]:
        """The same as numbers from 0 to 1, float32."""
        pixels, labels = self.pixels(part)
        return pixels / np.float32(255), labels


class EpochSuite(Suite):
    name = "epoch"
    help = "an epoch of Fashion-MNIST with evaluation, as users call each library"
    task = "Epoch"
    problem = Epoch
    contestants = ("floor", "minidl", "sklearn", "torch", "keras")
    unit = Unit("s an epoch", 1, format=".3f")
    notes = (
        "floor: the matrix products of the steps and of the evaluation on NumPy's BLAS, nothing else.",
        "55,000 images in batches, shuffled, then 5,000 evaluated; plain SGD at the same rate from the same "
        "weights. minidl: Trainer.fit with a validation set, from uint8; scikit-learn: partial_fit and "
        "score; PyTorch: the loops of its quickstart, a DataLoader over a TensorDataset; Keras: fit with "
        "validation_data. The peers' float32 features are made before anything is timed.",
        "differs: the largest relative difference of the first losses, and then of the loss on the "
        "validation set, from the classic program's in float64.",
    )

    def problems(self, quick: bool) -> Sequence[Epoch]:
        size = {"samples": 5_000, "validation": 1_000} if quick else {}
        where = fashion_mnist()
        return [
            Epoch(f"784-{hidden}-10, batch {batch}", (hidden,), batch=batch, directory=where, **size)
            for hidden, batch in ((100, 100), (300, 200))
        ]

    def reference(self, problem: Epoch) -> list[float]:  # type: ignore[override]
        net = ClassicNet(problem.weights(), np.float64)
        losses = reference_losses(problem, net)
        features, labels = problem.data("validation")
        return [*losses, net.loss(features.astype(np.float64), labels, 0.0)[0]]

    def measure(self, session: Session) -> Iterable[Result]:
        # An epoch takes longer than a round of anything else, and is to be seen in every round.
        return super().measure(replace(session, seconds=4 * session.seconds))

    def remarks(self, results: Sequence[Result]) -> list[str]:
        if results[0].problem["directory"]:
            return []
        return ["Fashion-MNIST is not installed here: random pixels of the same shape stand in for it."]


@cache
def fashion_mnist() -> str:
    """The directory that holds Fashion-MNIST, or nothing; never downloads it."""
    own = os.environ.get("MINIDL_DATA")
    for place in ([Path(own), Path(own) / _NAME] if own else []) + [SYSTEM / _NAME]:
        if SOURCES[_NAME].find(place):
            return str(place)
    return ""
