"""One update of a net: the gradients of a batch, then the step along them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_number
from minidl.net import Net
from minidl.optimizers import Optimizer
from minidl.regularizers import Regularizer
from minidl.training.divergence import diverged
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

# The numbers below infinity: `np.finfo` would take a millisecond here, and at every step as long as the norm.
_LARGEST = {np.dtype(kind): float(np.nextafter(kind(np.inf), kind(0))) for kind in (np.float32, np.float64)}


def compute_gradients(
    net: Net,
    x: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    regularizer: Regularizer | None = None,
) -> tuple[float, float, Array]:
    """Fill the gradients of loss and penalty; returns both together, the loss alone, and the scores."""
    data_loss, scores = net.forward_backward(x, targets, weights)
    if regularizer is None:
        return data_loss, data_loss, scores
    penalty = regularizer.add_gradients(net.parameters)
    if penalty.__class__ is not float:
        penalty = check_number(type(regularizer).__name__, "what add_gradients returns", penalty)
    return data_loss + penalty, data_loss, scores


def update(net: Net, optimizer: Optimizer, loss: float, step: int, factor: float = 1.0) -> float:
    """Let the optimizer step, unless that would leave the finite numbers; returns the rate of the step.

    The gradients' norm covers what the loss does not show: a finite loss with a gradient that is
    not, or an update too large for the dtype.

    Raises
    ------
    DivergedError
        Before anything is changed.
    """
    parameters = net.parameters
    lr: float = optimizer.lr * factor
    gradients = parameters.gradients
    norm: float = lr * math.sqrt(np.dot(gradients, gradients))
    if not (math.isfinite(loss) and norm < _LARGEST[gradients.dtype]):
        raise diverged(step, lr, loss, norm, gradients)
    optimizer.step(parameters, factor)
    return lr
