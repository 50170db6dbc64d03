"""Regularizers: a penalty on the parameters, and its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

from minidl.checks import check_float, check_number
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

    def penalize(self, parameters: ParameterVector) -> tuple[float, float]:
        """What `add_gradients` does, for a step: the penalty, and the sum of the squares of all gradients."""
        name = type(self).__name__
        check_vector(name, parameters)
        penalty = check_number(name, "what add_gradients returns", self.add_gradients(parameters))
        return penalty, sum_of_squares(parameters.gradients)


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
        return self._add(parameters)[0]

    def penalize(self, parameters: ParameterVector) -> tuple[float, float]:
        """See `Regularizer.penalize`; here each number is read once."""
        own = type(self).add_gradients is L2.add_gradients
        return self._add(parameters) if own else super().penalize(parameters)

    def _add(self, parameters: ParameterVector) -> tuple[float, float]:
        if parameters.__class__ is not ParameterVector:
            check_vector("L2", parameters)
        parts = parameters.penalized if self.strength else ()
        of_values, squares = add_l2_gradient(parameters.values, parameters.gradients, parts, self.strength)
        return self.strength * of_values, squares

    def __repr__(self) -> str:
        return f"L2({self.strength:g})"
