"""Optimizers: how the parameters follow the gradients."""

from minidl.optimizers.optimizer import Optimizer
from minidl.optimizers.sgd import SGD

__all__ = ["SGD", "Optimizer"]
