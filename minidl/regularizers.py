"""Regularizers: a penalty on the parameters, and its gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from minidl.checks import check_float
from minidl.kernels.blas import axpby
from minidl.parameters import ParameterVector, check_vector
from minidl.types import Array

_AT_ONCE = 1 << 17
"""Numbers that the BLAS may add up in float32 with an error of some 1e-7; of millions it were 1e-5."""


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
        return self.strength * _sum_of_squares(parameters.values[parameters.regularized])

    def add_gradients(self, parameters: ParameterVector) -> float:
        """Add ``2 * strength * W``; returns the penalty."""
        if self.strength == 0:
            return 0.0
        try:
            weights = parameters.values[parameters.regularized]
        except AttributeError:
            check_vector("L2", parameters)
            raise
        axpby(2 * self.strength, weights, 1, parameters.gradients[parameters.regularized])
        return self.strength * _sum_of_squares(weights)

    def __repr__(self) -> str:
        return f"L2({self.strength:g})"


def _sum_of_squares(vector: Array) -> float:
    total = 0.0
    for start in range(0, len(vector), _AT_ONCE):
        part = vector[start : start + _AT_ONCE]
        total += float(np.dot(part, part))
    return total
