"""The floor: what the matrix products take on NumPy's BLAS, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.contestants.task import Task
from benchmarks.problems import EpochTraining, Prediction, Training
from minidl.types import Array


class Step(Task):
    """A step's products on one batch, into arrays that are there already.

    Three a layer; two for the first, where nobody needs the gradient of the input.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        rng = np.random.default_rng(0)
        forward: dict[tuple[int, str], Callable[[], object]] = {}
        backward: dict[tuple[int, str], Callable[[], object]] = {}
        for layer, (x, weight, y) in enumerate(_forward(problem.data()[0][: problem.batch].copy(), problem)):
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


class Epoch(Step):
    """The products of an epoch's steps, and those of the evaluation behind it."""

    def __init__(self, problem: EpochTraining) -> None:
        super().__init__(problem)
        self.evaluation = _forward(problem.data("validation")[0], problem)

    def run(self, count: int) -> None:
        for _ in range(count):
            self.step(self.problem.samples // self.problem.batch)
            for x, weight, y in self.evaluation:
                np.dot(x, weight, y)


class Predict(Task):
    """The net's products on all rows at once, into arrays that are there already."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.layers = _forward(problem.rows().astype(np.float32), problem)

    def run(self, count: int) -> None:
        for _ in range(count):
            for x, weight, y in self.layers:
                np.dot(x, weight, y)


def _forward(x: Array, problem: Training) -> list[tuple[Array, Array, Array]]:
    """Input, weight and room for the product of each layer.

    Numbers of a usual size: what a product costs can depend on them (denormal ones).
    """
    layers = []
    for weight, _ in problem.weights():
        y = x @ weight
        layers.append((x, weight, y))
        x = np.maximum(y, 0)
    return layers
