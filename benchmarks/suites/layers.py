"""Forward and backward of each layer, beside PyTorch's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.suite import Problem, Suite, Unit
from benchmarks.training import Array


@dataclass(frozen=True)
class LayerPass(Problem):
    """A layer of `kind` with so many numbers a sample at its input and output, and a batch."""

    kind: str
    features: int
    out: int
    backward: bool
    batch: int = 200

    def arrays(self) -> dict[str, Array]:
        """float32 ``x``, ``dy``, ``weight`` (in, out) and ``bias``; ``labels``."""
        rng = np.random.default_rng(self.features)
        shapes = {
            "x": (self.batch, self.features),
            "dy": (self.batch, self.out),
            "weight": (self.features, self.out),
            "bias": (self.out,),
        }
        drawn = {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}
        drawn["weight"] *= np.float32(np.sqrt(2 / self.features))
        return drawn | {"labels": rng.integers(self.out, size=self.batch)}


class Layers(Suite):
    name = "layers"
    help = "forward and backward of each layer, beside PyTorch's"
    task = "Layers"
    problem = LayerPass
    contestants = ("minidl", "torch")
    unit = Unit("µs", format=",.1f")
    base = ""
    tolerance = 1e-4
    notes = (
        "Batches of 200, in training. 'and backward': the forward that it needs and the gradients of input "
        "and parameters, in PyTorch by autograd.grad.",
        "differs: the largest relative difference of size and contents of output and gradients from those in "
        "float64.",
    )

    def problems(self, quick: bool) -> Sequence[LayerPass]:
        kinds = [("affine", 3072, 50), ("affine", 300, 10), ("relu", 50, 50), ("relu", 300, 300)]
        return [
            LayerPass(f"{titled(kind, features, out)}, forward{more}", kind, features, out, bool(more))
            for kind, features, out in [*(kinds[1:3] if quick else kinds), ("softmax", 10, 10)]
            for more in ("", " and backward")
        ]

    def reference(self, problem: LayerPass) -> list[float]:  # type: ignore[override]
        arrays = problem.arrays()
        x, dy, weight, bias = (arrays[name].astype(np.float64) for name in ("x", "dy", "weight", "bias"))
        if problem.kind == "affine":
            passes = [x @ weight + bias, dy @ weight.T, x.T @ dy, dy.sum(axis=0)]
        elif problem.kind == "relu":
            passes = [np.maximum(x, 0), dy * (x > 0)]
        else:
            exps = np.exp(x)
            p, chosen = exps / exps.sum(axis=1, keepdims=True), np.eye(problem.out)[arrays["labels"]]
            passes = [-np.log((p * chosen).sum(axis=1)).mean(), (p - chosen) / problem.batch]
        return fingerprints(passes if problem.backward else passes[:1])


def titled(kind: str, features: int, out: int) -> str:
    """How a layer is called in the table."""
    names = {"affine": f"Affine {features}-{out}", "relu": f"ReLU {features}"}
    return names.get(kind, f"SoftmaxCrossEntropy {out}")


def fingerprints(arrays: Iterable[object]) -> list[float]:
    """Two numbers an array, both well above 0 and so good to compare: its size, and its contents in order."""
    numbers = []
    for values in arrays:
        array = np.atleast_1d(np.asarray(values, np.float64))
        size = float(np.sqrt(np.mean(array**2)))
        pattern = np.random.default_rng(0).uniform(0.5, 1.5, array.shape)
        numbers += [size, float(np.mean(pattern * (array / size + 3) ** 2))]
    return numbers
