"""JAX: one jitted training step, the rest a loop in Python."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from benchmarks.contestants.task import PredictTask, StepTask
from benchmarks.machine import describe_library
from benchmarks.problems import Prediction, Training
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
