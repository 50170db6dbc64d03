"""The floor: what the matrix products take on NumPy's BLAS, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.contestants.task import PredictTask, StepTask
from benchmarks.suites.predict import Prediction
from benchmarks.training import Array, Training


class Step(StepTask):
    """A step's products on one batch, into arrays that are there already.

    Three a layer; two for the first, where nobody needs the gradient of the input.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        # Numbers of a usual size: what a product costs can depend on them (denormal ones).
        self.inputs = [self.features[: problem.batch].copy()]
        for weight, _ in self.start[:-1]:
            self.inputs.append(np.maximum(self.inputs[-1] @ weight, 0))
        rng = np.random.default_rng(0)
        forward: dict[tuple[int, str], Callable[[], object]] = {}
        backward: dict[tuple[int, str], Callable[[], object]] = {}
        for layer, (x, (weight, _)) in enumerate(zip(self.inputs, self.start, strict=True)):
            dy = rng.standard_normal((problem.batch, weight.shape[1]), np.float32)
            forward[layer, "forward"] = partial(np.matmul, x, weight, out=np.empty_like(dy))
            behind, backward = backward, {}
            backward[layer, "gradients of the parameters"] = partial(
                np.matmul, x.T, dy, out=np.empty_like(weight)
            )
            if layer:
                backward[layer, "gradient of the input"] = partial(
                    np.matmul, dy, weight.T, out=np.empty_like(x)
                )
            backward |= behind
        self.products = forward | backward
        """By the number of the layer and what the product is for, in the step's order."""

    def run(self, count: int) -> None:
        products = list(self.products.values())
        for _ in range(count * self.problem.units):
            for product in products:
                product()

    def answers(self) -> None:
        return None

    def loss(self, rows: Array) -> float:
        raise NotImplementedError  # never asked: there are no answers


class Predict(PredictTask):
    """The net's products on all rows at once, into arrays that are there already."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        x = self.x.astype(np.float32)
        self.layers = []
        for weight, _ in self.start:
            y = x @ weight
            self.layers.append((x, weight, y))
            x = np.maximum(y, 0)

    def predict(self) -> None:
        for x, weight, y in self.layers:
            np.matmul(x, weight, out=y)

    def answers(self) -> None:
        return None

    def probabilities(self, x: Array) -> list[float]:
        raise NotImplementedError  # never asked: there are no answers
