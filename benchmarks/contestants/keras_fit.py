"""Keras 3 on JAX."""

from __future__ import annotations

import os

import numpy as np

from benchmarks.contestants.task import StepTask
from benchmarks.training import Array, Training

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.contestants.jax_jit import libraries as libraries


class Step(StepTask):
    """`Model.fit` of a Sequential of Dense layers with ``kernel_regularizer=L2``, as its guide has it."""

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        options = {"kernel_regularizer": keras.regularizers.L2(problem.reg)}
        self.net = keras.Sequential(
            [
                keras.Input((problem.features,)),
                *(keras.layers.Dense(size, activation="relu", **options) for size in problem.hidden),
                keras.layers.Dense(problem.classes, **options),
            ]
        )
        self.net.compile(
            optimizer=keras.optimizers.SGD(problem.learning_rate),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
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
