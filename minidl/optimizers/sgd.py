"""Stochastic gradient descent."""

from __future__ import annotations

from minidl.checks import check_bool, check_float
from minidl.errors import ConfigurationError
from minidl.kernels.vectors import momentum_update, nesterov_update, sgd_update
from minidl.optimizers.optimizer import Optimizer
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
        name = type(self).__name__
        self.momentum = check_float(name, "momentum", momentum, at_least=0, below=1)
        self.nesterov = check_bool(name, "nesterov", nesterov)
        if self.nesterov and self.momentum == 0:
            raise ConfigurationError.expected(name, "momentum > 0 with nesterov=True", "momentum 0")
        self.state_names = ("velocity",) if self.momentum else ()

    def update(  # type: ignore[override]  # the only vector of its state, by name
        self, values: Array, gradients: Array, lr: float, velocity: Array | None = None
    ) -> None:
        """One step of the formula above."""
        if velocity is None:
            sgd_update(values, gradients, lr)
        elif self.nesterov:
            nesterov_update(values, gradients, velocity, lr, self.momentum)
        else:
            momentum_update(values, gradients, velocity, lr, self.momentum)

    def reach(self, largest: float, norm: float, lr: float) -> float:
        """No number is larger after an update: see `Optimizer.reach`."""
        velocity = self.momentum * largest + norm
        return max(velocity, largest + lr * (velocity + norm) + lr)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lr={self.lr:g}, momentum={self.momentum:g}, nesterov={self.nesterov})"
