"""Why a training left the finite numbers: asked once it has, so that no step pays for it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from minidl.data import Batches, Dataset
from minidl.errors import DivergedError
from minidl.inspection import trace
from minidl.kernels.sparse import is_csr
from minidl.losses import Loss
from minidl.net import Net, head_loss
from minidl.types import Array


def diverged(step: int, lr: float, loss: float, norm: float, gradients: Array) -> DivergedError:
    """The error of a step after so many: its loss, or the `norm` of its update, is not finite."""
    what, number = ("update's norm", norm) if math.isfinite(loss) else ("loss", loss)
    where = f"step {step} at learning rate {lr:g}"
    remedy = "try a learning rate ten times smaller, and standardize the features"
    if step == 0 and not (math.isfinite(loss) and math.isfinite(np.dot(gradients, gradients))):
        where, remedy = "step 0", "before the first update no rate is to blame, but data or a layer"
    return DivergedError.expected(where, f"a finite {what}", number, remedy)


def explained(error: DivergedError, step: int, net: Net, batches: Batches) -> DivergedError:
    """`error` of a step after so many; that of the first one says where it comes from.

    The batch of that step is the one that `batches` lend next.
    """
    if step:
        return error
    found = origin(net, *next(batches))
    batches.redo()
    return DivergedError(f"{error}; {found}") if found else error


def origin(net: Net, features: Array, targets: Array, weights: Array | None = None) -> str:
    """Where in a training pass the first number that is not finite comes from; "" where all are."""
    net = copy.deepcopy(net)  # whose generators may draw
    with suppress(Exception), np.errstate(all="ignore"):  # what else is wrong, a step says itself
        return next(_origins(net, features, targets, weights), "")
    return ""


def _origins(net: Net, features: Array, targets: Array, weights: Array | None) -> Iterator[str]:
    x = net._convert(net._input(features))
    if not _is_finite(x):
        where = f" in {net.dtype}" if _is_finite(features) else ""
        yield f"the features hold {_wrong(x)}{where}"
    for path, parameter in net.parameters.items():
        if not _is_finite(parameter.value):
            yield f"{path} holds {_wrong(parameter.value)} already"
    for one in trace(net, x, training=True):
        if not _is_finite(one.y):
            yield f"{one.layer.label} is the first to give {_wrong(one.y)}, for numbers {_span(one.x)}"
    loss, scores = net.forward_backward(features, targets, weights)
    if not _is_finite(scores):  # of a net that is no row of layers
        yield f"{net.label} gives {_wrong(scores)}, for numbers {_span(x)}"
    if not math.isfinite(loss):
        spans = f"for scores {_span(scores)} and targets {_span(targets)}"
        yield f"{net._require_head().label} gives {loss}, {spans}"
    for path, parameter in reversed([*net.parameters.items()]):
        if not _is_finite(parameter.grad):
            wrong = _wrong(parameter.grad)
            yield f"from the loss backwards, {path} is the first whose gradient holds {wrong}"
    gradients = net.parameters.gradients
    if not math.isfinite(np.dot(gradients, gradients)):
        largest = np.abs(gradients).max()
        yield f"its square overflows, for the gradients reach {largest:.3g}, for features {_span(x)}"


def _numbers(x: Any) -> Array:
    matrix = getattr(x, "matrix", x)
    numbers: Array = matrix.data if is_csr(matrix) else matrix
    return numbers


def _is_finite(x: Array) -> bool:
    return bool(np.isfinite(_numbers(x)).all())


def _wrong(x: Array) -> str:
    numbers = _numbers(x)
    return str(numbers[~np.isfinite(numbers)][0])


def _span(x: Array) -> str:
    numbers = _numbers(x)
    return f"from {numbers.min():.3g} to {numbers.max():.3g}"


def rows_without_a_loss(net: Net, head: Loss, dataset: Dataset) -> Array:
    """The samples for which the loss is not finite."""
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for rows, scores in net.score_chunks(dataset.features):
            targets = dataset.targets[rows]
            for row in range(len(targets)):
                one = slice(row, row + 1)
                if not math.isfinite(head_loss(head, scores[one], targets[one])):
                    found.append(rows.start + row)
    return np.array(found, np.intp)
