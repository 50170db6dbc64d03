"""The contract of a loss: scores and targets in, one number out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_array, check_kind, check_number
from minidl.errors import DTypeError
from minidl.metrics import Metric
from minidl.module import Module
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

ANY = "biufcmMOSUV"
"""The kinds of dtype that targets may have before their loss has a look at them: all."""


class Loss(Module, ABC):
    """The part that ends a net: the mean over the batch of each sample's loss.

    `forward`, `backward` and `predict` make a loss. The rules of a `Layer` hold: what was lent is
    never written to, and inference changes nothing. With weights the mean is
    ``sum(weights * losses) / sum(weights)``; where the weights of a batch add up to 0, the loss is
    0 and so is its gradient.
    """

    @abstractmethod
    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The loss of the batch, added up in float64.

        Parameters
        ----------
        scores : ndarray of floats, shape (N, ...)
        targets : array-like
            What the scores should have been, one entry a sample.
        weights : array-like, shape (N,), optional
            How much each sample counts; `minidl.checks.check_weights` checks them.
        training : bool
            Whether a `backward` is to follow.
        """

    @abstractmethod
    def backward(self) -> Array:
        """The gradient of the last training forward's loss by the scores."""

    @abstractmethod
    def predict(self, scores: Array) -> Array:
        """What the scores say as targets; `DivergedError` where they say none."""

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Raise a `MinidlError` with a remedy where `forward` would refuse some of the targets.

        Asked once a fit, before any training.

        Parameters
        ----------
        targets : ndarray of any dtype
            Those of a whole data set.
        output_shape : tuple of int
            The shape of one sample's scores, such as (10,).
        """

    def metrics(self) -> list[Metric]:
        """What is worth watching in a training with this loss, each metric fresh; by default nothing."""
        return []

    def total_weight(self, targets: npt.ArrayLike, weights: npt.ArrayLike | None) -> float:
        """What the mean of `forward` divides by: the number of samples, or the sum of their weights.

        Weighted by it, the losses of batches average to the loss of all their samples.
        """
        return len(targets) if weights is None else float(np.sum(weights, dtype=np.float64))  # type: ignore[arg-type]


def check_floats(where: str, scores: object) -> None:
    """`DTypeError` for scores that are no array of floats, as those of a custom net may be."""
    check_kind(where, "scores", scores, np.ndarray, error=DTypeError)
    check_array(where, "scores", scores, kinds="f")


def check_loss(head: Loss, loss: object) -> float:
    """What a head's forward gave as a float; `ConfigurationError` where a custom one gave no number."""
    return loss if type(loss) is float else check_number(head.label, "what its forward returns", loss)
