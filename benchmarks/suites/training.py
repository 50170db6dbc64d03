"""Training: one step, a step against its sizes, and whole epochs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contestants.classic import ClassicNet, reference_losses
from benchmarks.problems import DIGITS, FASHION_MNIST, EpochTraining, OnAxis, Training
from benchmarks.results import Result
from benchmarks.suite import Suite, Unit
from benchmarks.suites import scaling
from minidl.data.catalog import SYSTEM
from minidl.data.sources import SOURCES


def _steps(quick: bool) -> list[Training]:
    main = [Training(f"hidden {size}", (size,), samples=2000 if quick else 4000) for size in (50, 300)]
    digits = Training("digits-sized", batch=32, samples=1600, **DIGITS)
    if quick:
        return [*main, digits]
    return [
        *main,
        Training("hidden 1024", (1024,), samples=2000),
        digits,
        Training("deep 10 × 256", (256,) * 10, samples=2000, learning_rate=1e-3),
        Training("wide 1 × 4096", (4096,), samples=800),
        *(
            Training(f"hidden 300, batch {batch}", (300,), batch=batch, samples=samples)
            for batch, samples in ((1, 1000), (16, 1600), (1024, 4096), (4096, 8192))
        ),
    ]


STEP = Suite(
    name="step",
    help="one training step, from digits-sized to deep and wide nets, batches of 1 to 4,096",
    contestants=(
        *("floor", "minidl", "numpy", "classic", "sklearn", "torch", "jax", "keras", "thinc", "tinygrad"),
    ),
    problems=_steps,
    task="Step",
    reference=reference_losses,
    notes=(
        "floor: the step's matrix products on NumPy's BLAS, nothing else.",
        "differs: the largest relative difference of the first losses from the classic program's in float64, "
        "on the same batches from the same weights, before anything is timed.",
        "PyTorch and tinygrad never add up the penalty's value, thinc not even the loss: less work than the "
        "others do. thinc computes the first layer's input gradient, too: more.",
    ),
)


def _places(quick: bool) -> list[OnAxis]:
    sizes = (16, 128, 1024) if quick else (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    depths = (2, 8) if quick else (1, 2, 4, 8, 16)
    batches = (1, 32, 1024) if quick else (1, 4, 16, 64, 256, 1024, 4096)

    def on_axis(axis: str, place: int, **options: Any) -> OnAxis:
        return OnAxis(f"{axis} {place}", axis=axis, place=place, **options)

    return [
        *(on_axis("hidden", size, hidden=(size,), samples=1000) for size in sizes),
        # Deep nets amplify rounding at a larger rate.
        *(on_axis("depth", n, hidden=(256,) * n, samples=1000, learning_rate=1e-3) for n in depths),
        *(on_axis("batch", n, hidden=(256,), batch=n, samples=max(1024, 2 * n)) for n in batches),
    ]


SCALING = Suite(
    name="scaling",
    help="a training step against hidden size, depth and batch, with the floor beside it",
    contestants=STEP.contestants,
    problems=_places,
    task="Step",
    reference=reference_losses,
    default_peers=(),
    notes=STEP.notes,
    remarks=scaling.remarks,
    axes={"hidden": "hidden units", "depth": "hidden layers of 256", "batch": "batch"},
)


def _epochs(quick: bool) -> list[EpochTraining]:
    options: dict[str, Any] = {"samples": 5_000, "validation": 1_000} if quick else {}
    options["directory"] = _fashion_mnist()
    return [
        EpochTraining(f"784-{hidden}-10, batch {batch}", (hidden,), batch=batch, **options)
        for hidden, batch in ((100, 100), (300, 200))
    ]


@cache
def _fashion_mnist() -> str:
    """The directory that holds Fashion-MNIST, or nothing; never downloads it."""
    own = os.environ.get("MINIDL_DATA")
    for place in ([Path(own), Path(own) / FASHION_MNIST] if own else []) + [SYSTEM / FASHION_MNIST]:
        if SOURCES[FASHION_MNIST].find(place):
            return str(place)
    return ""


def _epoch_losses(problem: EpochTraining) -> list[float]:
    net = ClassicNet(problem.weights(), np.float64)
    losses = reference_losses(problem, net)
    features, labels = problem.data("validation")
    return [*losses, net.loss(features.astype(np.float64), labels, 0.0)[0]]


def _stand_in(results: Sequence[Result]) -> list[str]:
    if results[0].problem["directory"]:
        return []
    return ["Fashion-MNIST is not installed here: random pixels of the same shape stand in for it."]


EPOCH = Suite(
    name="epoch",
    help="an epoch of Fashion-MNIST with evaluation, as users call each library",
    contestants=("floor", "minidl", "numpy", "sklearn", "torch", "keras"),
    problems=_epochs,
    task="Epoch",
    reference=_epoch_losses,
    patience=4.0,  # an epoch takes longer than a round of anything else, and is to be seen in every round
    unit=Unit("s an epoch", 1, format=".3f"),
    notes=(
        "floor: the matrix products of the steps and of the evaluation on NumPy's BLAS, nothing else.",
        "55,000 images in batches, shuffled, then 5,000 evaluated; plain SGD at the same rate from the same "
        "weights. minidl: Trainer.fit with a validation set, from uint8; scikit-learn: partial_fit and "
        "score; PyTorch: the loops of its quickstart, a DataLoader over a TensorDataset; Keras: fit with "
        "validation_data. The peers' float32 features are made before anything is timed.",
        "differs: the largest relative difference of the first losses, and then of the loss on the "
        "validation set, from the classic program's in float64.",
    ),
    remarks=_stand_in,
)
