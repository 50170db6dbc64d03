"""How well a net does on a data set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Never

import numpy as np

from minidl.advice import as_object, shown
from minidl.data import Dataset
from minidl.data.dataset import check_dataset
from minidl.errors import DivergedError, StructureError
from minidl.losses import Loss
from minidl.losses.tally import Tally
from minidl.metrics import Metric
from minidl.net import Net, head_loss
from minidl.training.divergence import rows_without_a_loss


def evaluate(
    net: Net, dataset: Dataset, *more: Never, metrics: Sequence[Metric] | None = None
) -> tuple[float, ...]:
    """Loss (no penalty) and metrics of `net` on `dataset`, by inference in chunks.

    Parameters
    ----------
    net : Net
    dataset : Dataset
    metrics : list of Metric, optional
        By default those of the net's loss: of `SoftmaxCrossEntropy`, the accuracy. Those that are given
        are reset before, and hold what they took in afterwards, such as `Recall.per_class`.

    Raises
    ------
    DivergedError
        The loss is not finite, be it for NaN or because numbers overflowed; says in which samples.
    """
    head = require_head("evaluate", net)
    check_dataset("evaluate", "dataset", dataset, more)
    measured = measure(net, dataset, metrics)
    if math.isnan(measured["loss"]):
        rows = rows_without_a_loss(net, head, dataset)
        raise DivergedError.in_rows("evaluate", "a finite loss for every sample", rows, len(dataset))
    return tuple(measured.values())


def measure(net: Net, dataset: Dataset, metrics: Sequence[Metric] | None = None) -> dict[str, float]:
    """``loss`` and each metric by its name, as `evaluate`; all NaN where the loss is not finite.

    The metrics are reset, and hold what they took in, of such a data set nothing.
    """
    tally = Tally(require_head("evaluate", net), metrics)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows shows in the loss
        for rows, scores in net.score_chunks(dataset.features):
            targets = dataset.targets[rows]
            weights = None if dataset.weights is None else dataset.weights[rows]
            loss = head_loss(tally.head, scores, targets, weights)
            if not math.isfinite(loss):
                tally.reset()
                return dict.fromkeys(tally.names, math.nan)
            tally.add(loss, scores, targets, weights)
    return tally.result()


def require_head(where: str, net: object) -> Loss:
    """The loss at the end of `net`, or `StructureError` if there is none."""
    head = net.head if isinstance(net, Net) else None
    if head is None:
        remedy = as_object(net, Net) or "end the Sequential with SoftmaxCrossEntropy()"
        raise StructureError.expected(where, "a net that ends with a loss", shown(net), remedy)
    return head
