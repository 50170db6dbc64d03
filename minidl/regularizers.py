"""Regularizers: a penalty on the parameters, and its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from minidl.errors import check_float
from minidl.parameters import ParameterVector


class Regularizer(ABC):
    """A penalty that depends on the parameters alone."""

    @abstractmethod
    def penalty(self, parameters: ParameterVector) -> float:
        """What it adds to the loss."""

    @abstractmethod
    def add_gradients(self, parameters: ParameterVector) -> float:
        """Add its gradient to ``parameters.gradients``; returns the penalty."""


class L2(Regularizer):
    """``strength * sum(W²)`` over the weights, not the biases; gradient ``2 * strength * W``.

    There is no ½ in the penalty, so that it equals the classic two-layer net's.

    Parameters
    ----------
    strength : float >= 0
    """

    def __init__(self, strength: float) -> None:
        self.strength = check_float("L2", "strength", strength, at_least=0)

    def penalty(self, parameters: ParameterVector) -> float:
        """``strength * sum(W²)``."""
        return self.strength * sum(float(w @ w) for w, _, _ in parameters.blocks(parameters.regularized))

    def add_gradients(self, parameters: ParameterVector) -> float:
        """Add ``2 * strength * W``; returns the penalty."""
        if self.strength == 0:
            return 0.0
        squares = 0.0
        for weights, gradients, work in parameters.blocks(parameters.regularized):
            squares += float(np.dot(weights, weights))
            np.multiply(weights, 2 * self.strength, work)
            np.add(gradients, work, gradients)
        return self.strength * squares

    def __repr__(self) -> str:
        return f"L2({self.strength:g})"
