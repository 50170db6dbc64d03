"""PyTorch in eager mode, as its tutorial trains a net."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from benchmarks.contestants.task import StepTask
from benchmarks.machine import describe_library
from benchmarks.training import Array, Training


def libraries() -> list[dict[str, Any]]:
    """What PyTorch says of itself: its BLAS is built in, where threadpoolctl cannot see it."""
    found = re.search(r"Math Kernel Library\D*([\d.]+)", torch.__config__.show())
    name, version = ("mkl", found.group(1)) if found else ("PyTorch's own BLAS", None)
    kernel = torch.backends.cpu.get_cpu_capability()
    return [describe_library(name, version, kernel, torch.get_num_threads())]


class Step(StepTask):
    """`nn.Sequential`, `CrossEntropyLoss` and `SGD`; batches gathered by an index tensor.

    `weight_decay` puts the penalty into the gradients and never into the loss, so the penalty's
    value is added for the comparison only.
    """

    def __init__(self, problem: Training) -> None:
        super().__init__(problem)
        self.x, self.y = torch.from_numpy(self.features), torch.from_numpy(self.labels)
        self.layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(problem.sizes)]
        self.net = nn.Sequential(
            *(part for layer in self.layers[:-1] for part in (layer, nn.ReLU())), self.layers[-1]
        )
        self.criterion = nn.CrossEntropyLoss()
        self.weights = [layer.weight for layer in self.layers]
        groups: list[dict[str, Any]] = [
            {"params": self.weights, "weight_decay": 2 * problem.reg},
            {"params": [layer.bias for layer in self.layers]},
        ]
        self.optimizer = torch.optim.SGD(groups, lr=problem.learning_rate)
        self.reset()

    def reset(self) -> None:
        torch.manual_seed(0)
        with torch.no_grad():
            for layer, (weight, bias) in zip(self.layers, self.start, strict=True):
                layer.weight.copy_(torch.from_numpy(weight).T)
                layer.bias.copy_(torch.from_numpy(bias))

    def run(self, count: int) -> None:
        size, losses = self.problem.batch, []
        for _ in range(count):
            order = torch.randperm(len(self.x))
            for start in range(0, len(order), size):
                losses.append(self._step(order[start : start + size]))  # noqa: PERF401 - as one writes it

    def loss(self, rows: Array) -> float:
        with torch.no_grad():
            penalty = self.problem.reg * sum(float(w.double().square().sum()) for w in self.weights)
        return self._step(torch.from_numpy(rows)) + penalty

    def _step(self, rows: torch.Tensor) -> float:
        loss = self.criterion(self.net(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())
