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

RATE = "try a learning rate ten times smaller, and standardize the features"

HUGE = 1e6
"""No net in use has parameters or gradients of this size."""


def blame(net: Net) -> str:
    """What the sizes of the parameters say of the cause, where numbers are no longer finite."""
    with np.errstate(all="ignore"):
        largest = float(np.abs(net.parameters.values).max(initial=0))
    if not math.isfinite(largest):
        wrong = [path for path, part in net.parameters.items() if not np.isfinite(part.value).all()]
        what = f"{wrong[0]} does" if wrong else "so does what lies between them"
        advice = "load or initialize it anew, or look at what callbacks write"
        return f"the parameters hold such numbers already: {what}, and no update wrote them; {advice}"
    if largest > HUGE:
        return f"the parameters have grown up to {largest:.3g}: {RATE}"
    sizes = f"the parameters are of ordinary size, up to {largest:.3g}"
    return f"{sizes}: a layer, the loss or this batch is to blame before the rate"


def diverged(step: int, lr: float, loss: float, norm: float, gradients: Array) -> DivergedError:
    """The error of a step after so many: its loss, or the `norm` of its gradients, is not finite."""
    what, number = ("norm of the gradients", norm) if math.isfinite(loss) else ("loss", loss)
    where = f"step {step} at learning rate {lr:g}"
    remedy = RATE
    if step == 0 and not (math.isfinite(loss) and math.isfinite(np.dot(gradients, gradients))):
        where, remedy = "step 0", "before the first update no rate is to blame, but data or a layer"
    return DivergedError.expected(where, f"a finite {what}", number, remedy)


def explained(error: DivergedError, step: int, net: Net, batches: Batches) -> DivergedError:
    """`error` of a step after so many, and where it comes from.

    The batch of that step is the one that `batches` lend next.
    """
    found = origin(net, *next(batches))
    batches.redo()
    said = str(error)
    if step and "the features hold" in found:
        said = said.replace(RATE, "the data are to blame, and not the rate")
    elif step:
        said = said.replace(RATE, blame(net))
    return DivergedError(f"{said}; {found}") if found else DivergedError(said)


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
            yield f"{one.layer.label} is the first to give {_wrong(one.y)}, for numbers {span(one.x)}"
    loss, scores = net.forward_backward(features, targets, weights)
    if not _is_finite(scores):  # of a net that is no row of layers
        yield f"{net.label} gives {_wrong(scores)}, for numbers {span(x)}"
    if not math.isfinite(loss):
        spans = f"for scores {span(scores)} and targets {span(targets)}"
        yield f"{net._require_head().label} gives {loss}, {spans}"
    for path, parameter in reversed([*net.parameters.items()]):
        if not _is_finite(parameter.grad):
            wrong = _wrong(parameter.grad)
            yield f"from the loss backwards, {path} is the first whose gradient holds {wrong}"
    gradients = net.parameters.gradients
    if not math.isfinite(np.dot(gradients, gradients)):
        largest = np.abs(gradients).max()
        yield f"its square overflows, for the gradients reach {largest:.3g}, for features {span(x)}"


def _numbers(x: Any) -> Array:
    matrix = getattr(x, "matrix", x)
    numbers: Array = matrix.data if is_csr(matrix) else matrix
    return numbers


def _is_finite(x: Array) -> bool:
    return bool(np.isfinite(_numbers(x)).all())


def _wrong(x: Array) -> str:
    numbers = _numbers(x)
    return str(numbers[~np.isfinite(numbers)][0])


def span(x: Array) -> str:
    """From the least number to the largest, in words."""
    numbers = _numbers(x)
    return f"from {numbers.min():.3g} to {numbers.max():.3g}" if numbers.size else "of none"


def first_wrong(x: Any) -> str:
    """The first number that is not finite, and its index where there is one; of a CSR matrix, too."""
    if is_csr(x):
        entries = x.tocoo()
        at = int(np.flatnonzero(~np.isfinite(entries.data))[0])
        return f"{entries.data[at]} at {int(entries.row[at]), int(entries.col[at])}"
    numbers = np.asarray(x)
    index = tuple(np.argwhere(~np.isfinite(numbers))[0].tolist())
    return f"{numbers[index]} at {index}" if index else str(numbers)


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
