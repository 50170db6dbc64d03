"""Clauses that compare with a function from elsewhere. They are left out where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.layers import Layer
from minidl.testing.cases import LayerCase, infer, train
from minidl.testing.demands import require, require_same
from minidl.testing.loss_cases import LossCase
from minidl.testing.loss_cases import train as train_loss
from minidl.testing.optimizer_cases import OptimizerCase, SchedulerCase
from minidl.testing.reference import Reference, evaluate, evaluate_training, is_torch_module, of_torch_module
from minidl.testing.reports import ClauseSkipped
from minidl.testing.state import named_arrays
from minidl.types import Array

_RTOL = 1e-10
_STEPS = 34
_COMPARED = {1, 2, 3, 5, 8, 13, 21, 34}


def reference(case: LayerCase) -> str:
    """Inference gives what ``reference=`` gives for the same input, parameters and states."""
    function = _require(_references(case)[0], "reference")
    for draw, batch in ((0, None), (1, 1), (2, 2 * case.batch)):
        layer, x = case.layer(), case.x(draw, batch=batch)
        y = infer(layer, x.copy())
        with _naming(layer):
            expected, _ = evaluate(function, [x, *_values(layer)], y)
        require_same("the output", y, expected, "beside the reference", rtol=_RTOL)
    return "3 batches"


def training_reference(case: LayerCase) -> str:
    """Training passes give the outputs, and leave the states, that ``training_reference=`` gives."""
    function = _require(_references(case)[1], "training_reference")
    layer = case.layer()
    names = list(layer.state)
    for draw, batch in ((0, case.batch), (1, 2 * case.batch), (2, case.min_batch)):
        x = case.x(draw, batch=batch)
        given = [x, *_values(layer)]
        found = train(layer, x, case.dy(infer(layer, x)))
        with _naming(layer):
            (output, _), states = evaluate_training(function, given, found.y)
        when = "beside the reference"
        require_same("the output", found.y, output, f"in training, {when}", rtol=_RTOL)
        require(len(states) == len(names), f"the reference gives {len(states)} states, expected {len(names)}")
        for name, expected in zip(names, states, strict=True):
            value = layer.state[name].value
            require_same(name, value, expected, f"after a training pass, {when}", rtol=_RTOL)
    return f"3 passes, {len(names)} states"


def reference_gradients(case: LayerCase) -> str:
    """Backward gives the gradients that a reference from PyTorch or JAX gives by itself."""
    plain, training = _references(case)
    function = _require(training or plain, "reference")
    if case.varies:
        raise ClauseSkipped("training draws random numbers")
    layer, x = case.layer(), case.x()
    if training is None and list(layer.state):
        raise ClauseSkipped("training keeps states, which training_reference= is for")
    given, dy = [x, *_values(layer)], case.dy(infer(case.layer(), x))
    if training is None:
        output, expected = evaluate(function, given, dy)
    else:
        (output, expected), _ = evaluate_training(function, given, dy)
    if expected is None:
        raise ClauseSkipped("the reference does not differentiate itself")
    found = train(layer, x, dy)
    require_same("the output", found.y, output, "in training, beside the reference", rtol=_RTOL)
    names = [*(["dx"] if x.dtype.kind == "f" else []), *(f"{name}.grad" for name in found.gradients)]
    gradients = [*([found.dx] if x.dtype.kind == "f" else []), *found.gradients.values()]
    for name, ours, theirs in zip(names, gradients, expected, strict=False):  # theirs by states come last
        require_same(name, ours, theirs, "beside the reference", rtol=_RTOL, scale=found.scale)
    return f"{len(names)} gradients"


def loss_reference(case: LossCase) -> str:
    """The loss, and from PyTorch or JAX its gradient, is what ``reference=`` gives for scores and targets."""
    function = _require(case.reference, "reference")
    expected = None
    for draw, factor in ((0, 1), (1, 1), (2, 40)):
        scores, targets = factor * case.scores(draw), case.targets(draw)
        found = train_loss(case.loss(), scores, targets)
        loss, expected = evaluate(function, [scores, np.asarray(targets)], 1.0)
        require_same("the loss", np.asarray(found.loss), loss, "beside the reference", rtol=_RTOL)
        if expected is not None:
            require_same("the gradient", found.dscores, expected[0], "beside the reference", rtol=_RTOL)
    return "3 batches" if expected is None else "3 batches and their gradients"


def optimizer_reference(case: OptimizerCase) -> str:
    """Steps lead where ``reference=`` leads from the same values by the same gradients."""
    function = _require(case.reference, "reference")
    optimizer, parameters = case.optimizer(), case.parameters()
    start, gradients = parameters.values.copy(), []
    for step in range(_STEPS):
        case.draw_gradients(parameters, step)
        gradients.append(parameters.gradients.copy())
        optimizer.step(parameters)
        if step + 1 not in _COMPARED:  # each time, the reference takes all steps from the first on
            continue
        when = f"after {step + 1} steps, beside the reference"
        expected = np.asarray(function(start.copy(), [gradient.copy() for gradient in gradients]))
        require_same("the vector of values", parameters.values, expected, when, rtol=_RTOL)
    return f"{_STEPS} steps"


def scheduler_reference(case: SchedulerCase) -> str:
    """Every factor is what ``reference=`` gives for the same epoch and step."""
    function, scheduler = _require(case.reference, "reference"), case.scheduler()
    for epoch, step in case.times():
        found, expected = np.asarray(scheduler.factor(epoch, step)), np.asarray(function(epoch, step))
        require_same(f"factor({epoch}, {step})", found, expected, "beside the reference", rtol=_RTOL)
    return f"{len(case.times())} factors"


def _references(case: LayerCase) -> tuple[Reference | None, Reference | None]:
    """What inference and training are compared with; a PyTorch module is both."""
    if not is_torch_module(case.reference):
        return case.reference, case.training_reference
    layer = case.layer()
    plain, training = of_torch_module(case.reference, list(layer.parameters), list(layer.state))
    return plain, case.training_reference or (None if case.varies else training)


def _require(function: object, option: str) -> Any:
    if function is None:
        raise ClauseSkipped(f"opt in with {option}=")
    return function


@contextmanager
def _naming(layer: Layer) -> Iterator[None]:
    """Of an exception that a reference raises, say what it was called with."""
    try:
        yield
    except Exception as error:
        error.add_note(f"the reference is called with ({', '.join(['x', *dict(named_arrays(layer))])})")
        raise


def _values(layer: Layer) -> list[Array]:
    """The values of the layer's parameters, and then of its states, copied."""
    return [part.value.copy() for _, part in named_arrays(layer)]
