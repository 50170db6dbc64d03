"""Forward and backward of each layer, of a whole net, and of the loss; batches of 200."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minidl
from benchmarks.micro.conftest import Timer, draw
from minidl.types import Array

_BATCH = 200
_PIXELS = np.random.default_rng(0).integers(256, size=(_BATCH, 3072), dtype=np.uint8)


def _net() -> minidl.Sequential:
    net = minidl.two_layer_net(3072, 50, 10, rng=0)
    net.parameters  # noqa: B018 - packs, as training does
    return net


LAYERS: dict[str, tuple[Callable[[], minidl.Layer], Array]] = {
    "Affine 3072-50": (lambda: minidl.Affine(3072, 50, rng=0), draw(_BATCH, 3072)),
    "Affine 300-10": (lambda: minidl.Affine(300, 10, rng=0), draw(_BATCH, 300)),
    "ReLU 50": (minidl.ReLU, draw(_BATCH, 50)),
    "ReLU 300": (minidl.ReLU, draw(_BATCH, 300)),
    "Flatten 3x32x32": (minidl.Flatten, draw(_BATCH, 3, 32, 32)),
    "Standardize uint8": (lambda: minidl.Standardize(128, 64), _PIXELS),
    "Standardize float32": (lambda: minidl.Standardize(0.1, 2), draw(_BATCH, 3072)),
    "Sequential 3072-50-10": (_net, draw(_BATCH, 3072)),
}
layers = pytest.mark.parametrize(("make", "x"), LAYERS.values(), ids=LAYERS)


@layers
@pytest.mark.benchmark(group="forward, inference")
def test_forward_inference(benchmark: Any, make: Callable[[], minidl.Layer], x: Array) -> None:
    benchmark(make().forward, x, training=False)


@layers
@pytest.mark.benchmark(group="forward, training")
def test_forward_training(benchmark: Any, make: Callable[[], minidl.Layer], x: Array) -> None:
    benchmark(make().forward, x, training=True)


@layers
@pytest.mark.benchmark(group="backward")
def test_backward(each_after: Timer, make: Callable[[], minidl.Layer], x: Array) -> None:
    layer = make()
    dy = draw(*layer.forward(x, training=True).shape)
    each_after(lambda: layer.forward(x, training=True), layer.backward, dy)


@layers
@pytest.mark.benchmark(group="backward, parameters only")
def test_backward_parameters(each_after: Timer, make: Callable[[], minidl.Layer], x: Array) -> None:
    layer = make()
    dy = draw(*layer.forward(x, training=True).shape)
    each_after(lambda: layer.forward(x, training=True), layer.backward_parameters, dy)


@pytest.mark.benchmark(group="loss")
@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_softmax_cross_entropy_forward(benchmark: Any, training: bool) -> None:
    loss = minidl.SoftmaxCrossEntropy()
    benchmark(loss.forward, draw(_BATCH, 10), np.arange(_BATCH) % 10, training=training)


@pytest.mark.benchmark(group="loss")
def test_softmax_cross_entropy_backward(each_after: Timer) -> None:
    loss, scores, labels = minidl.SoftmaxCrossEntropy(), draw(_BATCH, 10), np.arange(_BATCH) % 10
    each_after(lambda: loss.forward(scores, labels, training=True), loss.backward)


@pytest.mark.benchmark(group="net")
@pytest.mark.parametrize("rows", [1, 10_000])
def test_predict(benchmark: Any, rows: int) -> None:
    benchmark(minidl.two_layer_net(64, 32, 10, rng=0).predict, draw(rows, 64))


@pytest.mark.benchmark(group="net")
def test_loss_and_gradients(benchmark: Any) -> None:
    benchmark(_net().loss_and_gradients, draw(_BATCH, 3072), np.arange(_BATCH) % 10)
