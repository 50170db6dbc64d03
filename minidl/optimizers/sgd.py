"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.checks import check_array, check_bool, check_float, shown
from minidl.errors import ConfigurationError, ShapeError, StateError
from minidl.kernels.blas import axpby
from minidl.optimizers.optimizer import Optimizer
from minidl.parameters import ParameterVector, check_vector
from minidl.types import Array


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and Nesterov's form of it.

    ``v = momentum * v + g`` and ``w -= lr * v``; with Nesterov ``w -= lr * (g + momentum * v)``.
    The form is Sutskever et al. (2013), "On the importance of initialization and momentum in deep
    learning", with the rate outside the velocity, as PyTorch has it.

    Parameters
    ----------
    lr : float > 0
    momentum : float in [0, 1)
    nesterov : bool
        Needs a momentum above 0.
    """

    def __init__(self, lr: float, momentum: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(lr)
        self.momentum = check_float(type(self).__name__, "momentum", momentum, at_least=0, below=1)
        self.nesterov = check_bool(type(self).__name__, "nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise ConfigurationError.expected(
                type(self).__name__, "momentum > 0 with nesterov=True", "momentum 0"
            )
        self._velocity: Array | None = None

    def step(self, parameters: ParameterVector) -> None:
        """One update."""
        try:
            values, gradients = parameters.values, parameters.gradients
        except AttributeError:
            check_vector(type(self).__name__, parameters)
            raise
        if not self.momentum:
            axpby(-self.lr, gradients, 1, values)
            return
        if self._velocity is None:
            self._velocity = np.zeros_like(gradients)
        elif self._velocity.shape != gradients.shape:
            sizes = f"a vector of {self._velocity.size}", f"one of {gradients.size}"
            raise ShapeError.expected(type(self).__name__, *sizes, "give every net an optimizer of its own")
        axpby(1, gradients, self.momentum, self._velocity)
        if self.nesterov:
            axpby(-self.lr, gradients, 1, values)
            axpby(-self.lr * self.momentum, self._velocity, 1, values)
        else:
            axpby(-self.lr, self._velocity, 1, values)

    def state_dict(self) -> dict[str, Any]:
        """``lr`` and ``velocity`` (None before the first step with momentum)."""
        return {"lr": self.lr, "velocity": None if self._velocity is None else self._velocity.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up ``lr`` and ``velocity``."""
        name = type(self).__name__
        if not isinstance(state, dict) or state.keys() != {"lr", "velocity"}:
            raise StateError.expected(name, "a state with lr and velocity", shown(state))
        lr, velocity = check_float(name, "lr", state["lr"], at_least=0), state["velocity"]
        self._velocity = None if velocity is None else np.array(check_array(name, "velocity", velocity))
        self.lr = lr

    def __repr__(self) -> str:
        options = f"lr={self.base_lr:g}, momentum={self.momentum:g}, nesterov={self.nesterov}"
        return f"{type(self).__name__}({options})"
