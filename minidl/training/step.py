"""One update of a net: the gradients of a batch, then the step along them."""

from __future__ import annotations

import math

import numpy.typing as npt

from minidl.kernels.vectors import sum_of_squares
from minidl.net import Net
from minidl.optimizers import Optimizer
from minidl.regularizers import Regularizer
from minidl.training.guard import SAFE, guarded_step
from minidl.types import Array


def compute_gradients(
    net: Net,
    x: npt.ArrayLike,
    targets: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    regularizer: Regularizer | None = None,
) -> tuple[float, float, Array, float]:
    """Fill the gradients of loss and penalty.

    Returns
    -------
    loss, data_loss, scores, squares
        Loss and penalty together, the loss alone, the scores, and the sum of the gradients' squares.
    """
    data_loss, scores = net.forward_backward(x, targets, weights)
    if regularizer is None:
        return data_loss, data_loss, scores, sum_of_squares(net.parameters.gradients)
    penalty, squares = regularizer.penalize(net.parameters)
    return data_loss + penalty, data_loss, scores, squares


def update(
    net: Net, optimizer: Optimizer, loss: float, step: int, factor: float = 1.0, squares: float | None = None
) -> float:
    """Let the optimizer step, unless that would leave the finite numbers; returns the rate of the step.

    The gradients' norm covers what the loss does not show: a finite loss with a gradient that is not. How
    far the update reaches follows from it; where that is too far or unknown, the result is looked at.

    Parameters
    ----------
    squares : float, optional
        What `compute_gradients` gave, where nobody has changed the gradients since.

    Raises
    ------
    DivergedError
        Nothing is changed, or all is put back.
    """
    parameters = net.parameters
    lr: float = optimizer.lr * factor
    norm = math.sqrt(sum_of_squares(parameters.gradients) if squares is None else squares)
    reach = optimizer.reach(optimizer._largest, norm, lr)
    if math.isfinite(loss + norm) and reach < SAFE[parameters.values.dtype]:
        optimizer._largest = reach
        optimizer.step(parameters, factor)
    else:
        guarded_step(parameters, optimizer, factor, step, loss, norm)
    return lr
