"""PyTorch in eager mode, as its tutorial trains a net."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Array, Problem


class Runner(Contestant):
    """`nn.Sequential`, `CrossEntropyLoss` and `SGD`; batches gathered by an index tensor.

    `weight_decay` puts the penalty into the gradients and never into the loss, so the penalty's
    value is added for the comparison only.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.x, self.y = torch.from_numpy(self.features), torch.from_numpy(self.labels)
        self.layers = (
            nn.Linear(problem.features, problem.hidden),
            nn.Linear(problem.hidden, problem.classes),
        )
        self.net = nn.Sequential(self.layers[0], nn.ReLU(), self.layers[1])
        self.loss = nn.CrossEntropyLoss()
        self.weights = [layer.weight for layer in self.layers]
        groups: list[dict[str, Any]] = [
            {"params": self.weights, "weight_decay": 2 * problem.reg},
            {"params": [layer.bias for layer in self.layers]},
        ]
        self.optimizer = torch.optim.SGD(groups, lr=problem.learning_rate)
        self.reset()

    def reset(self) -> None:
        torch.manual_seed(0)
        start = {name: torch.from_numpy(weights) for name, weights in self.problem.weights().items()}
        with torch.no_grad():
            for number, layer in enumerate(self.layers, start=1):
                layer.weight.copy_(start[f"W{number}"].T)
                layer.bias.copy_(start[f"b{number}"])

    def run(self, steps: int) -> None:
        size, losses = self.problem.batch, []
        for _ in range(steps // self.problem.steps_per_epoch):
            order = torch.randperm(len(self.x))
            for start in range(0, len(order), size):
                losses.append(self._step(order[start : start + size]))  # noqa: PERF401 - as one writes it

    def losses(self, batches: list[Array]) -> list[float] | None:
        self.reset()
        losses = []
        for rows in batches:
            with torch.no_grad():
                penalty = self.problem.reg * sum(float(w.double().square().sum()) for w in self.weights)
            losses.append(self._step(torch.from_numpy(rows)) + penalty)
        return losses

    def _step(self, rows: torch.Tensor) -> float:
        loss = self.loss(self.net(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())

    @staticmethod
    def set_threads(threads: int) -> None:
        torch.set_num_threads(threads)

    @staticmethod
    def libraries() -> list[dict[str, Any]]:
        """What PyTorch says of itself: its BLAS is built in, where threadpoolctl cannot see it."""
        built = torch.__config__.show()
        found = re.search(r"Math Kernel Library\D*([\d.]+)", built)
        return [
            {
                "internal_api": "mkl" if found else "built-in BLAS",
                "version": found.group(1) if found else None,
                "architecture": torch.backends.cpu.get_cpu_capability(),
                "num_threads": torch.get_num_threads(),
            }
        ]
