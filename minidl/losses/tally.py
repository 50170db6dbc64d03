"""Loss and metrics over many batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minidl.losses.loss import Loss
from minidl.metrics import Metric
from minidl.metrics.metric import check_metrics
from minidl.stateful import check_forms, check_keys
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

    def state_dict(self) -> dict[str, Any]:
        """The sums so far."""
        states = {metric.name: metric.state_dict() for metric in self.metrics}
        return {"loss": self.loss, "weight": self.weight, "metrics": states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what `state_dict` gave; `StateError` where it is of other metrics."""
        check_keys("metrics", state, ("loss", "weight", "metrics"))
        check_forms("metrics", state, {"loss": float, "weight": float})
        own = {metric.name: metric for metric in self.metrics}
        check_keys("metrics", state["metrics"], own)
        for name, metric in own.items():
            metric.load_state_dict(state["metrics"][name])
        self.loss, self.weight = state["loss"], state["weight"]

    def result(self) -> dict[str, float]:
        """The mean of the loss, and each metric, by name."""
        loss = self.loss / self.weight if self.weight else 0.0
        return dict(zip(self.names, [loss, *(metric.compute() for metric in self.metrics)], strict=True))
