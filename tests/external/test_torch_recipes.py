"""PyTorch as the judge of the recipes for images: the same nets, written as one writes them there."""

from itertools import pairwise

import numpy as np
import pytest

from minidl import Standardize
from minidl.recipes import residual_conv_net, small_conv_net
from tests.external.torch_twins import (
    as_array,
    cross_entropy,
    judge,
    parameters_agree,
    statistics_agree,
    torch,
)

nn = torch.nn


def small(in_channels, channels, side, hidden=()):
    parts = []
    for fan_in, fan_out in pairwise((in_channels, *channels)):
        convolution = nn.Conv2d(fan_in, fan_out, 3, padding=1, bias=False)
        parts += [convolution, nn.MaxPool2d(2), nn.BatchNorm2d(fan_out), nn.ReLU()]
        side //= 2
    units = (channels[-1] * side * side, *hidden)
    dense = [part for sizes in pairwise(units) for part in (nn.Linear(*sizes), nn.ReLU())]
    return nn.Sequential(*parts, nn.Flatten(), *dense, nn.Linear(units[-1], 3))


class Block(nn.Module):
    def __init__(self, fan_in, fan_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(fan_in, fan_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(fan_out)
        self.conv2 = nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(fan_out)
        self.downsample = None
        if stride != 1 or fan_in != fan_out:
            convolution = nn.Conv2d(fan_in, fan_out, 1, stride=stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(fan_out))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (x if self.downsample is None else self.downsample(x))).relu()


def residual(in_channels, channels, blocks):
    first = nn.Conv2d(in_channels, channels[0], 3, padding=1, bias=False)
    parts = [first, nn.MaxPool2d(2), nn.BatchNorm2d(channels[0]), nn.ReLU()]
    fan_in = channels[0]
    for stage, fan_out in enumerate(channels):
        for block in range(blocks):
            parts.append(Block(fan_in, fan_out, 2 if stage and not block else 1))
            fan_in = fan_out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(fan_in, 3))


NETS = {
    "small, grey": (
        *(small_conv_net, (9, 9), {"channels": (3, 4), "hidden": (7, 5)}),
        lambda: small(1, (3, 4), 9, (7, 5)),
    ),
    "small, colours": (small_conv_net, (2, 8, 8), {"channels": 3, "hidden": ()}, lambda: small(2, (3,), 8)),
    "residual, grey": (
        *(residual_conv_net, (9, 9), {"channels": (3, 4), "blocks": 2}),
        lambda: residual(1, (3, 4), 2),
    ),
    "residual, colours": (
        *(residual_conv_net, (2, 8, 8), {"channels": (3, 3, 5)}),
        lambda: residual(2, (3, 3, 5), 1),
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_the_same_net(name):
    make, shape, options, make_twin = NETS[name]
    rng = np.random.default_rng(0)
    x, labels = rng.integers(256, size=(6, *shape), dtype=np.uint8), rng.integers(3, size=6)
    mean = rng.uniform(80, 120, shape)
    net = make(
        shape, 3, standardize=Standardize(mean, 50, dtype=np.float64), rng=1, dtype=np.float64, **options
    )
    twin = make_twin().double()
    for (name, ours), theirs in zip(net.parameters.items(), twin.parameters(), strict=True):
        ours.value[...] += 0.1 * rng.standard_normal(ours.shape)  # biases and the norms' scales, too
        with torch.no_grad():
            value = ours.value.T if name.startswith("affine") and "weight" in name else ours.value
            theirs.copy_(torch.from_numpy(value.copy()))
    inputs = torch.from_numpy(((x - mean) / 50).reshape(6, -1, *shape[-2:]))
    for _ in range(2):
        twin.zero_grad()
        loss = cross_entropy(twin(inputs), torch.from_numpy(labels))
        loss.backward()
        judge.agrees(net.loss_and_gradients(x, labels), loss.item(), "loss")
        parameters_agree(net, twin, "grad")
    statistics_agree(net, twin)
    with torch.no_grad():
        judge.agrees(net(x), as_array(twin.eval()(inputs)), "scores in inference")
    judge.judged("recipes")
