"""How well a net does on a data set."""

from __future__ import annotations

import math
from typing import Never

import numpy as np

from minidl.checks import shown
from minidl.data import Dataset
from minidl.data.dataset import check_dataset
from minidl.errors import DataError, DivergedError, StructureError
from minidl.layers import Sequential
from minidl.losses import Loss, SoftmaxCrossEntropy
from minidl.losses.loss import check_loss
from minidl.types import Array


def evaluate(net: Sequential, dataset: Dataset, *more: Never) -> tuple[float, float]:
    """Loss (no penalty) and accuracy of `net` on `dataset`, by inference in chunks.

    Raises
    ------
    DivergedError
        The loss is not finite, be it for NaN or because numbers overflowed; says in which samples.
    """
    head = require_head("evaluate", net)
    require_dataset("evaluate", "dataset", dataset, more)
    loss, accuracy = measure(net, dataset)
    if math.isnan(loss):
        rows = _rows_without_a_loss(net, head, dataset)
        raise DivergedError.in_rows("evaluate", "a finite loss for every sample", rows, len(dataset))
    return loss, accuracy


def measure(net: Sequential, dataset: Dataset) -> tuple[float, float]:
    """As `evaluate`, but NaN for both where the loss is not finite."""
    head, loss, correct = require_head("evaluate", net), 0.0, 0
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the loss
        for rows, scores in net.score_chunks(dataset.features):
            targets = dataset.targets[rows]
            loss += check_loss(head, head.forward(scores, targets, training=False)) * len(targets)
            if not math.isfinite(loss):
                return math.nan, math.nan
            correct += count_right(head, scores, targets)
    samples = len(dataset)
    return loss / samples, correct / samples


def count_right(head: Loss, scores: Array, targets: Array) -> int:
    """How many of the samples get their own label; for scores that gave a finite loss."""
    # So they are no NaN, for which `predict` would look at every step of a training.
    if type(head) is SoftmaxCrossEntropy:
        return int(np.count_nonzero(scores.argmax(axis=1) == targets))
    return int(np.count_nonzero(head.predict(scores) == targets))


def _rows_without_a_loss(net: Sequential, head: Loss, dataset: Dataset) -> Array:
    found = []
    with np.errstate(over="ignore", invalid="ignore"):
        for rows, scores in net.score_chunks(dataset.features):
            targets = dataset.targets[rows]
            for row in range(len(targets)):
                one = slice(row, row + 1)
                if not math.isfinite(head.forward(scores[one], targets[one], training=False)):
                    found.append(rows.start + row)
    return np.array(found, np.intp)


def require_head(where: str, net: object) -> Loss:
    """The loss at the end of `net`, or `StructureError` if there is none."""
    head = net.head if isinstance(net, Sequential) else None
    if head is None:
        remedy = "end the Sequential with SoftmaxCrossEntropy()"
        raise StructureError.expected(where, "a net that ends with a loss", shown(net), remedy)
    return head


def require_dataset(where: str, name: str, dataset: object, more: tuple[object, ...] = ()) -> Dataset:
    """`dataset`, or `DataError` if it is something else or more was given, such as labels beside features."""
    if more:
        got = " and ".join(map(shown, (dataset, *more)))
        remedy = "wrap arrays in one: minidl.data.Dataset(features, targets)"
        raise DataError.expected(where, f"{name} to be one Dataset", got, remedy)
    return check_dataset(where, name, dataset)
