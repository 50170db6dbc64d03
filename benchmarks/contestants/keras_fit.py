"""Keras 3 on JAX."""

from __future__ import annotations

import inspect
import os
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contestants.task import EpochTask, PredictTask, StepTask
from benchmarks.problems import Prediction, Training
from minidl.types import Array

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras

from benchmarks.contestants import jax_jit
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


class Layers(jax_jit.Layers):
    """`stateless_call` of the layer, jitted with its `vjp`, as JAX's layers are."""

    def layer(self) -> tuple[Any, Any]:
        if self.labels is not None:
            loss, labels = keras.losses.SparseCategoricalCrossentropy(from_logits=True), self.labels
            return (lambda params, kept, x: (loss(labels, x), kept)), ()
        layer, names = self._made(*self.problem.arguments), list(self.parameters)
        layer.build(jax_jit.turned(self.x, jax_jit.IMAGE).shape)
        how = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}

        def function(params: Any, kept: Any, x: Any) -> Any:
            return layer.stateless_call([params[name] for name in names], kept, x, **how)

        return function, [variable.value for variable in layer.non_trainable_variables]

    def _made(self, first: Any = None, second: Any = None, *_: Any) -> Any:
        """Keras' layer for minidl's with these arguments."""
        batch_norm = partial(keras.layers.BatchNormalization, momentum=0.9, epsilon=1e-5)
        made: dict[str, Any] = {
            "Affine": lambda: keras.layers.Dense(second),
            "Conv2d": lambda: keras.layers.Conv2D(second, 3, padding="same"),
            "BatchNorm1d": batch_norm,
            "BatchNorm2d": batch_norm,
            "LayerNorm": partial(keras.layers.LayerNormalization, epsilon=1e-5),
            "GroupNorm": lambda: keras.layers.GroupNormalization(first, epsilon=1e-5),
            "Dropout": lambda: keras.layers.Dropout(first),
            "MaxPool2d": lambda: keras.layers.MaxPooling2D(first),
            "Embedding": lambda: keras.layers.Embedding(first, second),
        }
        activation = partial(keras.layers.Activation, self.problem.kind.lower())
        return made.get(self.problem.kind, activation)()


class Updates(jax_jit.Updates):
    """`stateless_apply`, jitted; variables donated."""

    def optimizer(self) -> tuple[Any, Any]:
        own = {"AdamW": {"weight_decay": 0.01}, "RMSprop": {"rho": 0.99}}.get(self.problem.kind, {})
        made = getattr(keras.optimizers, self.problem.kind)
        optimizer = made(self.problem.learning_rate, epsilon=1e-8, **own)
        optimizer.build([keras.Variable(self.values)])

        @partial(jax.jit, donate_argnums=(0, 2))
        def update(values: Any, gradients: Any, kept: Any) -> Any:
            (values,), kept = optimizer.stateless_apply(kept, [gradients], [values])
            return values, kept

        return update, [variable.value for variable in optimizer.variables]


def _net(problem: Training, **options: Any) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((problem.features,)),
            *(keras.layers.Dense(size, activation="relu", **options) for size in problem.hidden),
            keras.layers.Dense(problem.classes, **options),
        ]
    )
