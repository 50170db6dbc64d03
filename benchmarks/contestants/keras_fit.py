"""Keras 3 on JAX."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.contestants.task import EpochTask, PredictTask, StepTask
from benchmarks.problems import Prediction, Training
from minidl.types import Array

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.contestants.jax_jit import libraries as libraries


class Step(StepTask):
    """`Model.fit` of a Sequential of Dense layers with ``kernel_regularizer=L2``, as its guide has it."""

    metrics: tuple[str, ...] = ()

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        options = {"kernel_regularizer": keras.regularizers.L2(problem.reg)} if problem.reg else {}
        self.net = _net(problem, **options)
        self.net.compile(
            optimizer=keras.optimizers.SGD(problem.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=list(self.metrics),
        )
        self.reset()

    def reset(self) -> None:
        keras.utils.set_random_seed(0)
        self.net.set_weights([array for pair in self.start for array in pair])

    def run(self, count: int) -> None:
        self.net.fit(self.features, self.labels, batch_size=self.problem.batch, epochs=count, verbose=0)

    def loss(self, rows: Array) -> float:
        size = self.problem.batch
        history = self.net.fit(self.features[rows], self.labels[rows], batch_size=size, verbose=0)
        return float(np.squeeze(history.history["loss"]))


class Epoch(EpochTask, Step):
    """`Model.fit` with `validation_data`, the accuracy among the metrics."""

    metrics = ("accuracy",)

    def run(self, count: int) -> None:
        held_out = (self.held_out, self.held_out_labels)
        how = {"batch_size": self.problem.batch, "epochs": count, "verbose": 0}
        self.net.fit(self.features, self.labels, validation_data=held_out, **how)

    def validation_loss(self) -> float:
        size = self.problem.batch
        return float(self.net.evaluate(self.held_out, self.held_out_labels, batch_size=size, verbose=0)[0])


class Predict(PredictTask):
    """`argmax` of the net's call for one row, as the guide advises, and of `predict` for more."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.net = _net(problem)
        self.net.set_weights([array for pair in self.start for array in pair])

    def predict(self) -> Array:
        x = self.numbers(self.x)
        scores = self.net(x) if len(x) == 1 else self.net.predict(x, batch_size=1000, verbose=0)
        return np.asarray(np.argmax(scores, axis=1))

    def probabilities(self, x: Array) -> Array:
        return np.asarray(keras.ops.softmax(self.net(self.numbers(x))))


def _net(problem: Training, **options: Any) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((problem.features,)),
            *(keras.layers.Dense(size, activation="relu", **options) for size in problem.hidden),
            keras.layers.Dense(problem.classes, **options),
        ]
    )
