"""Optimizers: how the parameters follow the gradients."""

from minidl.optimizers.adaptive import Adagrad, Adam, AdamW, RMSprop
from minidl.optimizers.lbfgs import LBFGS
from minidl.optimizers.optimizer import Optimizer
from minidl.optimizers.sgd import SGD

__all__ = ["LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]
