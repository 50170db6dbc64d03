"""How well a net does on a data set."""

from __future__ import annotations

import numpy as np

from minidl.data import Dataset
from minidl.errors import DataError, StructureError
from minidl.initializers import Array
from minidl.layers import Sequential
from minidl.losses import Loss


def evaluate(net: Sequential, dataset: Dataset) -> tuple[float, float]:
    """Loss (no penalty) and accuracy of `net` on `dataset`, by inference in chunks."""
    head = require_head("evaluate", net)
    dataset = require_dataset("evaluate", "dataset", dataset)
    loss, correct = 0.0, 0
    for rows, scores in net.score_chunks(dataset.features):
        targets = dataset.targets[rows]
        loss += float(head.forward(scores, targets, training=False)) * len(targets)
        correct += count_right(head, scores, targets)
    samples = len(dataset.targets)
    return loss / samples, correct / samples


def count_right(head: Loss, scores: Array, targets: Array) -> int:
    """How many of the samples get their own label."""
    return int(np.count_nonzero(head.predict(scores) == targets))


def require_head(where: str, net: object) -> Loss:
    """The loss at the end of `net`, or `StructureError` if there is none."""
    head: Loss | None = getattr(net, "head", None)
    if head is None:
        remedy = "end the Sequential with SoftmaxCrossEntropy()"
        raise StructureError.expected(where, "a net that ends with a loss", repr(net), remedy)
    return head


def require_dataset(where: str, name: str, dataset: object) -> Dataset:
    """`dataset`, or `DataError` if it is something else."""
    if not isinstance(dataset, Dataset):
        remedy = "wrap arrays: minidl.data.Dataset(features, targets)"
        raise DataError.expected(where, f"{name} to be a Dataset", type(dataset).__name__, remedy)
    return dataset
