"""Loss and metrics over many batches."""

from __future__ import annotations

from collections.abc import Sequence

from minidl.losses.loss import Loss
from minidl.metrics import Metric
from minidl.metrics.metric import check_metrics
from minidl.types import Array


class Tally:
    """Loss and metrics, added up batch by batch; the metrics given are reset, and take the batches in."""

    def __init__(self, head: Loss, metrics: Sequence[Metric] | None = None) -> None:
        self.head = head
        self.metrics = head.metrics() if metrics is None else check_metrics(metrics)
        self.names = ["loss", *(metric.name for metric in self.metrics)]
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.loss = self.weight = 0.0
        for metric in self.metrics:
            metric.reset()

    def add(self, loss: float, scores: Array, targets: Array, weights: Array | None) -> None:
        """Take up one batch and the mean of its loss."""
        weight = self.head.total_weight(targets, weights)
        self.loss += loss * weight
        self.weight += weight
        for metric in self.metrics:
            metric.update(scores, targets, weights)

    def result(self) -> dict[str, float]:
        """The mean of the loss, and each metric, by name."""
        loss = self.loss / self.weight if self.weight else 0.0
        return dict(zip(self.names, [loss, *(metric.compute() for metric in self.metrics)], strict=True))
