"""The classic NumPy program, in float32."""

from __future__ import annotations

import numpy as np

from benchmarks.classic import ClassicNet
from benchmarks.contestants.task import StepTask
from minidl.types import Array


class Step(StepTask):
    """Its own loop: every batch drawn with replacement."""

    def reset(self) -> None:
        self.net = ClassicNet(self.start)
        self.rng = np.random.default_rng(0)

    def run(self, count: int) -> None:
        losses = []
        for _ in range(count * self.problem.units):
            rows = self.rng.choice(len(self.features), self.problem.batch)
            losses.append(self.loss(rows))

    def loss(self, rows: Array) -> float:
        features, labels = self.features[rows], self.labels[rows]
        return self.net.step(features, labels, self.problem.learning_rate, self.problem.reg)
