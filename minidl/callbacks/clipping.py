"""Gradient clipping."""

from __future__ import annotations

import math

from minidl.callbacks.callback import Callback, Training
from minidl.checks import check_float
from minidl.kernels.vectors import sum_of_squares


class ClipNorm(Callback):
    """Scales the gradients of all parameters together so that their norm is at most `max_norm`.

    Source: Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural
    networks", algorithm 1.

    Parameters
    ----------
    max_norm : float > 0
        Of the Euclidean norm. The penalty's part of the gradients counts, too.
    """

    state_names = ()

    def __init__(self, max_norm: float) -> None:
        self.max_norm = check_float("ClipNorm", "max_norm", max_norm, above=0)

    def on_gradients(self, trainer: Training) -> None:
        """Scale down where the norm is above `max_norm`."""
        gradients = trainer.net.parameters.gradients
        norm = math.sqrt(sum_of_squares(gradients))
        if norm > self.max_norm:
            gradients *= self.max_norm / norm
