"""The contract of a loss: scores and targets in, one number out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from minidl.checks import check_number
from minidl.module import Module
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt

ANY = "biufcmMOSUV"
"""The kinds of dtype that targets may have before their loss has a look at them: all."""


class Loss(Module, ABC):
    """The part that ends a net: the mean over the batch of each sample's loss.

    The rules of a `Layer` hold: what was lent is never written to, and inference changes nothing.
    """

    @abstractmethod
    def forward(self, scores: Array, targets: npt.ArrayLike, *, training: bool) -> float:
        """The loss of the batch, added up in float64."""

    @abstractmethod
    def backward(self) -> Array:
        """The gradient of the last training forward's loss by the scores."""

    @abstractmethod
    def probabilities(self, scores: Array) -> Array:
        """What the scores say as probabilities."""

    @abstractmethod
    def predict(self, scores: Array) -> Array:
        """What the scores say as targets; `DivergedError` where they say none."""


def check_loss(head: Loss, loss: object) -> float:
    """What a head's forward gave as a float; `ConfigurationError` where a custom one gave no number."""
    return loss if type(loss) is float else check_number(head.label, "what its forward returns", loss)
