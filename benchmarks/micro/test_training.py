"""What a training step does beside the net's passes: the update, the penalty, the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minidl
from minidl.data import Batches
from minidl.types import Array
from minidl.vectors import ParameterVector

_OPTIMIZERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "Nesterov": {"momentum": 0.9, "nesterov": True},
}
_BATCHES: dict[str, tuple[Array, int]] = {
    "digits float32": (np.ones((1600, 64), np.float32), 32),
    "CIFAR-10 float32": (np.ones((2000, 3072), np.float32), 200),
    "CIFAR-10 uint8": (np.ones((2000, 3072), np.uint8), 200),
}


def _parameters(hidden: int) -> ParameterVector:
    parameters = minidl.two_layer_net(3072, hidden, 10, rng=0).parameters
    parameters.gradients[:] = 0.01 * np.random.default_rng(0).standard_normal(parameters.gradients.size)
    return parameters


@pytest.mark.benchmark(group="update")
@pytest.mark.parametrize("hidden", [50, 300])
@pytest.mark.parametrize("kind", _OPTIMIZERS)
def test_sgd(benchmark: Any, kind: str, hidden: int) -> None:
    # A rate so small that however many steps are timed, the numbers stay of a usual size.
    benchmark(minidl.SGD(1e-9, **_OPTIMIZERS[kind]).step, _parameters(hidden))


@pytest.mark.benchmark(group="penalty")
@pytest.mark.parametrize("hidden", [50, 300])
@pytest.mark.parametrize("method", ["penalty", "add_gradients"])
def test_l2(benchmark: Any, method: str, hidden: int) -> None:
    benchmark(getattr(minidl.L2(1e-12), method), _parameters(hidden))


@pytest.mark.benchmark(group="batches")
@pytest.mark.parametrize("sampling", ["shuffle", "replacement"])
@pytest.mark.parametrize("data", _BATCHES)
def test_batches(benchmark: Any, data: str, sampling: str) -> None:
    features, size = _BATCHES[data]
    dataset = minidl.Dataset(features, np.arange(len(features)) % 10)
    benchmark(Batches(dataset, size, rng=0, sampling=sampling).__next__)
