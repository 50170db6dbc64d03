"""What the clauses of losses and metrics run on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from minidl.checks import check_array
from minidl.losses import Loss
from minidl.metrics import Metric
from minidl.testing.demands import require_made, require_same
from minidl.testing.reference import Reference
from minidl.types import Array

_SHOWN = 12

MakeTargets = Callable[[np.random.Generator, int, int], npt.ArrayLike]


class LossPass(NamedTuple):
    """What one training pass of a loss gave, copied."""

    loss: float
    dscores: Array


@dataclass(frozen=True)
class ScoresCase:
    """The factory of what takes scores and targets, and how these are drawn."""

    factory: Callable[[], Any]
    num_classes: int = 3
    seed: int = 0
    batch: int = 5
    whole: bool = False
    make_targets: MakeTargets | None = None
    reference: Reference | None = None

    @property
    def of_labels(self) -> bool:
        """Whether the targets are labels."""
        return self.make_targets is None

    def scores(self, draw: int = 0, *, batch: int | None = None, dtype: npt.DTypeLike = np.float64) -> Array:
        """The scores number `draw`."""
        rng = np.random.default_rng([self.seed, 1, draw])
        shape = (self.batch if batch is None else batch, self.num_classes)
        drawn: Array = rng.integers(-3, 4, shape) if self.whole else 2 * rng.standard_normal(shape)
        return drawn.astype(dtype)

    def targets(self, draw: int = 0, *, batch: int | None = None) -> Array:
        """The targets number `draw`."""
        rng = np.random.default_rng([self.seed, 2, draw])
        size = self.batch if batch is None else batch
        if self.make_targets is not None:
            made = self.make_targets(rng, size, self.num_classes)
            return check_array("make_targets", "an array", made, kinds="biufcOSUT")
        return rng.integers(0, self.num_classes, size)

    def weights(self, draw: int = 0, *, batch: int | None = None) -> Array:
        """The samples' weights number `draw`: all different, none of them 0."""
        rng = np.random.default_rng([self.seed, 3, draw])
        size = self.batch if batch is None else batch
        return rng.permutation(size) + rng.uniform(0.25, 0.75, size)

    def smaller(self) -> Iterator[Self]:
        """Simpler cases, the simplest first."""
        for batch in (1, 2):
            yield replace(self, batch=batch, whole=True)
            yield replace(self, batch=batch)

    def describe(self) -> str:
        """The usual batch, as a failure's text shows it."""
        scores, targets = self.scores(), self.targets()
        if scores.size > _SHOWN:
            return f"at scores of shape {scores.shape}"
        shown = np.array2string(scores, precision=3, separator=", ").replace("\n", "")
        return f"at scores = {shown}, targets = {targets.tolist()}"


class LossCase(ScoresCase):
    """A loss's case."""

    def loss(self) -> Loss:
        """A fresh loss."""
        loss: Loss = require_made("check_loss", self.factory(), Loss)
        return loss


class MetricCase(ScoresCase):
    """A metric's case."""

    def metric(self) -> Metric:
        """A fresh metric."""
        metric: Metric = require_made("check_metric", self.factory(), Metric)
        return metric

    def updated(self, *batches: tuple[Any, ...]) -> Metric:
        """A fresh metric that was given these batches."""
        metric = self.metric()
        for batch in batches:
            metric.update(*batch)
        return metric


def train(loss: Loss, scores: Array, targets: Any, **weights: Any) -> LossPass:
    """One training pass, with ``weights=...`` or without."""
    value = loss.forward(scores, targets, training=True, **weights)
    return LossPass(value, np.array(loss.backward()))


def takes_weights(loss: Loss) -> bool:
    """Whether its forward takes ``weights=``."""
    accepted = inspect.signature(loss.forward).parameters.values()
    return any(p.name == "weights" or p.kind is p.VAR_KEYWORD for p in accepted)


def probabilities_of(loss: Loss) -> Callable[[Array], Array] | None:
    """The loss's `probabilities`, which those of classification have."""
    found: Callable[[Array], Array] | None = getattr(loss, "probabilities", None)
    return found


def infer(loss: Loss, scores: Array) -> Array:
    """What inference gives besides the loss: probabilities, or else what is predicted."""
    return (probabilities_of(loss) or loss.predict)(scores)


def require_same_pass(got: LossPass, expected: LossPass, when: str) -> None:
    """Raise `ClauseError` unless two passes gave the same up to rounding."""
    require_same("the loss", np.asarray(got.loss), np.asarray(expected.loss), when)
    require_same("the gradient", got.dscores, expected.dscores, when)
