"""The floor: a step's matrix products on NumPy's BLAS, and nothing else."""

from __future__ import annotations

import numpy as np

from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Array, Problem


class Runner(Contestant):
    """The five products on one batch, into arrays that are there already."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        size, hidden, classes = problem.batch, problem.hidden, problem.classes
        weights = problem.weights()
        self.w1, self.w2 = weights["W1"], weights["W2"]
        self.x = self.features[:size].copy()
        self.z1, self.dz1 = np.empty((2, size, hidden), np.float32)
        # Numbers of a usual size: what a product costs can depend on them (denormal ones).
        self.a1 = np.maximum(self.x @ self.w1, 0)
        self.z2 = np.empty((size, classes), np.float32)
        self.dz2 = np.random.default_rng(0).standard_normal((size, classes), np.float32)
        self.dw1, self.dw2 = np.empty_like(self.w1), np.empty_like(self.w2)

    def reset(self) -> None:
        pass

    def run(self, steps: int) -> None:
        for _ in range(steps):
            np.matmul(self.x, self.w1, out=self.z1)
            np.matmul(self.a1, self.w2, out=self.z2)
            np.matmul(self.a1.T, self.dz2, out=self.dw2)
            np.matmul(self.dz2, self.w2.T, out=self.dz1)
            np.matmul(self.x.T, self.dz1, out=self.dw1)

    def losses(self, batches: list[Array]) -> list[float] | None:
        return None
