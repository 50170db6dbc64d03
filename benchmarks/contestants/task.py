"""What a contestant does in a suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from benchmarks.suites.epoch import Epoch
from benchmarks.suites.predict import Prediction
from benchmarks.training import Array, Training


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

    @abstractmethod
    def answers(self) -> list[float] | None:
        """What the suite compares with its reference; None where there is nothing.

        May leave another state behind than `reset` gives.
        """


class StepTask(Task):
    """Training the problem's net: a run is an epoch of the contestant's own batches."""

    problem: Training

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.features, self.labels = problem.data()
        self.start = problem.weights()

    def answers(self) -> list[float] | None:
        """The losses, penalty included, of one step after another on the batches to be checked."""
        self.reset()
        return [self.loss(rows) for rows in self.problem.checked_batches()]

    @abstractmethod
    def loss(self, rows: Array) -> float:
        """One step on the rows given; the loss before it, penalty included."""


class EpochTask(StepTask):
    """Training for whole epochs, each followed by an evaluation; stands before a `StepTask` that trains."""

    problem: Epoch

    def __init__(self, problem: Epoch) -> None:
        super().__init__(problem)
        self.held_out, self.held_out_labels = problem.data("validation")

    def answers(self) -> list[float] | None:
        """The first losses, and then the loss on the validation set."""
        return [*(super().answers() or ()), self.validation_loss()]

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

    def answers(self) -> list[float] | None:
        """The probabilities of the first rows."""
        return self.probabilities(self.problem.checked())

    @abstractmethod
    def predict(self) -> object:
        """The labels of all rows."""

    @abstractmethod
    def probabilities(self, x: Array) -> list[float]:
        """Each row's probabilities, one after the other."""
