"""The floor: what the matrix products take on NumPy's BLAS, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from benchmarks.contestants.task import EpochTask, PredictTask, StepTask
from benchmarks.suites.epoch import Epoch as EpochProblem
from benchmarks.suites.predict import Prediction
from benchmarks.training import Array, Training


class Step(StepTask):
    """A step's products on one batch, into arrays that are there already.

    Three a layer; two for the first, where nobody needs the gradient of the input.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        rng = np.random.default_rng(0)
        forward: dict[tuple[int, str], Callable[[], object]] = {}
        backward: dict[tuple[int, str], Callable[[], object]] = {}
        for layer, (x, weight, y) in enumerate(_forward(self.features[: problem.batch].copy(), self.start)):
            dy = rng.standard_normal(y.shape, np.float32)
            forward[layer, "forward"] = partial(np.dot, x, weight, y)
            behind, backward = backward, {}
            backward[layer, "gradients of the parameters"] = partial(np.dot, x.T, dy, np.empty_like(weight))
            if layer:
                backward[layer, "gradient of the input"] = partial(np.dot, dy, weight.T, np.empty_like(x))
            backward |= behind
        self.products = forward | backward
        """By the number of the layer and what the product is for, in the step's order."""

    def run(self, count: int) -> None:
        self.step(count * self.problem.units)

    def step(self, count: int) -> None:
        """The products of so many steps."""
        products = list(self.products.values())
        for _ in range(count):
            for product in products:
                product()

    def answers(self) -> None:
        return None

    def loss(self, rows: Array) -> float:
        raise NotImplementedError  # never asked: there are no answers


class Epoch(EpochTask, Step):
    """The products of an epoch's steps, and those of the evaluation behind it."""

    def __init__(self, problem: EpochProblem) -> None:
        super().__init__(problem)
        self.evaluation = _forward(self.held_out, self.start)

    def run(self, count: int) -> None:
        for _ in range(count):
            self.step(self.problem.samples // self.problem.batch)
            for x, weight, y in self.evaluation:
                np.dot(x, weight, y)

    def answers(self) -> None:
        return None

    def validation_loss(self) -> float:
        raise NotImplementedError  # never asked: there are no answers


class Predict(PredictTask):
    """The net's products on all rows at once, into arrays that are there already."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.layers = _forward(self.x.astype(np.float32), self.start)

    def predict(self) -> None:
        for x, weight, y in self.layers:
            np.dot(x, weight, y)

    def answers(self) -> None:
        return None

    def probabilities(self, x: Array) -> list[float]:
        raise NotImplementedError  # never asked: there are no answers


def _forward(x: Array, start: Sequence[tuple[Array, Array]]) -> list[tuple[Array, Array, Array]]:
    """Input, weight and room for the product of each layer.

    Numbers of a usual size: what a product costs can depend on them (denormal ones).
    """
    layers = []
    for weight, _ in start:
        y = x @ weight
        layers.append((x, weight, y))
        x = np.maximum(y, 0)
    return layers
