"""The digits with JAX: ``python with_jax.py digits.npz``."""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

data = np.load(sys.argv[1])
x_train, x_test = ((data[name] - np.float32(8)) / 4 for name in ("x_train", "x_test"))
y_train, y_test = data["y_train"], data["y_test"]
rng = np.random.default_rng(0)
params: Any = [
    (rng.standard_normal((n, m), np.float32) * np.float32(np.sqrt(2 / n)), np.zeros(m, np.float32))
    for n, m in ((64, 100), (100, 10))
]
velocity = jax.tree.map(np.zeros_like, params)


def scores_of(params: Any, x: Any) -> Any:
    """The net."""
    (w1, b1), (w2, b2) = params
    return jax.nn.relu(x @ w1 + b1) @ w2 + b2


def loss_of(params: Any, x: Any, y: Any) -> Any:
    """The mean cross entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(scores_of(params, x)), y[:, None], axis=1).mean()


def step(params: Any, velocity: Any, x: Any, y: Any) -> Any:
    """One update with Nesterov's momentum."""
    grads = jax.grad(loss_of)(params, x, y)
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, grads)
    return jax.tree.map(lambda p, v, g: p - 0.05 * (g + 0.9 * v), params, velocity, grads), velocity


jitted = jax.jit(step)
for _ in range(10):
    order = rng.permutation(len(x_train))
    for start in range(0, len(order) - 63, 64):  # whole batches: another shape would compile anew
        rows = order[start : start + 64]
        params, velocity = jitted(params, velocity, x_train[rows], y_train[rows])
print(float(np.mean(np.argmax(scores_of(params, x_test), axis=1) == y_test)))
