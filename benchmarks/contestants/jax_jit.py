"""JAX: one jitted training step, the rest a loop in Python."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from benchmarks.contestants import jax_parts
from benchmarks.contestants.task import LayerTask, PredictTask, StepTask, UpdateTask
from benchmarks.machine import describe_library
from benchmarks.problems import LayerPass, Prediction, Training, Update
from minidl.cores import usable_cores
from minidl.types import Array


def libraries() -> list[dict[str, Any]]:
    """JAX's own products: XLA's, with Eigen; it has no say in the threads but the process's cores."""
    return [describe_library("XLA", jaxlib.__version__, None, usable_cores())]


def scores_of(params: Any, x: jax.Array) -> jax.Array:
    """The net."""
    *hidden, (weight, bias) = params
    for hidden_weight, hidden_bias in hidden:
        x = jax.nn.relu(x @ hidden_weight + hidden_bias)
    return x @ weight + bias


def loss_of(params: Any, x: jax.Array, y: jax.Array, reg: float) -> jax.Array:
    """The mean cross entropy, and the penalty."""
    scores = jax.nn.log_softmax(scores_of(params, x))
    data_loss = -jnp.take_along_axis(scores, y[:, None], axis=1).mean()
    return data_loss + reg * sum(jnp.sum(w * w) for w, _ in params)


class Step(StepTask):
    """`jit` of `value_and_grad` and the update; parameters donated, the batch gathered inside."""

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.x, self.y = jnp.asarray(self.features), jnp.asarray(self.labels)
        rate, reg = problem.learning_rate, problem.reg

        @partial(jax.jit, donate_argnums=0)
        def step(params: Any, x: jax.Array, y: jax.Array, rows: jax.Array) -> tuple[Any, jax.Array]:
            loss, grads = jax.value_and_grad(loss_of)(params, x[rows], y[rows], reg)
            return jax.tree.map(lambda p, g: p - rate * g, params, grads), loss

        self.step = step
        self.reset()

    def reset(self) -> None:
        self.params = [(jnp.array(weight), jnp.array(bias)) for weight, bias in self.start]
        self.rng = np.random.default_rng(0)
        jax.block_until_ready(self.params)

    def run(self, count: int) -> None:
        losses = []
        for _ in range(count):
            order = self.rng.permutation(len(self.features))
            for rows in order.reshape(-1, self.problem.batch):
                self.params, loss = self.step(self.params, self.x, self.y, rows)
                losses.append(loss)  # not waited for: JAX computes while Python goes on
        jax.block_until_ready(losses)

    def loss(self, rows: Array) -> float:
        self.params, loss = self.step(self.params, self.x, self.y, rows)
        return float(loss)


class Predict(PredictTask):
    """`jit` of the scores' `argmax`."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        self.params = [(jnp.array(weight), jnp.array(bias)) for weight, bias in self.start]
        self.rows = jnp.asarray(self.x)
        self.labels = jax.jit(lambda params, x: jnp.argmax(scores_of(params, self.numbers(x)), axis=1))

    def predict(self) -> Array:
        return np.asarray(self.labels(self.params, self.rows))

    def probabilities(self, x: Array) -> Any:
        return jax.nn.softmax(scores_of(self.params, self.numbers(jnp.asarray(x))))


class Layers(LayerTask):
    """`jit` of the layer and its `vjp`; each call is waited for."""

    def __init__(self, problem: LayerPass) -> None:
        super().__init__(problem)
        function, self.kept = self.layer()
        params = {name: turned(array, FILTER) for name, array in self.parameters.items()}
        by_x = self.differentiates_x

        def passes(params: Any, kept: Any, x: jax.Array, dy: jax.Array) -> Any:
            def of_sources(params: Any, x: jax.Array) -> Any:
                return function(params, kept, x)

            sources = (params, x) if by_x else (params,)
            layer = of_sources if by_x else partial(of_sources, x=x)
            y, backward, kept_next = jax.vjp(layer, *sources, has_aux=True)
            return kept_next, y, backward(dy)

        self.function = jax.jit(passes)
        images = (turned(array, IMAGE) for array in (self.x, self.dy))
        self.given = jax.tree.map(jnp.asarray, (params, *images))

    def layer(self) -> tuple[jax_parts.Layer, Any]:
        """The function (parameters, what is kept, x) -> (y, what is kept next), and what is kept at first."""
        return jax_parts.layer(self.problem, self.labels)

    def run(self, count: int) -> None:
        function, kept, (params, x, dy) = self.function, self.kept, self.given
        for _ in range(count):
            kept, *passes = function(params, kept, x, dy)
            jax.block_until_ready(passes)

    def passes(self) -> list[Any]:
        params, x, dy = self.given
        _, y, (gradients, *dx) = self.function(params, self.kept, x, dy)
        images = [turned_back(array, IMAGE) for array in (y, *dx)]
        return images + [turned_back(gradients[name], FILTER) for name in self.parameters]


class Updates(UpdateTask):
    """`jit` of the formula; values and state donated."""

    def __init__(self, problem: Update) -> None:
        super().__init__(problem)
        self.update, self.kept = self.optimizer()
        self.vector, self.slope = jnp.array(self.values), jnp.asarray(self.gradients)

    def optimizer(self) -> tuple[Any, Any]:
        """The function (values, gradients, what is kept) -> (values, what is kept), and that at first."""
        formula, vectors = jax_parts.OPTIMIZERS[self.problem.kind]

        @partial(jax.jit, donate_argnums=(0, 2))
        def update(values: Any, gradients: Any, kept: Any) -> Any:
            step, state = kept
            values, state = formula(values, gradients, state, step, self.problem.learning_rate)
            return values, (step + 1, state)

        return update, (jnp.ones(()), tuple(jnp.zeros(self.problem.numbers) for _ in range(vectors)))

    def run(self, count: int) -> None:
        for _ in range(count):
            self.vector, self.kept = self.update(self.vector, self.slope, self.kept)
            jax.block_until_ready(self.vector)

    def step(self, gradients: Array) -> None:
        self.vector, self.kept = self.update(self.vector, jnp.asarray(gradients), self.kept)

    def current(self) -> Array:
        return np.asarray(self.vector)


IMAGE, FILTER = (0, 2, 3, 1), (2, 3, 1, 0)
"""The axes of channels-first arrays, where the channels come last."""


def turned(array: Array, axes: tuple[int, ...]) -> Array:
    """An array with the channels last, if it is one of images."""
    return array.transpose(axes) if array.ndim == 4 else array


def turned_back(array: jax.Array, axes: tuple[int, ...]) -> Array:
    return np.transpose(array, np.argsort(axes)) if array.ndim == 4 else np.asarray(array)
