"""What the clauses of optimizers and schedulers run on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from minidl.initializers import normal
from minidl.optimizers import Optimizer
from minidl.parameters import Parameter
from minidl.schedulers import Scheduler
from minidl.testing.demands import require_made
from minidl.testing.reference import Reference
from minidl.types import Array
from minidl.vectors import ParameterVector


@functools.lru_cache(64)
def _quadratic(seed: int, number: int, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Curvature and minimum, drawn once: making a generator takes as long as ten steps."""
    rng = np.random.default_rng([seed, 2, number])
    return rng.uniform(0.5, 1.5, shape), 3 * rng.standard_normal(shape)


@functools.lru_cache(256)
def _gradient(seed: int, number: int, shape: tuple[int, ...], step: int) -> Array:
    rng = np.random.default_rng([seed, 3, number, step])
    sizes: Array = 10 ** rng.uniform(-2, 1, shape)
    if step % 2:  # not in the first one, by which all numbers move
        sizes *= rng.random(shape) < 3 / 4
    return rng.choice([-1.0, 1.0], shape) * sizes


@dataclass(frozen=True)
class OptimizerCase:
    """An optimizer's factory, and the parameters it steps.

    The loss is a quadratic, ``sum(curvature * (values - target)²) / 2``.
    """

    factory: Callable[[], Optimizer]
    seed: int = 0
    shape: tuple[int, int] = (7, 5)
    elementwise: bool = True
    reference: Reference | None = None

    def optimizer(self) -> Optimizer:
        """A fresh optimizer."""
        return require_made("check_optimizer", self.factory(), Optimizer)

    def parameters(self, dtype: npt.DTypeLike = np.float64) -> ParameterVector:
        """Fresh parameters, the same every time; their parts leave padding between them."""
        rng = np.random.default_rng([self.seed, 1])
        return ParameterVector({
            "bias": Parameter(self.shape[1:], normal(1.0), rng=rng, dtype=dtype),
            "weight": Parameter(self.shape, normal(1.0), rng=rng, dtype=dtype, regularized=True),
        })  # fmt: skip

    def target(self, name: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Curvature and minimum of the quadratic in one parameter."""
        return _quadratic(self.seed, len(name), shape)

    def loss(self, parameters: ParameterVector) -> float:
        """The quadratic; its gradient goes into the vector."""
        total = 0.0
        for name, parameter in parameters.items():
            curvature, minimum = self.target(name, parameter.shape)
            parameter.grad[...] = curvature * (parameter.value - minimum)
            total += float(np.sum(curvature * (parameter.value - minimum) ** 2)) / 2
        return total

    def draw_gradients(self, parameters: ParameterVector, step: int) -> None:
        """Gradients that change sign and size from step to step, some of them 0.

        Those along the way of the loss hardly change, and of a sign such as Lion's they show next to nothing.
        """
        for name, parameter in parameters.items():
            parameter.grad[...] = _gradient(self.seed, len(name), parameter.shape, step)

    def steps(
        self, optimizer: Optimizer, parameters: ParameterVector, count: int, *, first: int = 0
    ) -> Array:
        """The values after so many more steps, by the drawn gradients from number `first` on, copied."""
        for step in range(first, first + count):
            self.draw_gradients(parameters, step)
            optimizer.step(parameters)
        return parameters.values.copy()

    def smaller(self) -> Iterator[OptimizerCase]:
        """One number of weight and of bias."""
        yield replace(self, shape=(1, 1))

    def describe(self) -> str:
        """The parameters, as a failure's text shows them."""
        return f"at a weight of shape {self.shape} and a bias"


@dataclass(frozen=True)
class SchedulerCase:
    """A scheduler's factory, and the epochs and steps it is asked for."""

    factory: Callable[[], Scheduler]
    seed: int = 0
    epochs: int = 30
    steps_per_epoch: int = 7
    reference: Reference | None = None

    def scheduler(self) -> Scheduler:
        """A fresh scheduler."""
        return require_made("check_scheduler", self.factory(), Scheduler)

    def times(self) -> list[tuple[int, int]]:
        """Pairs of epoch and step, in the order of a run, and a few far out."""
        run = [(step // self.steps_per_epoch, step) for step in range(self.epochs * self.steps_per_epoch)]
        return [*run, (1000, 1000 * self.steps_per_epoch)]

    def smaller(self) -> Iterator[SchedulerCase]:
        """Shorter runs."""
        for epochs in (1, 2, 4):
            yield replace(self, epochs=epochs, steps_per_epoch=1)

    def describe(self) -> str:
        """Nothing: the clause names epoch and step."""
        return ""
