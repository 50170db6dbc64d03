"""minidl, as a user calls it."""

from __future__ import annotations

import minidl
from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Array, Problem

_PATHS = {"W1": "affine0.weight", "b1": "affine0.bias", "W2": "affine1.weight", "b2": "affine1.bias"}


class Runner(Contestant):
    """`Trainer.fit`: gather the batch, loss, gradients, penalty, checks, update, records."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.net = minidl.two_layer_net(problem.features, problem.hidden, problem.classes, rng=0)
        self.train = minidl.Dataset(self.features, self.labels)
        self.reset()

    def reset(self) -> None:
        for name, weights in self.problem.weights().items():
            self.net.parameters[_PATHS[name]].value[...] = weights
        self.trainer = self._trainer()

    def run(self, steps: int) -> None:
        self.trainer.fit(self.train, steps=steps, batch_size=self.problem.batch)

    def losses(self, batches: list[Array]) -> list[float] | None:
        self.reset()
        losses = []
        for rows in batches:  # a data set of one batch, in whatever order, has that batch's loss
            batch = minidl.Dataset(self.features[rows], self.labels[rows])
            history = self._trainer().fit(batch, steps=1, batch_size=self.problem.batch)
            losses.append(history.steps["loss"][0])
        return losses

    def _trainer(self) -> minidl.Trainer:
        return minidl.Trainer(
            self.net,
            minidl.SGD(self.problem.learning_rate),
            scheduler=minidl.StepDecay(0.95),
            regularizer=minidl.L2(self.problem.reg),
            rng=0,
        )
