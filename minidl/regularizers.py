"""Regularizers: a penalty on the parameters, and its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

from minidl.checks import check_float
from minidl.kernels.vectors import add_l2_gradient, sum_of_squares
from minidl.vectors import ParameterVector, check_vector

__all__ = ["L2", "Regularizer"]


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
        check_vector("L2", parameters)
        return self.strength * sum(sum_of_squares(parameters.values[part]) for part in parameters.penalized)

    def add_gradients(self, parameters: ParameterVector) -> float:
        """Add ``2 * strength * W``; returns the penalty."""
        if self.strength == 0:
            return 0.0
        try:
            parts = parameters.penalized
        except AttributeError:
            check_vector("L2", parameters)
            raise
        total = 0.0
        for part in parts:
            total += add_l2_gradient(parameters.values[part], parameters.gradients[part], self.strength)[0]
        return self.strength * total

    def __repr__(self) -> str:
        return f"L2({self.strength:g})"
