"""The classic NumPy program, in float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.contestants.contestant import Contestant
from benchmarks.problem import Array, Problem
from tests.classic import ClassicTwoLayerNet


class Runner(Contestant):
    """Its own `train` loop. The validation set is one sample, so that steps are what is timed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.reset()

    def reset(self) -> None:
        self.net = _net(self.problem, np.float32, np.random.default_rng(0))

    def run(self, steps: int) -> None:
        _train(self.net, self.problem, self.features, self.labels, steps)

    def losses(self, batches: list[Array]) -> list[float] | None:
        return _losses(self.problem, np.float32, self.features, self.labels, batches)


def reference_losses(problem: Problem) -> list[float]:
    """The losses of the first steps in float64, which every contestant must agree with."""
    features, labels = problem.data()
    return _losses(problem, np.float64, features.astype(np.float64), labels, problem.checked_batches())


def _losses(
    problem: Problem, dtype: npt.DTypeLike, features: Array, labels: Array, batches: list[Array]
) -> list[float]:
    net = _net(problem, dtype, _Replay(batches))
    return _train(net, problem, features, labels, len(batches), learning_rate_decay=1.0)["loss_history"]


def _net(problem: Problem, dtype: npt.DTypeLike, rng: Any) -> ClassicTwoLayerNet:
    net = ClassicTwoLayerNet(
        problem.features, problem.hidden, problem.classes, dtype=dtype, rng=np.random.default_rng(0)
    )
    net.params = {name: weights.astype(dtype) for name, weights in problem.weights().items()}
    net.rng = rng
    return net


def _train(
    net: ClassicTwoLayerNet, problem: Problem, features: Array, labels: Array, steps: int, **options: float
) -> dict[str, list[float]]:
    return net.train(
        features,
        labels,
        features[:1],
        labels[:1],
        learning_rate=problem.learning_rate,
        reg=problem.reg,
        num_iters=steps,
        batch_size=problem.batch,
        **options,
    )


class _Replay:
    """Stands in for the random generator and draws the batches it was given."""

    def __init__(self, batches: list[Array]) -> None:
        self._batches = iter(batches)

    def choice(self, count: int, size: int) -> Array:
        return next(self._batches)
