"""What a contestant does in a suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import numpy as np

import minidl.recipes
from benchmarks.problems import EpochTraining, ImageTraining, LayerPass, Prediction, Training, Update
from minidl.types import Array

CHECKED_VALUES = 100
"""How many of an optimizer's values are compared."""

CLASSES, RATE, MOMENTUM = 10, 0.01, 0.9
"""Of the training on images."""

_CHECKED_STEPS = 3


class Task(ABC):
    """Made once for a problem, checked, then run round after round.

    The module may have a function ``libraries()`` beside its tasks, where `machine.blas_libraries`
    cannot see what it computes with.
    """

    def __init__(self, problem: Any) -> None:
        self.problem = problem

    def reset(self) -> None:  # noqa: B027 - many have nothing to do
        """Back to the start; not timed."""

    @abstractmethod
    def run(self, count: int) -> None:
        """Work so many times; this is what is timed."""

    def answers(self) -> list[float] | None:
        """What the suite compares with its reference; None where there is nothing, as for the floor.

        May leave another state behind than `reset` gives.
        """
        return None


class StepTask(Task):
    """Training the problem's net: a run is an epoch of the contestant's own batches."""

    problem: Training

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.features, self.labels = problem.data()
        self.start = problem.weights()

    def answers(self) -> list[float]:
        """The losses, penalty included, of one step after another on the batches to be checked."""
        self.reset()
        return [self.loss(rows) for rows in self.problem.checked_batches()]

    def penalty(self, weights: Iterable[Array]) -> float:
        """The penalty's value, where a library puts it into the gradients and never into the loss."""
        return self.problem.reg * sum(float(np.sum(np.square(w, dtype=np.float64))) for w in weights)

    @abstractmethod
    def loss(self, rows: Array) -> float:
        """One step on the rows given; the loss before it, penalty included."""


class EpochTask(StepTask):
    """Training for whole epochs, each followed by an evaluation; stands before a `StepTask` that trains."""

    problem: EpochTraining

    def __init__(self, problem: EpochTraining) -> None:
        super().__init__(problem)
        self.held_out, self.held_out_labels = problem.data("validation")

    def answers(self) -> list[float]:
        """The first losses, and then the loss on the validation set."""
        return [*super().answers(), self.validation_loss()]

    @abstractmethod
    def validation_loss(self) -> float:
        """The mean loss on the validation set, as the contestant evaluates it."""


class PredictTask(Task):
    """Predicting the labels of the problem's rows: a run is a call."""

    problem: Prediction

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.x = problem.rows()
        self.start = problem.weights()

    def run(self, count: int) -> None:
        predict = self.predict
        for _ in range(count):
            predict()

    def answers(self) -> list[float]:
        """The probabilities of the first rows, one row after the other."""
        return [float(p) for p in self.probabilities(self.problem.checked()).ravel()]

    @abstractmethod
    def predict(self) -> object:
        """The labels of all rows."""

    @abstractmethod
    def probabilities(self, x: Array) -> Any:
        """Each row's probabilities, (rows, classes)."""

    def numbers(self, x: Any) -> Any:
        """Pixels as numbers from 0 to 1; other rows as they are."""
        return x / np.float32(255) if self.problem.pixels else x


class LayerTask(Task):
    """A layer's forward and backward: a run is one of each."""

    problem: LayerPass

    def __init__(self, problem: LayerPass) -> None:
        super().__init__(problem)
        self.arrays = problem.arrays()
        self.x, self.dy = self.arrays["x"], self.arrays["dy"]
        self.labels = self.arrays.get("labels")
        self.parameters = {name: self.arrays[name] for name in ("weight", "bias") if name in self.arrays}
        self.differentiates_x = self.x.dtype.kind == "f"

    def answers(self) -> list[float]:
        """The fingerprints of all that comes out."""
        return self.problem.fingerprints(self.passes())

    @abstractmethod
    def passes(self) -> list[Any]:
        """Output, gradient by `x` unless `x` is indices, gradients by the parameters, as minidl has them."""


class UpdateTask(Task):
    """An optimizer's step: a run is one of them."""

    problem: Update

    def __init__(self, problem: Update) -> None:
        super().__init__(problem)
        self.values, self.gradients = problem.arrays()
        self.options = dict(problem.options)

    def answers(self) -> list[float]:
        """Some of the values after some steps with gradients that differ."""
        for times in (1.0, 2.0, -0.5):
            self.step(np.float32(times) * self.gradients)
        return [float(value) for value in self.current()[:CHECKED_VALUES]]

    @abstractmethod
    def step(self, gradients: Array) -> None:
        """One step with these gradients."""

    @abstractmethod
    def current(self) -> Array:
        """The values as they are now."""


class ImageTask(Task):
    """Training a ready-made net on a batch of images, by SGD with momentum: a run is a step."""

    problem: ImageTraining

    def __init__(self, problem: ImageTraining, dtype: Any = np.float32) -> None:
        super().__init__(problem)
        rng = np.random.default_rng(1)
        self.x = rng.standard_normal(problem.shape, np.float32).astype(dtype)
        self.labels = rng.integers(CLASSES, size=len(self.x))
        make = getattr(minidl.recipes, problem.recipe)
        self.net = make(problem.shape[1:], CLASSES, rng=0, dtype=dtype)
        """minidl's, whose weights everyone starts from."""

    def answers(self) -> list[float]:
        """The losses of the first steps."""
        return [self.step() for _ in range(_CHECKED_STEPS)]

    @abstractmethod
    def step(self) -> float:
        """One step; the loss before it."""
