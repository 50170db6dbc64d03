"""minidl, as a user calls it."""

from __future__ import annotations

import numpy as np

import minidl
from benchmarks.contestants.task import EpochTask, PredictTask, StepTask, Task
from benchmarks.problems import EpochTraining, LayerPass, Prediction, Training
from minidl.layers import Conv2d
from minidl.types import Array


class Step(StepTask):
    """`Trainer.fit`: gather the batch, loss, gradients, penalty, checks, update, records."""

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.net = _net(problem)
        self.train = minidl.Dataset(self.features, self.labels)
        self.reset()

    def reset(self) -> None:
        _set_weights(self.net, self.start)
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


class Epoch(EpochTask, Step):
    """`Trainer.fit` with a validation set. Pixels stay uint8 and become numbers inside the net."""

    def __init__(self, problem: EpochTraining) -> None:
        super().__init__(problem)
        self.features, _ = problem.pixels()
        self.train = minidl.Dataset(self.features, self.labels)
        self.validation = minidl.Dataset(*problem.pixels("validation"))
        self.net = _net(problem, minidl.Standardize(0, 255))
        self.reset()

    def run(self, count: int) -> None:
        self.trainer.fit(self.train, epochs=count, batch_size=self.problem.batch, validation=self.validation)

    def validation_loss(self) -> float:
        return minidl.evaluate(self.net, self.validation)[0]


class Predict(PredictTask):
    """`net.predict`."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.net = _net(problem, minidl.Standardize(0, 255) if problem.pixels else None)
        _set_weights(self.net, self.start)

    def predict(self) -> Array:
        return self.net.predict(self.x)

    def probabilities(self, x: Array) -> Array:
        return self.net.predict_probabilities(x)


class Layers(Task):
    """A layer on its own, in training."""

    problem: LayerPass

    def __init__(self, problem: LayerPass) -> None:
        super().__init__(problem)
        self.arrays = problem.arrays()
        self.loss = minidl.SoftmaxCrossEntropy()
        self.layer: minidl.Layer = minidl.ReLU()
        if problem.kind == "affine":
            self.layer = minidl.Affine(problem.features, problem.out, rng=0)
        elif problem.kind == "convolution":
            self.layer = Conv2d(problem.features, problem.out, 3, padding=1, rng=0)
        for name, parameter in self.layer.named_parameters():
            parameter.value[...] = self.arrays[name]

    def run(self, count: int) -> None:
        x, dy, labels = (self.arrays[name] for name in ("x", "dy", "labels"))
        forward, backward = self.layer.forward, self.layer.backward
        if self.problem.kind == "softmax":
            for _ in range(count):
                self.loss.forward(x, labels, training=True)
                if self.problem.backward:
                    self.loss.backward()
        else:
            for _ in range(count):
                forward(x, training=True)
                if self.problem.backward:
                    backward(dy)

    def answers(self) -> list[float]:
        x, dy = self.arrays["x"], self.arrays["dy"]
        passes: list[object] = []
        if self.problem.kind == "softmax":
            passes = [self.loss.forward(x, self.arrays["labels"], training=True), self.loss.backward()]
        else:
            passes = [np.array(self.layer.forward(x, training=True)), self.layer.backward(dy)]
            passes += [parameter.grad for _, parameter in self.layer.named_parameters()]
        return self.problem.fingerprints(*passes)


def _net(problem: Training, standardize: minidl.Layer | None = None) -> minidl.Sequential:
    return minidl.dense_net(problem.features, problem.hidden, problem.classes, standardize=standardize, rng=0)


def _set_weights(net: minidl.Sequential, start: list[tuple[Array, Array]]) -> None:
    for layer, (weight, bias) in enumerate(start):
        net.parameters[f"affine{layer}.weight"].value[...] = weight
        net.parameters[f"affine{layer}.bias"].value[...] = bias
