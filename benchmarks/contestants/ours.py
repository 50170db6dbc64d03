"""minidl, as a user calls it."""

from __future__ import annotations

import minidl
from benchmarks.contestants.task import StepTask
from benchmarks.training import Array, Training


class Step(StepTask):
    """`Trainer.fit`: gather the batch, loss, gradients, penalty, checks, update, records."""

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.net = minidl.dense_net(problem.features, problem.hidden, problem.classes, rng=0)
        self.train = minidl.Dataset(self.features, self.labels)
        self.reset()

    def reset(self) -> None:
        for layer, (weight, bias) in enumerate(self.start):
            self.net.parameters[f"affine{layer}.weight"].value[...] = weight
            self.net.parameters[f"affine{layer}.bias"].value[...] = bias
        self.trainer = self._trainer()

    def run(self, count: int) -> None:
        self.trainer.fit(self.train, epochs=count, batch_size=self.problem.batch)

    def loss(self, rows: Array) -> float:
        # A data set of one batch, in whatever order, has that batch's loss.
        batch = minidl.Dataset(self.features[rows], self.labels[rows])
        history = self._trainer().fit(batch, steps=1, batch_size=self.problem.batch)
        return history.steps["loss"][0]

    def _trainer(self) -> minidl.Trainer:
        return minidl.Trainer(
            self.net,
            minidl.SGD(self.problem.learning_rate),
            scheduler=minidl.StepDecay(0.95),
            regularizer=minidl.L2(self.problem.reg),
            rng=0,
        )
