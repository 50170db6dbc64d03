"""Clauses that compare with a function from elsewhere. They are left out where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.testing.cases import LayerCase, infer, train
from minidl.testing.demands import require_same
from minidl.testing.loss_cases import LossCase
from minidl.testing.loss_cases import train as train_loss
from minidl.testing.reference import evaluate
from minidl.testing.reports import ClauseSkipped
from minidl.types import Array

_RTOL = 1e-10


def reference(case: LayerCase) -> str:
    """Inference gives what ``reference=`` gives for the same input and parameters."""
    _require(case.reference)
    for draw, batch in ((0, None), (1, 1), (2, 2 * case.batch)):
        layer, x = case.layer(), case.x(draw, batch=batch)
        y = infer(layer, x.copy())
        expected, _ = evaluate(_require(case.reference), [x, *_values(case)], y)
        require_same("the output", y, expected, "beside the reference", rtol=_RTOL)
    return "3 batches"


def reference_gradients(case: LayerCase) -> str:
    """Backward gives the gradients that a reference from PyTorch or JAX gives by itself."""
    function = _require(case.reference)
    if case.varies:
        raise ClauseSkipped("training draws random numbers")
    layer, x = case.layer(), case.x()
    dy = case.dy(infer(case.layer(), x))
    output, expected = evaluate(function, [x, *_values(case)], dy)
    if expected is None:
        raise ClauseSkipped("the reference does not differentiate itself")
    found = train(layer, x, dy)
    require_same("the output", found.y, output, "in training beside the reference", rtol=_RTOL)
    names = [*(["dx"] if x.dtype.kind == "f" else []), *(f"{name}.grad" for name in found.gradients)]
    gradients = [*([found.dx] if x.dtype.kind == "f" else []), *found.gradients.values()]
    for name, ours, theirs in zip(names, gradients, expected, strict=True):
        require_same(name, ours, theirs, "beside the reference", rtol=_RTOL, scale=found.scale)
    return f"{len(names)} gradients"


def loss_reference(case: LossCase) -> str:
    """The loss, and from PyTorch or JAX its gradient, is what ``reference=`` gives for scores and targets."""
    function = _require(case.reference)
    expected = None
    for draw, factor in ((0, 1), (1, 1), (2, 40)):
        scores, targets = factor * case.scores(draw), case.targets(draw)
        found = train_loss(case.loss(), scores, targets)
        loss, expected = evaluate(function, [scores, np.asarray(targets)], 1.0)
        require_same("the loss", np.asarray(found.loss), loss, "beside the reference", rtol=_RTOL)
        if expected is not None:
            require_same("the gradient", found.dscores, expected[0], "beside the reference", rtol=_RTOL)
    return "3 batches" if expected is None else "3 batches and their gradients"


def _require(function: object) -> Any:
    if function is None:
        raise ClauseSkipped("opt in with reference=")
    return function


def _values(case: LayerCase) -> list[Array]:
    return [parameter.value.copy() for _, parameter in case.layer().named_parameters()]
