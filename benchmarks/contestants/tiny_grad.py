"""tinygrad: a training step under TinyJit, on its CPU device."""

from __future__ import annotations

import os
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.contestants.task import StepTask
from benchmarks.machine import describe_library
from benchmarks.problems import Training
from minidl.types import Array

os.environ["DEV"] = "CPU"  # before the import

from tinygrad import Context, Tensor, TinyJit, nn
from tinygrad.helpers import NUM_CPU_THREADS


def libraries() -> list[dict[str, Any]]:
    """No BLAS: tinygrad compiles its own products."""
    return [describe_library("tinygrad's own kernels", version("tinygrad"), None, NUM_CPU_THREADS.value)]


class Step(StepTask):
    """`TinyJit` of forward, backward and the update; batches drawn inside, as its examples do.

    Its `weight_decay` puts the penalty into the gradients and never into the loss, so that the
    penalty's value is added for the comparison only.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.x, self.y = Tensor(self.features), Tensor(self.labels.astype(np.int32))
        self.layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(problem.sizes)]
        self.weights = [layer.weight for layer in self.layers]
        self.optimizer = nn.optim.OptimizerGroup(
            nn.optim.SGD(self.weights, problem.learning_rate, weight_decay=2 * problem.reg),
            nn.optim.SGD([layer.bias for layer in self.layers], problem.learning_rate),
        )
        count = len(self.features)
        self.step = TinyJit(lambda: self._step(Tensor.randint(problem.batch, high=count)))
        self.checked_step = TinyJit(self._step)
        self.reset()

    def reset(self) -> None:
        Tensor.manual_seed(0)
        for layer, (weight, bias) in zip(self.layers, self.start, strict=True):
            layer.weight.assign(Tensor(np.ascontiguousarray(weight.T))).realize()
            layer.bias.assign(Tensor(bias)).realize()

    def run(self, count: int) -> None:
        with Context(TRAINING=1):
            for _ in range(count * self.problem.units):
                loss = self.step()
        loss.item()

    def loss(self, rows: Array) -> float:
        penalty = self.penalty(weight.numpy() for weight in self.weights)
        with Context(TRAINING=1):
            loss = self.checked_step(Tensor(rows.astype(np.int32)).realize())
        return float(loss.item()) + penalty

    def _step(self, rows: Tensor) -> Tensor:
        self.optimizer.zero_grad()
        scores = self.x[rows]
        for layer in self.layers[:-1]:
            scores = layer(scores).relu()
        loss = self.layers[-1](scores).sparse_categorical_crossentropy(self.y[rows]).backward()
        return loss.realize(*self.optimizer.schedule_step())
