"""Training steps of the ready-made nets for images."""

from __future__ import annotations

import numpy as np

from benchmarks.contestants import ours
from benchmarks.problems import ImageTraining
from benchmarks.suite import Suite, Unit

_SHAPES = {"Fashion-MNIST": (128, 28, 28), "CIFAR-10": (128, 3, 32, 32)}


def _steps(quick: bool) -> list[ImageTraining]:
    every = [
        ImageTraining(f"{recipe}, {name}", recipe, shape)
        for recipe in ("small_conv_net", "residual_conv_net")
        for name, shape in _SHAPES.items()
    ]
    return every[:1] if quick else every


def _losses(problem: ImageTraining) -> list[float]:
    """Those of minidl's net in float64, which its tests hold to PyTorch's."""
    return ours.Images(problem, np.float64).answers()


IMAGES = Suite(
    name="images",
    help="one training step of the ready-made nets for images, beside PyTorch",
    contestants=("minidl", "numpy", "torch"),
    problems=_steps,
    task="Images",
    reference=_losses,
    tolerance=1e-4,
    unit=Unit("ms a step", 1e3, format=",.1f"),
    base="torch",
    notes=(
        "The nets of `minidl.recipes` as they are by default, ten classes, batches of 128, from one start: "
        "forward, backward and a step of SGD with momentum. minidl: Trainer.fit; PyTorch: the same layers, "
        "images with the channels first.",
        "differs: the largest relative difference of the first losses from those of minidl's net in float64.",
    ),
)
