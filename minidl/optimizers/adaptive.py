"""Optimizers that scale each parameter's step by the sizes of its gradients so far."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from minidl.advice import shown
from minidl.checks import check_float
from minidl.errors import ConfigurationError
from minidl.kernels.adaptive import adagrad_update, adam_update, rmsprop_update
from minidl.optimizers.counting import CountingOptimizer
from minidl.optimizers.optimizer import Optimizer
from minidl.types import Array

_LEAST_EPS = 1e-30
"""Less may be 0 in float32, and 0 / 0 where a gradient has always been 0."""


def _check_eps(optimizer: Optimizer, eps: object) -> float:
    return check_float(type(optimizer).__name__, "eps", eps, at_least=_LEAST_EPS)


def _quotient(eps: float) -> float:
    """The bound of ``|g| / (√(g²) + eps)``, where the square of numbers below some 1e-19 underflows."""
    return 1 + 1e-18 / eps


@lru_cache(16)
def _series(beta1: float, beta2: float, eps: float) -> float:
    """The bound of `Adam.reach` at a rate of 1."""
    ratio = beta1 / (math.sqrt(beta2) or _LEAST_EPS)
    return _quotient(eps) / (math.sqrt(1 - beta2) * (1 - ratio)) if ratio < 1 else math.inf


class RMSprop(Optimizer):
    """Each gradient over the root of its mean square of late.

    ``v = alpha * v + (1 - alpha) * g²`` and ``w -= lr * g / (√v + eps)``; with momentum
    ``u = momentum * u + g / (√v + eps)`` and ``w -= lr * u``. Source: Tieleman and Hinton (2012),
    "Lecture 6.5, RMSprop", in PyTorch's form.

    Parameters
    ----------
    lr : float > 0
    alpha : float in [0, 1)
        How much of the mean square is kept at a step.
    eps : float >= 1e-30
    momentum : float in [0, 1)
    """

    def __init__(self, lr: float, alpha: float = 0.99, eps: float = 1e-8, momentum: float = 0.0) -> None:
        super().__init__(lr)
        self.alpha = check_float(type(self).__name__, "alpha", alpha, at_least=0, below=1)
        self.eps = _check_eps(self, eps)
        self.momentum = check_float(type(self).__name__, "momentum", momentum, at_least=0, below=1)
        self.state_names = ("mean_square", "velocity") if self.momentum else ("mean_square",)

    def update(  # type: ignore[override]  # the vectors of its state, by name
        self, values: Array, gradients: Array, lr: float, mean_square: Array, velocity: Array | None = None
    ) -> None:
        """One step of the formula above."""
        rmsprop_update(values, gradients, mean_square, velocity, lr, self.alpha, self.eps, self.momentum)

    def reach(self, largest: float, norm: float, lr: float) -> float:
        """No number is larger after an update, for the mean square is at least ``(1 - alpha) * g²``."""
        velocity = self.momentum * largest + _quotient(self.eps) / math.sqrt(1 - self.alpha)
        return max(velocity, largest + lr * velocity + lr + norm * norm)

    def __repr__(self) -> str:
        options = f"alpha={self.alpha!r}, eps={self.eps!r}, momentum={self.momentum!r}"
        return f"{type(self).__name__}(lr={self.lr!r}, {options})"


class Adagrad(CountingOptimizer):
    """Each gradient over the root of the sum of its squares so far.

    At step t, from 1: ``s += g²`` and ``w -= lr / (1 + (t - 1) * lr_decay) * g / (√(s₀ + s) + eps)``, with
    s₀ the `initial_accumulator_value`. Source: Duchi, Hazan, Singer (2011), "Adaptive subgradient
    methods for online learning and stochastic optimization", in PyTorch's form.

    Parameters
    ----------
    lr : float > 0
    lr_decay : float >= 0
    initial_accumulator_value : float >= 0
    eps : float >= 1e-30
    """

    state_names = ("sum_of_squares",)

    def __init__(
        self, lr: float, lr_decay: float = 0.0, initial_accumulator_value: float = 0.0, eps: float = 1e-10
    ) -> None:
        super().__init__(lr)
        name = type(self).__name__
        self.lr_decay = check_float(name, "lr_decay", lr_decay, at_least=0)
        initial = check_float(name, "initial_accumulator_value", initial_accumulator_value, at_least=0)
        self.initial_accumulator_value = initial
        self.eps = _check_eps(self, eps)

    def update(  # type: ignore[override]  # the vectors of its state, by name
        self, values: Array, gradients: Array, lr: float, sum_of_squares: Array, missed: int
    ) -> None:
        """One step of the formula above."""
        rate = lr / (1 + (self.steps - missed) * self.lr_decay)
        adagrad_update(values, gradients, sum_of_squares, rate, self.eps, self.initial_accumulator_value)

    def reach(self, largest: float, norm: float, lr: float) -> float:
        """No number is larger after an update, for the sum of squares is at least g²."""
        step = lr * _quotient(self.eps)
        return largest + step + lr + norm * norm + self.initial_accumulator_value

    def __repr__(self) -> str:
        options = f"lr_decay={self.lr_decay!r}, initial_accumulator_value={self.initial_accumulator_value!r}"
        return f"{type(self).__name__}(lr={self.lr!r}, {options}, eps={self.eps!r})"


class Adam(CountingOptimizer):
    """The gradient's running mean over the root of its running mean square.

    At step t, from 1: ``m = β₁ m + (1 - β₁) g``, ``v = β₂ v + (1 - β₂) g²`` and
    ``w -= lr * m / (1 - β₁ᵗ) / (√(v / (1 - β₂ᵗ)) + eps)``. Source: Kingma and Ba (2015), "Adam: a method
    for stochastic optimization", algorithm 1.

    Parameters
    ----------
    lr : float > 0
    betas : pair of floats in [0, 1)
        How much of the means is kept at a step: β₁ of the gradient's, β₂ of its square's.
    eps : float >= 1e-30
    """

    state_names = ("first_moment", "second_moment")
    weight_decay = 0.0  # only `AdamW` has one

    def __init__(
        self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.betas = _check_betas(type(self).__name__, betas)
        self.eps = _check_eps(self, eps)

    def update(  # type: ignore[override]  # the vectors of its state, by name
        self,
        values: Array,
        gradients: Array,
        lr: float,
        first_moment: Array,
        second_moment: Array,
        missed: int,
        regularized: bool = False,
    ) -> None:
        """One step of the formula above."""
        decay = self.weight_decay if regularized else 0.0
        step = self.steps + 1 - missed
        adam_update(values, gradients, first_moment, second_moment, lr, self.betas, self.eps, step, decay)

    def reach(self, largest: float, norm: float, lr: float) -> float:
        """No number is larger after an update, where β₁² < β₂; else nothing is known.

        The gradient of i updates ago has the weight ``(1 - β₁) * β₁ⁱ`` in m, and as v is at least
        ``(1 - β₂) * β₂ⁱ`` times its square, it adds at most ``(1 - β₁) / √(1 - β₂) * (β₁ / √β₂)ⁱ`` to
        ``|m| / √v``. All of them add up to a geometric series.
        """
        decay = lr * self.weight_decay
        if decay > 1:  # beyond 2, it makes the values grow
            largest *= decay
        return largest + lr * _series(*self.betas, self.eps) + norm + norm * norm

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr={self.lr!r}, betas={self.betas!r}, eps={self.eps!r})"


class AdamW(Adam):
    """`Adam` that also shrinks the weights, by ``w -= lr * weight_decay * w`` before each step.

    An `L2` penalty's gradient would be divided by the root of the mean square like the loss's; this decay is
    not, nor does it show in the loss. It covers what a penalty covers: the parameters with
    ``regularized=True``, not biases. Source: Loshchilov and Hutter (2019), "Decoupled weight decay
    regularization", algorithm 2, in PyTorch's form, where the rate multiplies the decay.

    Parameters
    ----------
    lr, betas, eps
        As those of `Adam`.
    weight_decay : float >= 0
    """

    separates_regularized = True

    def __init__(
        self,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(lr, betas, eps)
        self.weight_decay = check_float(type(self).__name__, "weight_decay", weight_decay, at_least=0)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, weight_decay={self.weight_decay!r})"


def _check_betas(where: str, betas: Any) -> tuple[float, float]:
    try:
        first, second = betas
    except Exception:  # what is no sequence, or a generator that raises
        raise ConfigurationError.expected(where, "betas to be two numbers", shown(betas)) from None
    checked = [check_float(where, "each of betas", beta, at_least=0, below=1) for beta in (first, second)]
    return checked[0], checked[1]
