"""The update whose result is looked at, for nothing says beforehand that it stays finite: seldom needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minidl.errors import DivergedError
from minidl.kernels.vectors import sum_of_squares
from minidl.optimizers import Optimizer
from minidl.training.divergence import HUGE, RATE, diverged, first_wrong
from minidl.types import Array
from minidl.vectors import ParameterVector

# The numbers below infinity: `np.finfo` would take a millisecond here.
_LARGEST = {np.dtype(kind): float(np.nextafter(kind(np.inf), kind(0))) for kind in (np.float32, np.float64)}

SAFE = {dtype: largest / (1 << 20) for dtype, largest in _LARGEST.items()}
"""How far an update may reach that is not looked at. The rest is room for what `Optimizer.reach` leaves out:
rounding, and what a state adds once more that the last update which was looked at had seen."""

_VANISHING = 1e-18
"""Where all numbers are smaller, their squares may be 0 in float32."""

_SHARED = ("_parameters", "_trainable", "_views")
"""What an optimizer holds of the parameters, which are put back themselves."""


def forget_reach(optimizer: Optimizer) -> None:
    """Before a fit: somebody may have written to the parameters since the last one."""
    optimizer._largest += math.inf


def widen_reach(optimizer: Optimizer, parameters: ParameterVector) -> None:
    """After a hook of a callback, which may have written to the parameters, but not to the state."""
    bound = _bound(parameters.values)
    if not (bound <= optimizer._largest or math.isnan(optimizer._largest)):
        optimizer._largest = bound


def guarded_step(
    parameters: ParameterVector, optimizer: Optimizer, factor: float, step: int, loss: float, norm: float
) -> None:
    """Let the optimizer step, where loss and gradients' norm are finite; undo it where the result is not.

    Raises
    ------
    DivergedError
        With all as it was before.
    """
    lr, gradients, values = optimizer.lr * factor, parameters.gradients, parameters.values
    if not math.isfinite(loss + norm):
        raise diverged(step, lr, loss, norm, gradients)
    limit = SAFE[values.dtype]
    harmless = optimizer.reach(0.0, norm, lr) < limit
    if harmless and not math.isnan(optimizer._largest):
        optimizer._largest = optimizer.reach(_bound(values, *optimizer._state.values()), norm, lr)
        if optimizer._largest < limit:
            return optimizer.step(parameters, factor)
    before = float(np.abs(values).max(initial=0))
    put_back = [_keep(values), *_keep_state(optimizer)]
    with np.errstate(all="ignore"):
        optimizer.step(parameters, factor)
    optimizer._largest = _bound(values, *optimizer._state.values())
    if math.isfinite(optimizer._largest):
        return None
    wrong = _first_wrong(parameters, optimizer)
    for put in put_back:
        put()
    where = f"step {step} at learning rate {lr:g}"
    remedy = _remedy(optimizer, before, norm, lr, values.dtype)
    raise DivergedError.expected(where, "a finite update", wrong, remedy)


def _bound(*vectors: Array) -> float:
    """A bound that no number of the vectors exceeds; not finite where one of them is not."""
    with np.errstate(all="ignore"):
        # The norm is read in one pass, on all threads.
        bound = math.sqrt(sum(map(sum_of_squares, vectors))) + _VANISHING
        if math.isfinite(bound):
            return bound
        # Squares overflow long before the numbers do.
        return float(np.max([(vector.max(initial=0), -vector.min(initial=0)) for vector in vectors]))


def _first_wrong(parameters: ParameterVector, optimizer: Optimizer) -> str:
    for path, parameter in parameters.items():
        if not np.isfinite(parameter.value).all():
            return f"{first_wrong(parameter.value)} of {path}"
    for name, vector in optimizer._state.items():
        if not np.isfinite(vector).all():
            return f"{vector[~np.isfinite(vector)][0]} in its {name}"
    return "a number that is not finite between the parameters, in the vector's padding"


def _remedy(optimizer: Optimizer, before: float, norm: float, lr: float, dtype: np.dtype[Any]) -> str:
    """What is likely to blame, the surest first."""
    name = type(optimizer).__name__
    if not math.isfinite(before):
        return "the parameters held it before the update; load or initialize them anew"
    if lr > _LARGEST[dtype]:
        return f"this rate is infinite in {dtype}; try a usual one, such as 0.1 for SGD or 0.001 for Adam"
    unknown = not optimizer.reach(0.0, 0.0, 0.0) < math.inf
    if unknown and lr * (before + norm) < SAFE[dtype]:
        sizes = f"the gradients' norm is {norm:.3g} and the parameters reach {before:.3g}"
        return f"{sizes}: the update of {name} is to blame; look at what it divides by, and at its state"
    if lr <= 1 and norm > HUGE:
        return f"the gradients' norm of {norm:.3g} is to blame: clip them, and standardize the features"
    if lr <= 1 and before < HUGE and not unknown:
        return f"the state of {name} is to blame: begin with a new optimizer, or load its state anew"
    grown = f"the parameters have grown up to {before:.3g}: " if before > HUGE else ""
    return f"{grown}{RATE}"


def _keep(held: Any) -> Callable[[], None]:
    """What puts back the content of an array, a list, a dict or a generator of random numbers."""
    if isinstance(held, np.ndarray):
        copied = held.copy()
        return lambda: np.copyto(held, copied)
    if isinstance(held, np.random.Generator):
        drawn = held.bit_generator.state
        return lambda: setattr(held.bit_generator, "state", drawn)
    if not isinstance(held, (dict, list, tuple)):
        return lambda: None
    content = held.copy() if isinstance(held, (dict, list)) else held
    inner = [_keep(one) for one in (content.values() if isinstance(content, dict) else content)]

    def put() -> None:
        if isinstance(held, dict):
            held.clear()
            held.update(content)
        elif isinstance(held, list):
            held[:] = content
        for one in inner:
            one()

    return put


def _keep_state(optimizer: Optimizer) -> list[Callable[[], None]]:
    """What puts back all that an optimizer holds, the vectors in place, for it steps views of them."""
    attributes = vars(optimizer).copy()

    def put() -> None:
        vars(optimizer).clear()
        vars(optimizer).update(attributes)

    return [put, *(_keep(held) for name, held in attributes.items() if name not in _SHARED)]
