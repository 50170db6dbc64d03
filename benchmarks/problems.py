"""What is measured: the rows of the suites, pickled on their way to a contestant's process."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

import minidl
from minidl.types import Array

FASHION_MNIST = "fashion-mnist"
DIGITS: dict[str, Any] = {"features": 64, "hidden": (32,)}
_CHECKED_STEPS, _CHECKED_ROWS = 5, 20


@dataclass(frozen=True)
class Problem:
    """One row of a suite."""

    label: str

    @property
    def units(self) -> int:
        """How many of what the suite's unit counts, steps for example, one run consists of."""
        return 1


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
        pairs = []
        for n, m in pairwise(self.sizes):
            weight = rng.standard_normal((n, m), np.float32) * np.float32(np.sqrt(2 / n))
            pairs.append((weight, np.zeros(m, np.float32)))
        return pairs

    def checked_batches(self) -> list[Array]:
        """Rows of the batches whose losses are compared before anything is timed."""
        rows = np.arange(_CHECKED_STEPS * self.batch) % self.samples
        return list(rows.reshape(_CHECKED_STEPS, self.batch))


@dataclass(frozen=True)
class OnAxis(Training):
    """The net at one place of an axis (hidden size, depth or batch); the other two stay as they are."""

    axis: str = "hidden"
    place: int = 50


@dataclass(frozen=True)
class EpochTraining(Training):
    """Pixels of clothes, divided by 255; so many more samples than those trained on are evaluated."""

    features: int = 784
    batch: int = 100
    samples: int = 55_000
    validation: int = 5_000
    learning_rate: float = 0.1
    reg: float = 0.0
    directory: str = ""
    """Where Fashion-MNIST lies; empty for a stand-in of its shape."""

    units: ClassVar[int] = 1  # a run is an epoch

    def pixels(self, part: str = "train") -> tuple[Array, Array]:
        """Images (N, 784) as uint8, and labels (N,), of ``train`` or ``validation``."""
        number, count = (0, self.samples) if part == "train" else (1, self.validation)
        if self.directory:
            chosen = getattr(minidl.data.load(FASHION_MNIST, self.directory), part)
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


@dataclass(frozen=True)
class Prediction(Training):
    """A net and so many `samples` to predict at once, as float32 or as pixels (uint8, divided by 255)."""

    pixels: bool = False

    units: ClassVar[int] = 1  # a run is a call

    def rows(self) -> Array:
        """The rows (samples, features) as the caller has them."""
        rng = np.random.default_rng([self.seed, 1])
        if self.pixels:
            return rng.integers(256, size=(self.samples, self.features), dtype=np.uint8)
        return rng.standard_normal((self.samples, self.features), np.float32)

    def checked(self) -> Array:
        """The first of the rows, whose probabilities are compared."""
        return self.rows()[:_CHECKED_ROWS]


@dataclass(frozen=True)
class LayerPass(Problem):
    """A layer of `kind` with so many numbers a sample at its input and output, and a batch."""

    kind: str
    features: int
    out: int
    backward: bool
    batch: int = 200

    def arrays(self) -> dict[str, Array]:
        """float32 ``x``, ``dy``, ``weight`` (in, out) and ``bias``; ``labels``."""
        rng = np.random.default_rng(self.features)
        shapes = {
            "x": (self.batch, self.features),
            "dy": (self.batch, self.out),
            "weight": (self.features, self.out),
            "bias": (self.out,),
        }
        drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        drawn["weight"] *= np.float32(np.sqrt(2 / self.features))
        return drawn | {"labels": rng.integers(self.out, size=self.batch)}

    def fingerprints(self, *passes: object) -> list[float]:
        """Two numbers for each pass that is timed, the forward and perhaps the backward ones.

        Both are well above 0 and so good to compare: an array's size, and its contents in order.
        """
        numbers = []
        for values in passes if self.backward else passes[:1]:
            array = np.atleast_1d(np.asarray(values, np.float64))
            size = float(np.sqrt(np.mean(array**2)))
            pattern = np.random.default_rng(0).uniform(0.5, 1.5, array.shape)
            numbers += [size, float(np.mean(pattern * (array / size + 3) ** 2))]
        return numbers


@dataclass(frozen=True)
class ConvolutionPass(LayerPass):
    """A convolution of 3 × 3 windows, padding 1: channels in and out are `features` and `out`."""

    side: int = 32

    def arrays(self) -> dict[str, Array]:
        """float32 ``x`` and ``dy`` (batch, channels, side, side), ``weight`` (out, in, 3, 3), ``bias``."""
        rng = np.random.default_rng(self.features)
        shapes = {
            "x": (self.batch, self.features, self.side, self.side),
            "dy": (self.batch, self.out, self.side, self.side),
            "weight": (self.out, self.features, 3, 3),
            "bias": (self.out,),
        }
        drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        drawn["weight"] *= np.float32(np.sqrt(2 / (9 * self.features)))
        return drawn | {"labels": np.zeros(self.batch, np.int64)}


@dataclass(frozen=True)
class Program(Problem):
    """A whole process; `commands` are each contestant's arguments of Python.

    The program prints the accuracy that it reached, which must be `least`, and behind it the value
    that is compared, unless that is the process's own time.
    """

    commands: tuple[tuple[str, tuple[str, ...]], ...]
    least: float = 0.0
