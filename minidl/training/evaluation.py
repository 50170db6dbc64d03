"""How well a net does on a data set."""

from __future__ import annotations

import numpy as np

from minidl.data import Dataset
from minidl.errors import DataError, StructureError
from minidl.initializers import Array
from minidl.layers import Sequential


def evaluate(net: Sequential, dataset: Dataset) -> tuple[float, float]:
    """Loss (no penalty) and accuracy of `net` on `dataset`, by inference in chunks."""
    head = getattr(net, "head", None)
    if head is None:
        raise StructureError.expected("evaluate", "a net that ends with a loss", repr(net))
    dataset = require_dataset("evaluate", "dataset", dataset)
    loss, correct = 0.0, 0
    for rows, scores in net.score_chunks(dataset.features):
        targets = dataset.targets[rows]
        loss += head.forward(scores, targets, training=False) * len(targets)
        correct += count_right(net, scores, targets)
    return loss / len(dataset), correct / len(dataset)


def count_right(net: Sequential, scores: Array, targets: Array) -> int:
    """How many of the samples get their own label."""
    assert net.head is not None
    return int(np.count_nonzero(net.head.predict(scores) == targets))


def require_dataset(where: str, name: str, dataset: object) -> Dataset:
    """`dataset`, or `DataError` if it is something else."""
    if not isinstance(dataset, Dataset):
        remedy = "wrap arrays: minidl.data.Dataset(features, targets)"
        raise DataError.expected(where, f"{name} to be a Dataset", type(dataset).__name__, remedy)
    return dataset
