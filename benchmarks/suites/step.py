"""One training step: many sizes, every peer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.classic import reference_losses
from benchmarks.suite import Suite
from benchmarks.training import Training

DIGITS: dict[str, Any] = {"features": 64, "hidden": (32,), "batch": 32, "samples": 1600}


class Step(Suite):
    name = "step"
    help = "one training step, from digits-sized to deep and wide nets, batches of 1 to 4,096"
    task = "Step"
    problem = Training
    contestants = ("floor", "minidl", "classic", "sklearn", "torch", "jax", "keras", "thinc", "tinygrad")
    notes = (
        "floor: the step's matrix products on NumPy's BLAS, nothing else.",
        "differs: the largest relative difference of the first losses from the classic program's in float64, "
        "on the same batches from the same weights, before anything is timed.",
        "PyTorch and tinygrad never add up the penalty's value, thinc not even the loss: less work than the "
        "others do. thinc computes the first layer's input gradient, too: more.",
    )

    def problems(self, quick: bool) -> Sequence[Training]:
        samples = 2000 if quick else 4000
        main = [Training(f"hidden {size}", (size,), samples=samples) for size in (50, 300)]
        digits = Training("digits-sized", **DIGITS)
        if quick:
            return [*main, digits]
        return [
            *main,
            Training("hidden 1024", (1024,), samples=2000),
            digits,
            Training("deep 10 × 256", (256,) * 10, samples=2000, learning_rate=1e-3),
            Training("wide 1 × 4096", (4096,), samples=800),
            Training("hidden 300, batch 1", (300,), batch=1, samples=1000),
            Training("hidden 300, batch 16", (300,), batch=16, samples=1600),
            Training("hidden 300, batch 1024", (300,), batch=1024, samples=4096),
            Training("hidden 300, batch 4096", (300,), batch=4096, samples=8192),
        ]

    def reference(self, problem: Training) -> list[float]:  # type: ignore[override]
        return reference_losses(problem)
