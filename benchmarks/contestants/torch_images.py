"""The ready-made nets for images, as one writes them in PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

import minidl.recipes
from benchmarks.contestants.task import CLASSES, MOMENTUM, RATE, ImageTask
from benchmarks.problems import ImageTraining


def small(
    in_channels: int, channels: Sequence[int], side: int, hidden: Sequence[int], classes: int
) -> nn.Sequential:
    """`minidl.recipes.small_conv_net`."""
    parts: list[nn.Module] = []
    for fan_in, fan_out in pairwise((in_channels, *channels)):
        convolution = nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False)
        parts += [convolution, nn.MaxPool2d(2), nn.BatchNorm2d(fan_out), nn.ReLU()]
        side //= 2
    units = (channels[-1] * side * side, *hidden)
    dense = [part for sizes in pairwise(units) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(*parts, nn.Flatten(), *dense, nn.Linear(units[-1], classes))


class Block(nn.Module):
    """Two convolutions, and the way past them, as in torchvision's `BasicBlock`."""

    def __init__(self, fan_in: int, fan_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(fan_in, fan_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(fan_out)
        self.conv2 = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(fan_out)
        self.downsample = None
        if stride != 1 or fan_in != fan_out:
            convolution = nn.Conv2d(fan_in, fan_out, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(fan_out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The sum of both ways, and a ReLU."""
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        past = x if self.downsample is None else self.downsample(x)
        return torch.relu(y + past)


def residual(in_channels: int, channels: Sequence[int], blocks: int, classes: int) -> nn.Sequential:
    """`minidl.recipes.residual_conv_net`."""
    first = nn.Conv2d(in_channels, channels[0], 3, padding=1, bias=False)
    parts: list[nn.Module] = [first, nn.MaxPool2d(2), nn.BatchNorm2d(channels[0]), nn.ReLU()]
    fan_in = channels[0]
    for stage, fan_out in enumerate(channels):
        for block in range(blocks):
            parts.append(Block(fan_in, fan_out, 2 if stage and not block else 1))
            fan_in = fan_out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(fan_in, classes))


class Images(ImageTask):
    """The same net, `CrossEntropyLoss` and `SGD`."""

    def __init__(self, problem: ImageTraining) -> None:
        super().__init__(problem)
        images = self.x.reshape(len(self.x), -1, *self.x.shape[-2:])
        in_channels, side = images.shape[1], images.shape[2]
        known = inspect.signature(getattr(minidl.recipes, problem.recipe)).parameters
        usual = {name: parameter.default for name, parameter in known.items()}
        if problem.recipe == "small_conv_net":
            self.twin = small(in_channels, usual["channels"], side, (usual["hidden"],), CLASSES)
        else:
            self.twin = residual(in_channels, usual["channels"], usual["blocks"], CLASSES)
        with torch.no_grad():
            for (_, ours), theirs in zip(self.net.named_parameters(), self.twin.parameters(), strict=True):
                turned = ours.value.T if ours.value.ndim == 2 else ours.value
                theirs.copy_(torch.from_numpy(turned.copy()))
        self.images, self.targets = torch.from_numpy(images), torch.from_numpy(self.labels)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(self.twin.parameters(), lr=RATE, momentum=MOMENTUM)

    def run(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def step(self) -> float:
        loss = self.criterion(self.twin(self.images), self.targets)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return float(loss.item())
