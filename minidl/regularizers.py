"""Regularizers: a penalty on the parameters, and its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

from minidl.checks import check_float
from minidl.kernels.vectors import add_scaled, sum_of_squares
from minidl.parameters import ParameterVector, check_vector


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

    The penalty has no factor ½, so that it equals that of the classic two-layer net.

    Parameters
    ----------
    strength : float >= 0
    """

    def __init__(self, strength: float) -> None:
        self.strength = check_float("L2", "strength", strength, at_least=0)

    def penalty(self, parameters: ParameterVector) -> float:
        """``strength * sum(W²)``."""
        check_vector("L2", parameters)
        return self.strength * sum_of_squares(parameters.values[parameters.regularized])

    def add_gradients(self, parameters: ParameterVector) -> float:
        """Add ``2 * strength * W``; returns the penalty."""
        if self.strength == 0:
            return 0.0
        try:
            weights = parameters.values[parameters.regularized]
        except AttributeError:
            check_vector("L2", parameters)
            raise
        add_scaled(parameters.gradients[parameters.regularized], 2 * self.strength, weights)
        return self.strength * sum_of_squares(weights)

    def __repr__(self) -> str:
        return f"L2({self.strength:g})"
