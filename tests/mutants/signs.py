"""Mutants of an optimizer that steps by signs, which show only where gradients change theirs."""

import numpy as np

from minidl import Optimizer
from tests.mutants.registry import optimizer


class Lion(Optimizer):
    """The sign of a mean of gradients (Chen et al. 2023, arXiv:2302.06675)."""

    state_names = ("mean",)
    betas = 0.9, 0.99

    def update(self, values, gradients, lr, mean):
        values -= lr * np.sign(self.betas[0] * mean + (1 - self.betas[0]) * gradients)
        mean *= self.betas[1]
        mean += (1 - self.betas[1]) * gradients


def lion(values, gradients):
    mean = np.zeros_like(values)
    for gradient in gradients:
        values = values - 0.01 * np.sign(0.9 * mean + 0.1 * gradient)
        mean = 0.99 * mean + 0.01 * gradient
    return values


LION = {"args": (0.01,), "reference": lion}


@optimizer("the mean forgets a little faster", "optimizer_reference", **LION)
class LionForgets(Lion):
    betas = 0.9, 0.98


@optimizer("the step looks a little further back", "optimizer_reference", **LION)
class LionLooksBack(Lion):
    betas = 0.92, 0.99


@optimizer("the mean is not saved", "state_round_trip", args=(0.01,))
class LionForgetsOnDisk(Lion):
    def state_dict(self):
        return super().state_dict() | {"mean": None}


@optimizer("the mean is updated before the step", "optimizer_reference", **LION)
class LionInHaste(Lion):
    def update(self, values, gradients, lr, mean):
        mean *= 0.99
        mean += 0.01 * gradients
        values -= lr * np.sign(0.9 * mean + 0.1 * gradients)
