"""minidl, as a user calls it."""

from __future__ import annotations

from typing import Any

import numpy as np

import minidl
import minidl.optimizers
from benchmarks.contestants.task import (
    MOMENTUM,
    RATE,
    EpochTask,
    ImageTask,
    LayerTask,
    PredictTask,
    StepTask,
    UpdateTask,
)
from benchmarks.problems import EpochTraining, ImageTraining, LayerPass, Prediction, Training, Update
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


class Layers(LayerTask):
    """A layer, or a loss, on its own; `dtype` is the reference's only."""

    def __init__(self, problem: LayerPass, dtype: Any = np.float32) -> None:
        super().__init__(problem)
        self.part: Any = problem.part(dtype)
        if self.differentiates_x:
            self.x, self.dy = self.x.astype(dtype), self.dy.astype(dtype)

    def run(self, count: int) -> None:
        x, dy, labels, part = self.x, self.dy, self.labels, self.part
        for _ in range(count):
            if labels is None:
                part.forward(x, training=True)
                part.backward(dy)
            else:
                part.forward(x, labels, training=True)
                part.backward()

    def passes(self) -> list[Any]:
        given = () if self.labels is None else (self.labels,)
        y = np.array(self.part.forward(self.x, *given, training=True))
        dx = self.part.backward(*(() if given else (self.dy,)))
        gradients = [parameter.grad for _, parameter in self.part.named_parameters()]
        return [y, *([dx] if self.differentiates_x else []), *gradients]


class Updates(UpdateTask):
    """`optimizer.step` on the vector of a layer with one weight."""

    def __init__(self, problem: Update) -> None:
        super().__init__(problem)
        self.vector = Conv2d(problem.numbers, 1, 1, bias=False, rng=0).parameters
        self.vector.values[:], self.vector.gradients[:] = self.values, self.gradients
        self.optimizer = getattr(minidl.optimizers, problem.kind)(problem.learning_rate, **self.options)

    def run(self, count: int) -> None:
        step, vector = self.optimizer.step, self.vector
        for _ in range(count):
            step(vector)

    def step(self, gradients: Array) -> None:
        self.vector.gradients[:] = gradients
        self.optimizer.step(self.vector)

    def current(self) -> Array:
        return self.vector.values


class Images(ImageTask):
    """`Trainer.fit` on a data set of one batch; `dtype` is the reference's only."""

    def __init__(self, problem: ImageTraining, dtype: Any = np.float32) -> None:
        super().__init__(problem, dtype)
        self.train = minidl.Dataset(self.x, self.labels)
        self.trainer = minidl.Trainer(self.net, minidl.SGD(RATE, momentum=MOMENTUM), rng=0)

    def run(self, count: int) -> None:
        self.trainer.fit(self.train, steps=count, batch_size=len(self.x))

    def step(self) -> float:
        self.run(1)
        return self.trainer.history.steps["loss"][-1]


def _net(problem: Training, standardize: minidl.Layer | None = None) -> minidl.Sequential:
    return minidl.mlp(problem.features, problem.hidden, problem.classes, standardize=standardize, rng=0)


def _set_weights(net: minidl.Sequential, start: list[tuple[Array, Array]]) -> None:
    for layer, (weight, bias) in enumerate(start):
        net.parameters[f"affine{layer}.weight"].value[...] = weight
        net.parameters[f"affine{layer}.bias"].value[...] = bias
