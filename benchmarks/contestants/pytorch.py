"""PyTorch in eager mode, as its tutorial trains a net."""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.contestants.task import EpochTask, LayerTask, PredictTask, StepTask, UpdateTask
from benchmarks.contestants.torch_images import Images as Images
from benchmarks.machine import describe_library
from benchmarks.problems import EpochTraining, LayerPass, Prediction, Training, Update
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


class Layers(LayerTask):
    """The layer of the same name, and the gradients by `autograd.grad`."""

    _names: ClassVar = {"Affine": "Linear", "SoftmaxCrossEntropy": "CrossEntropyLoss"}

    def __init__(self, problem: LayerPass) -> None:
        super().__init__(problem)
        made = getattr(nn, self._names.get(problem.kind, problem.kind))
        self.layer: nn.Module = made(*problem.arguments, **dict(problem.options))
        with torch.no_grad():
            for name, parameter in self.layer.named_parameters():
                parameter.copy_(torch.from_numpy(self._turned(self.parameters[name])))
        self.inputs = [torch.from_numpy(self.x).requires_grad_(self.differentiates_x)]
        self.sources = [x for x in (*self.inputs, *self.layer.parameters()) if x.requires_grad]
        if self.labels is not None:
            self.inputs.append(torch.from_numpy(self.labels))
        self.upstream = torch.from_numpy(self.dy)

    def _turned(self, array: Any) -> Any:
        return array.T if self.problem.kind == "Affine" and array.ndim == 2 else array  # (out, in) here

    def run(self, count: int) -> None:
        layer, inputs, sources, dy = self.layer, self.inputs, self.sources, self.upstream
        for _ in range(count):
            torch.autograd.grad(layer(*inputs), sources, dy)

    def passes(self) -> list[Any]:
        y = self.layer(*self.inputs)
        gradients = torch.autograd.grad(y, self.sources, self.upstream)
        own = len(gradients) - len(self.parameters)
        return [y.detach(), *gradients[:own], *(self._turned(gradient) for gradient in gradients[own:])]


class Updates(UpdateTask):
    """`optimizer.step` in its fastest form: fused, where there is that."""

    def __init__(self, problem: Update) -> None:
        super().__init__(problem)
        self.weight = nn.Parameter(torch.from_numpy(self.values))
        self.weight.grad = torch.from_numpy(self.gradients)
        made = getattr(torch.optim, problem.kind)
        fused = {"fused": True} if "fused" in inspect.signature(made).parameters else {}
        self.optimizer = made([self.weight], lr=problem.learning_rate, **fused, **self.options)

    def run(self, count: int) -> None:
        step = self.optimizer.step
        for _ in range(count):
            step()

    def step(self, gradients: Array) -> None:
        self.weight.grad = torch.from_numpy(gradients)
        self.optimizer.step()

    def current(self) -> Array:
        values: Array = self.weight.detach().numpy()
        return values


def _stacked(layers: list[nn.Linear]) -> nn.Sequential:
    return nn.Sequential(*(part for layer in layers[:-1] for part in (layer, nn.ReLU())), layers[-1])


def _set_weights(layers: list[nn.Linear], start: list[tuple[Array, Array]]) -> None:
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, start, strict=True):
            layer.weight.copy_(torch.from_numpy(weight).T)
            layer.bias.copy_(torch.from_numpy(bias))
