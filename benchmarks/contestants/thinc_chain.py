"""thinc: its layers, its loop, its optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
from thinc.api import SGD, Relu, Schedule, Softmax, chain, fix_random_seed

from benchmarks.contestants.task import StepTask
from benchmarks.problems import Training
from minidl.types import Array


class Step(StepTask):
    """`chain` of `Relu` layers and a `Softmax`; `begin_update`, `backprop`, `finish_update`.

    The gradient of the cross entropy goes into `backprop`, the loss itself thinc never computes; it
    is added for the comparison only, as is the penalty's value. The optimizer's `L2` would be put
    upon biases, too: a schedule makes it 0 for them.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        sizes = problem.sizes
        layers = [Relu(fan_out, fan_in) for fan_in, fan_out in zip(sizes, problem.hidden, strict=False)]
        self.net = chain(*layers, Softmax(problem.classes, sizes[-2]))
        self.net.initialize()
        self.targets = np.eye(problem.classes, dtype=np.float32)[self.labels]

        def strength(schedule: Any, step: int, *, key: tuple[int, str], **others: Any) -> float:
            return 2 * problem.reg if key[1] == "W" else 0.0

        self.optimizer = SGD(
            problem.learning_rate,
            L2=Schedule("weights_only", strength),
            L2_is_weight_decay=False,
            grad_clip=0.0,
            use_averages=False,
        )
        self.reset()

    def reset(self) -> None:
        fix_random_seed(0)
        for layer, (weight, bias) in zip(self.net.layers, self.start, strict=True):
            layer.set_param("W", np.ascontiguousarray(weight.T))
            layer.set_param("b", bias.copy())

    def run(self, count: int) -> None:
        for _ in range(count):
            batches = self.net.ops.multibatch(self.problem.batch, self.features, self.targets, shuffle=True)
            for features, targets in batches:
                self._step(features, targets)

    def loss(self, rows: Array) -> float:
        penalty = self.penalty(layer.get_param("W") for layer in self.net.layers)
        probabilities = self._step(self.features[rows], self.targets[rows])
        labelled = probabilities[np.arange(len(rows)), self.labels[rows]]
        return float(-np.mean(np.log(labelled.astype(np.float64)))) + penalty

    def _step(self, features: Array, targets: Array) -> Array:
        probabilities: Array
        probabilities, backprop = self.net.begin_update(features)
        backprop((probabilities - targets) / len(features))
        self.net.finish_update(self.optimizer)
        return probabilities
