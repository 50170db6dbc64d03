"""The layers and the optimizers that JAX leaves to its users, as functions; channels are last.

A layer is a function of (weight and bias, what it keeps, x) that gives y and what it keeps next; an optimizer
is one of (values, gradients, what it keeps, the step's number from 1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from benchmarks.problems import LayerPass

Layer = Callable[[Any, Any, Any], tuple[Any, Any]]

_EPS, _MOMENTUM = 1e-5, 0.1


def _normalized(x: jax.Array, axes: tuple[int, ...]) -> tuple[jax.Array, jax.Array, jax.Array]:
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + _EPS), mean, variance


def _batch_norm(params: Any, kept: Any, x: jax.Array) -> tuple[jax.Array, Any]:
    axes = tuple(range(x.ndim - 1))
    normal, mean, variance = _normalized(x, axes)
    count = x.size / x.shape[-1]
    now = mean.ravel(), variance.ravel() * (count / (count - 1))
    kept = tuple(old + _MOMENTUM * (new - old) for old, new in zip(kept, now, strict=True))
    return normal * params["weight"] + params["bias"], kept


def _group_norm(x: jax.Array, groups: int) -> jax.Array:
    by_group = x.reshape(len(x), -1, groups, x.shape[-1] // groups)
    return _normalized(by_group, (1, 3))[0].reshape(x.shape)


def _convolution(x: jax.Array, weight: jax.Array) -> jax.Array:
    return lax.conv_general_dilated(x, weight, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def _max_pool(x: jax.Array, size: int) -> jax.Array:
    window = (1, size, size, 1)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def _dropout(params: Any, key: Any, x: jax.Array, p: float) -> tuple[jax.Array, Any]:
    key, own = jax.random.split(key)
    return jnp.where(jax.random.bernoulli(own, 1 - p, x.shape), x / (1 - p), 0), key


def _cross_entropy(x: jax.Array, labels: Any) -> jax.Array:
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=1).mean()


def layer(problem: LayerPass, labels: Any) -> tuple[Layer, Any]:
    """The layer's function, and what it keeps at first."""
    kind = problem.kind
    first: Any = next(iter(problem.arguments), None)
    if kind == "Dropout":
        return partial(_dropout, p=first), jax.random.key(0)
    if kind.startswith("BatchNorm"):
        return _batch_norm, (jnp.zeros(first), jnp.ones(first))
    pure: dict[str, Callable[[Any, jax.Array], jax.Array]] = {
        "Affine": lambda p, x: x @ p["weight"] + p["bias"],
        "Conv2d": lambda p, x: _convolution(x, p["weight"]) + p["bias"],
        "LayerNorm": lambda p, x: _normalized(x, (-1,))[0] * p["weight"] + p["bias"],
        "GroupNorm": lambda p, x: _group_norm(x, first) * p["weight"] + p["bias"],
        "MaxPool2d": lambda p, x: _max_pool(x, first),
        "Embedding": lambda p, x: p["weight"][x],
        "ReLU": lambda p, x: jax.nn.relu(x),
        "GELU": lambda p, x: jax.nn.gelu(x, approximate=False),
        "Tanh": lambda p, x: jnp.tanh(x),
        "Sigmoid": lambda p, x: jax.nn.sigmoid(x),
        "SoftmaxCrossEntropy": lambda p, x: _cross_entropy(x, labels),
    }
    function = pure[kind]
    return (lambda params, kept, x: (function(params, x), kept)), ()


def _adam(w: Any, g: Any, kept: Any, step: Any, lr: float, weight_decay: float = 0.0) -> tuple[Any, Any]:
    m, v = 0.9 * kept[0] + 0.1 * g, 0.999 * kept[1] + 0.001 * g * g
    w = w - lr * weight_decay * w
    return w - lr * (m / (1 - 0.9**step)) / (jnp.sqrt(v / (1 - 0.999**step)) + 1e-8), (m, v)


def _rmsprop(w: Any, g: Any, kept: Any, step: Any, lr: float) -> tuple[Any, Any]:
    v = 0.99 * kept[0] + 0.01 * g * g
    return w - lr * g / (jnp.sqrt(v) + 1e-8), (v,)


OPTIMIZERS: dict[str, tuple[Callable[..., tuple[Any, Any]], int]] = {
    "Adam": (_adam, 2),
    "AdamW": (partial(_adam, weight_decay=0.01), 2),
    "RMSprop": (_rmsprop, 1),
}
"""Each with the number of vectors that it keeps, 0 at first."""
