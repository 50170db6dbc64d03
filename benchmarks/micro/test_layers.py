"""Forward and backward of each layer, of a whole net, and of the loss; batches of 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minidl
from benchmarks.micro.conftest import Timer
from minidl.types import Array

_BATCH = 200
_RNG = np.random.default_rng(0)
_PIXELS = _RNG.integers(256, size=(_BATCH, 3072), dtype=np.uint8)
_LABELS = np.arange(_BATCH) % 10
_MODES = pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])


def _draw(*shape: int) -> Array:
    return _RNG.standard_normal(shape, np.float32)


def _net() -> minidl.Sequential:
    net = minidl.two_layer_net(3072, 50, 10, rng=0)
    net.parameters  # noqa: B018 - packs, as training does
    return net


LAYERS: dict[str, tuple[Callable[[], minidl.Layer], Array]] = {
    "Affine 3072-50": (lambda: minidl.Affine(3072, 50, rng=0), _draw(_BATCH, 3072)),
    "Affine 300-10": (lambda: minidl.Affine(300, 10, rng=0), _draw(_BATCH, 300)),
    "ReLU 50": (minidl.ReLU, _draw(_BATCH, 50)),
    "ReLU 300": (minidl.ReLU, _draw(_BATCH, 300)),
    "Flatten 3x32x32": (minidl.Flatten, _draw(_BATCH, 3, 32, 32)),
    "Standardize uint8": (lambda: minidl.Standardize(128, 64), _PIXELS),
    "Standardize float32": (lambda: minidl.Standardize(0.1, 2), _draw(_BATCH, 3072)),
    "Sequential 3072-50-10": (_net, _draw(_BATCH, 3072)),
}
layers = pytest.mark.parametrize(("make", "x"), LAYERS.values(), ids=LAYERS)


@layers
@_MODES
@pytest.mark.benchmark(group="forward")
def test_forward(benchmark: Any, make: Callable[[], minidl.Layer], x: Array, training: bool) -> None:
    benchmark(make().forward, x, training=training)


@layers
@pytest.mark.parametrize("method", ["backward", "backward_parameters"])
@pytest.mark.benchmark(group="backward")
def test_backward(each_after: Timer, make: Callable[[], minidl.Layer], x: Array, method: str) -> None:
    layer = make()
    dy = _draw(*layer.forward(x, training=True).shape)
    each_after(lambda: layer.forward(x, training=True), getattr(layer, method), dy)


@_MODES
@pytest.mark.benchmark(group="loss")
def test_softmax_cross_entropy_forward(benchmark: Any, training: bool) -> None:
    benchmark(minidl.SoftmaxCrossEntropy().forward, _draw(_BATCH, 10), _LABELS, training=training)


@pytest.mark.benchmark(group="loss")
def test_softmax_cross_entropy_backward(each_after: Timer) -> None:
    loss, scores = minidl.SoftmaxCrossEntropy(), _draw(_BATCH, 10)
    each_after(lambda: loss.forward(scores, _LABELS, training=True), loss.backward)


@pytest.mark.benchmark(group="net")
@pytest.mark.parametrize("rows", [1, 10_000])
def test_predict(benchmark: Any, rows: int) -> None:
    benchmark(minidl.two_layer_net(64, 32, 10, rng=0).predict, _draw(rows, 64))


@pytest.mark.benchmark(group="net")
def test_loss_and_gradients(benchmark: Any) -> None:
    benchmark(_net().loss_and_gradients, _draw(_BATCH, 3072), _LABELS)
