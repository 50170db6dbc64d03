"""Clauses of an optimizer. Each takes an `OptimizerCase` and raises, or returns what it saw."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from minidl.testing.demands import require, require_same
from minidl.testing.optimizer_cases import OptimizerCase
from minidl.testing.reports import ClauseSkipped
from minidl.testing.state import arrays
from minidl.types import Array

_DESCENT = 100

_BOUND = ("_parameters", "_trainable", "_views")
"""Attributes by which `Optimizer` knows the parameters that it steps."""

_LONG = 70_000
"""Numbers; more than a step takes at once that walks its vectors in blocks for the cache."""


def descends(case: OptimizerCase) -> str:
    """The first step goes down the gradient, and a hundred steps lower a quadratic loss."""
    optimizer, parameters = case.optimizer(), case.parameters()
    start = case.loss(parameters)
    gradients, before = parameters.gradients.copy(), parameters.values.copy()
    optimizer.step(parameters)
    change = float((parameters.values - before) @ gradients)
    require(change < 0, f"the first step goes up the gradient, or nowhere (by {change:.3g} along it)")
    for _ in range(_DESCENT):
        case.loss(parameters)
        optimizer.step(parameters)
    end = case.loss(parameters)
    require(
        math.isfinite(end) and end < start, f"{_DESCENT} steps took the loss from {start:.4g} to {end:.4g}"
    )
    return f"loss from {start:.3g} to {end:.3g} in {_DESCENT} steps"


def values_in_place(case: OptimizerCase) -> None:
    """Values are changed in place: vectors and parameters keep their identity, and follow."""
    optimizer, parameters = case.optimizer(), case.parameters()
    held = [parameters.values, parameters.gradients]
    held += [array for _, p in parameters.items() for array in (p.value, p.grad)]
    before = {name: p.value.copy() for name, p in parameters.items()}
    moved = {name: np.zeros(p.shape, bool) for name, p in parameters.items()}
    for step in range(3):
        case.steps(optimizer, parameters, 1, first=step)
        for name, parameter in parameters.items():
            moved[name] |= parameter.value != before[name]
    now = [parameters.values, parameters.gradients]
    now += [array for _, p in parameters.items() for array in (p.value, p.grad)]
    require(all(a is b for a, b in zip(held, now, strict=True)), "a step replaces an array, not its content")
    for name, places in moved.items():
        require(places.any(), f"a step leaves the {name} as it was: write in place, as in values -= x")
        require(places.all(), f"a step leaves numbers of the {name} where they were")


def gradients_read_only(case: OptimizerCase) -> None:
    """The gradients are only read."""
    optimizer, parameters = case.optimizer(), case.parameters()
    for _ in range(3):
        case.loss(parameters)
        before = parameters.gradients.copy()
        optimizer.step(parameters)
        require(np.array_equal(parameters.gradients, before), "a step changes the gradients")
    # What the base class holds to step them is no state of the optimizer.
    own = {name: held for name, held in vars(optimizer).items() if name not in _BOUND}
    held = [array for _, array in arrays(own)]
    for name, vector in (("values", parameters.values), ("gradients", parameters.gradients)):
        kept = any(np.may_share_memory(array, vector) for array in held)
        require(not kept, f"its state shares the memory of the {name}")


def padding_stays_zero(case: OptimizerCase) -> None:
    """The vector's padding between parameters stays 0."""
    parameters = case.parameters()
    used = np.zeros(parameters.values.size, bool)
    for parameter in dict(parameters.items()).values():
        start = (parameter.value.ctypes.data - parameters.values.ctypes.data) // parameters.values.itemsize
        used[start : start + parameter.value.size] = True
    values = case.steps(case.optimizer(), parameters, 5)
    require(not values[~used].any(), "a step writes to the padding between parameters")


def zero_gradient(case: OptimizerCase) -> None:
    """A gradient of 0 leaves the values of a fresh optimizer where they are.

    An optimizer that decays the weights by itself opts out with ``skip=["zero_gradient"]``.
    """
    parameters = case.parameters()
    before = parameters.values.copy()
    optimizer = case.optimizer()
    for _ in range(2):
        parameters.gradients.fill(0)
        optimizer.step(parameters)
    require(np.array_equal(parameters.values, before), "a gradient of 0 moves the values")


def every_number(case: OptimizerCase) -> None:
    """Long vectors are stepped to their end, each number as in a short vector.

    An optimizer whose step looks at a parameter as a whole opts out with ``elementwise=False``.
    """
    if not case.elementwise:
        raise ClauseSkipped("elementwise=False")
    small = replace(case, shape=(1, 1))
    large = replace(case, shape=(2, _LONG // 2))
    few, many = small.parameters(), large.parameters()
    one, other = case.optimizer(), case.optimizer()
    for step in range(3):
        for parameters in (few, many):
            for parameter in dict(parameters.items()).values():
                if step == 0:
                    parameter.value.fill(1.5)
                parameter.grad[...] = 0.7 * parameter.value - 0.2 * step
        one.step(few)
        other.step(many)
    for name, parameter in many.items():
        expected = np.full(parameter.shape, few[name].value.item())
        require_same(f"{name}.value", parameter.value, expected, "in a long vector")


def learning_rate(case: OptimizerCase) -> None:
    """Each step uses ``lr * factor`` as it is then: twice that moves twice as far, 0 not at all."""
    for steps in (0, 3):
        base = _move(case, steps)
        when = f"after {steps} steps"
        for what in ("rate", "factor"):
            twice, nothing = (_move(case, steps, **{what: by}) for by in (2.0, 0.0))
            require_same("the step", twice, 2 * base, f"at twice the {what} {when}", rtol=1e-7)
            require(not nothing.any(), f"a {what} of 0 moves the values {when}")


def _move(case: OptimizerCase, steps: int, *, rate: float = 1.0, factor: float = 1.0) -> Array:
    """How far the values move after so many steps, at a multiple of the rate and a schedule's factor."""
    optimizer, parameters = case.optimizer(), case.parameters()
    before = case.steps(optimizer, parameters, steps)
    optimizer.lr = lr = optimizer.lr * rate
    case.loss(parameters)
    optimizer.step(parameters, factor)
    require(optimizer.lr == lr, "a step changes lr")
    return parameters.values - before


def deterministic(case: OptimizerCase) -> None:
    """Two optimizers make the same steps, to the bit, and share nothing."""
    one, other, parameters = case.optimizer(), case.optimizer(), case.parameters()
    expected = case.steps(case.optimizer(), case.parameters(), 6)
    disturbed = replace(case, seed=case.seed + 1).parameters()
    for step in range(6):
        case.steps(one, parameters, 1, first=step)
        case.steps(other, disturbed, 1, first=step + 1)
    same = np.array_equal(parameters.values, expected, equal_nan=True)
    require(same, "another optimizer at work changes its steps")


def dtype(case: OptimizerCase) -> None:
    """Float32 vectors stay float32, and go the way of float64 ones."""
    found: list[Array] = []
    for kind in (np.float64, np.float32):
        parameters = case.parameters(kind)
        case.steps(case.optimizer(), parameters, 10)
        require(parameters.values.dtype == kind, f"{np.dtype(kind)} values become {parameters.values.dtype}")
        found.append(np.concatenate([p.value.ravel() for _, p in parameters.items()]))
    require_same("the values", found[1], found[0], "after 10 steps in float32", rtol=5e-6)


def precision(case: OptimizerCase) -> None:
    """Float64 vectors are stepped in float64: a change of 1e-9 in the gradients comes through."""
    rng = np.random.default_rng(case.seed)
    along = {name: rng.standard_normal(p.shape) for name, p in case.parameters().items()}

    def stepped(change: float) -> Array:
        optimizer, parameters = case.optimizer(), case.parameters()
        case.loss(parameters)
        parameters.values[...] = 0  # so that a small step is not lost in rounding beside the values
        for name, parameter in parameters.items():
            parameter.grad[...] += change * along[name]
        optimizer.step(parameters)
        return parameters.values

    base = stepped(0.0)
    coarse, middle, fine = ((stepped(change) - base) / change for change in (1e-3, 1e-4, 1e-9))
    size = float(np.linalg.norm(middle))
    responds = size > 1e-6 * np.linalg.norm(base) and np.linalg.norm(coarse - middle) < 0.1 * size
    followed = np.linalg.norm(fine - middle) < 0.2 * size
    require(followed or not responds, "a step does not follow a change of 1e-9: is it rounded to float32?")
