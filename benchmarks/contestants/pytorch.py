"""PyTorch in eager mode, as its tutorial trains a net."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.task import EpochTask, PredictTask, StepTask, Task
from benchmarks.machine import describe_library
from benchmarks.problems import EpochTraining, LayerPass, Prediction, Training
from minidl.types import Array


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
        self.net = _stacked(self.layers)
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
        _set_weights(self.layers, self.start)

    def run(self, count: int) -> None:
        size, losses = self.problem.batch, []
        for _ in range(count):
            order = torch.randperm(len(self.x))
            for start in range(0, len(order), size):
                losses.append(self._step(order[start : start + size]))  # noqa: PERF401 - as one writes it

    def loss(self, rows: Array) -> float:
        penalty = self.penalty(weight.detach().numpy() for weight in self.weights)
        return self._step(torch.from_numpy(rows)) + penalty

    def _step(self, rows: torch.Tensor) -> float:
        loss = self.criterion(self.net(self.x[rows]), self.y[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())


class Epoch(EpochTask, Step):
    """The quickstart tutorial's loops, printing left out: a `DataLoader` each over a `TensorDataset`."""

    def __init__(self, problem: EpochTraining) -> None:
        super().__init__(problem)
        parts = (
            TensorDataset(self.x, self.y),
            TensorDataset(torch.from_numpy(self.held_out), torch.from_numpy(self.held_out_labels)),
        )
        self.train_loader = DataLoader(parts[0], batch_size=problem.batch, shuffle=True)
        self.test_loader = DataLoader(parts[1], batch_size=problem.batch)

    def run(self, count: int) -> None:
        for _ in range(count):
            self._train()
            self._test()

    def validation_loss(self) -> float:
        return self._test()

    def _train(self) -> None:
        self.net.train()
        for batch, (x, y) in enumerate(self.train_loader):
            loss = self.criterion(self.net(x), y)
            loss.backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            if batch % 100 == 0:
                loss.item()  # which the tutorial prints

    def _test(self) -> float:
        self.net.eval()
        loss, correct = 0.0, 0.0
        with torch.no_grad():
            for x, y in self.test_loader:
                scores = self.net(x)
                loss += self.criterion(scores, y).item()
                correct += (scores.argmax(1) == y).type(torch.float).sum().item()
        return loss / len(self.test_loader)


class Predict(PredictTask):
    """`argmax` of the net's scores under `no_grad`."""

    def __init__(self, problem: Prediction) -> None:
        super().__init__(problem)
        layers = [nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(problem.sizes)]
        _set_weights(layers, self.start)
        self.net = _stacked(layers).eval()
        self.rows = torch.from_numpy(self.x)

    def predict(self) -> Array:
        with torch.no_grad():
            labels: Array = self.net(self.numbers(self.rows)).argmax(1).numpy()
        return labels

    def probabilities(self, x: Array) -> Any:
        with torch.no_grad():
            return torch.softmax(self.net(self.numbers(torch.from_numpy(x))), dim=1)

    def numbers(self, x: torch.Tensor) -> torch.Tensor:
        return x.float() / 255 if self.problem.pixels else x


class Layers(Task):
    """`nn.Linear`, `nn.ReLU`, `nn.CrossEntropyLoss`; the gradients by `autograd.grad`."""

    problem: LayerPass

    def __init__(self, problem: LayerPass) -> None:
        super().__init__(problem)
        arrays = problem.arrays()
        self.x = torch.from_numpy(arrays["x"]).requires_grad_()
        self.dy: torch.Tensor | None = torch.from_numpy(arrays["dy"])
        self.layer: Any = nn.ReLU()
        if problem.kind == "affine":
            self.layer = nn.Linear(problem.features, problem.out)
            _set_weights([self.layer], [(arrays["weight"], arrays["bias"])])
        elif problem.kind == "convolution":
            self.layer = nn.Conv2d(problem.features, problem.out, 3, padding=1)
            values = {name: torch.from_numpy(arrays[name]) for name in ("weight", "bias")}
            self.layer.load_state_dict(values)
        elif problem.kind == "softmax":
            criterion, labels = nn.CrossEntropyLoss(), torch.from_numpy(arrays["labels"])
            self.layer, self.dy = (lambda x: criterion(x, labels)), None
        self.sources = [self.x, *(self.layer.parameters() if isinstance(self.layer, nn.Module) else ())]

    def run(self, count: int) -> None:
        layer, x, sources, dy = self.layer, self.x, self.sources, self.dy
        for _ in range(count):
            y = layer(x)
            if self.problem.backward:
                torch.autograd.grad(y, sources, dy)

    def answers(self) -> list[float]:
        y = self.layer(self.x)
        dx, *gradients = torch.autograd.grad(y, self.sources, self.dy)
        # A weight is (out, in) here.
        passes = [y.detach(), dx, *(grad.T if grad.ndim == 2 else grad for grad in gradients)]
        return self.problem.fingerprints(*passes)


def _stacked(layers: list[nn.Linear]) -> nn.Sequential:
    return nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.ReLU())), layers[-1])


def _set_weights(layers: list[nn.Linear], start: list[tuple[Array, Array]]) -> None:
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, start, strict=True):
            layer.weight.copy_(torch.from_numpy(weight).T)
            layer.bias.copy_(torch.from_numpy(bias))
