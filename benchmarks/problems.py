"""What is measured: the rows of the suites, pickled on their way to a contestant's process."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

import minidl
import minidl.layers
import minidl.losses
from minidl.types import Array

FASHION_MNIST = "fashion-mnist"
DIGITS: dict[str, Any] = {"features": 64, "hidden": (32,)}
_CHECKED_STEPS, _CHECKED_ROWS = 5, 20


@dataclass(frozen=True)
class Problem:
    """One row of a suite."""

    label: str

    task: ClassVar[str] = ""
    """The class in each contestant's module, where it is not the suite's."""

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
    """A layer, or a loss, in training: forward and backward of one batch.

    `kind` and `arguments` are those of minidl's class, which has PyTorch's names. Images are channels-first
    here; who wants the channels last is given them so.
    """

    kind: str
    arguments: tuple[Any, ...]
    shape: tuple[int, ...]
    """Of a batch."""
    options: tuple[tuple[str, Any], ...] = ()
    goal: float = 0.0
    """How many times PyTorch's time is allowed at one thread; 0: no goal."""

    def part(self, dtype: Any = np.float32) -> Any:
        """The layer or loss of minidl, from the start that `arrays` has for everybody."""
        made = getattr(minidl.layers, self.kind, None) or getattr(minidl.losses, self.kind)
        known = inspect.signature(made).parameters
        own = {name: value for name, value in (("rng", 0), ("dtype", dtype)) if name in known}
        part = made(*self.arguments, **dict(self.options), **own)
        rng = np.random.default_rng(1)
        for _, parameter in part.named_parameters():  # drawn, for ones and zeros would show little
            parameter.value[...] = 0.1 * rng.standard_normal(parameter.shape, np.float32)
        return part

    def arrays(self) -> dict[str, Array]:
        """``x``, ``dy``, of a loss ``labels``, and each parameter by its name; float32."""
        part, rng = self.part(), np.random.default_rng(0)
        parameters = {name: parameter.value for name, parameter in part.named_parameters()}
        if isinstance(part, minidl.Loss):
            labels = rng.integers(self.shape[1], size=self.shape[0])
            own = {"labels": labels, "dy": np.ones((), np.float32)}
        else:
            shape = (self.shape[0], *part.output_shape(self.shape[1:]))
            own = {"dy": rng.standard_normal(shape, np.float32)}
        x: Array = rng.standard_normal(self.shape, np.float32)
        if self.kind == "Embedding":
            x = rng.integers(self.arguments[0], size=self.shape)
        return {"x": x, **own, **parameters}

    def fingerprints(self, passes: Sequence[object]) -> list[float]:
        """Numbers to compare: output, gradient by `x` unless it is of indices, and by each parameter.

        They are two for each array, its size and its contents in order, both well above 0. Of a dropout,
        which is random, they are what it multiplies by, there and back, how often it drops and not the
        gradient, and the share dropped, roughly.
        """
        arrays = [np.atleast_1d(np.asarray(values, np.float64)) for values in passes]
        if self.kind == "Dropout":
            given = self.arrays()
            forth, back = arrays[0] / given["x"], arrays[1] / given["dy"]
            kept = forth > 0
            return [forth.max(), back.max(), 1 + np.mean(kept != (back > 0)), round(1 - kept.mean(), 1)]
        numbers = []
        for array in arrays:
            size = float(np.sqrt(np.mean(array**2)))
            pattern = np.random.default_rng(0).uniform(0.5, 1.5, array.shape)
            numbers += [size, float(np.mean(pattern * (array / size + 3) ** 2))]
        return numbers


@dataclass(frozen=True)
class Update(Problem):
    """A step of the optimizer `kind` over so many `numbers`, float32; `options` beside its rate."""

    kind: str
    numbers: int = 10**6
    learning_rate: float = 1e-3
    options: tuple[tuple[str, Any], ...] = ()
    goal: float = 0.0

    task: ClassVar[str] = "Updates"

    def arrays(self) -> tuple[Array, Array]:
        """Values, and gradients beside whose squares the places of an eps make no difference."""
        rng = np.random.default_rng(0)
        values, gradients = rng.standard_normal((2, self.numbers), np.float32)
        return values, gradients + np.copysign(np.float32(0.5), gradients)


@dataclass(frozen=True)
class ImageTraining(Problem):
    """A net of `minidl.recipes`, and the shape of a batch of images to train it on."""

    recipe: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Program(Problem):
    """A whole process; `commands` are each contestant's arguments of Python.

    The program prints the accuracy that it reached, which must be `least`, and behind it the value
    that is compared, unless that is the process's own time.
    """

    commands: tuple[tuple[str, tuple[str, ...]], ...]
    least: float = 0.0
