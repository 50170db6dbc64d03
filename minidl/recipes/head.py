"""What ends a ready-made net: the unit of the targets, and the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_kind
from minidl.errors import ConfigurationError
from minidl.layers import Layer, Reshape, Standardize
from minidl.losses import Loss, SoftmaxCrossEntropy

if TYPE_CHECKING:
    import numpy.typing as npt


def unit_of(targets: Standardize, shape: tuple[int, ...], dtype: npt.DTypeLike) -> list[Layer]:
    """What brings scores (N, numbers) to the unit and `shape` of the targets that `targets` standardizes."""
    scale = float(targets.scale)
    # Scores times the scale, plus the mean: (x - (-mean / scale)) / (1 / scale).
    mean = np.ravel(-targets.mean / scale)
    unit = Standardize(mean, np.full(mean.shape, 1 / scale), dtype=dtype)
    return [unit] if len(shape) == 1 else [unit, Reshape(*shape)]


def head(where: str, outputs: int, loss: Loss | None, target_names: Sequence[str] | None) -> Loss:
    """The loss given, or softmax with the names of the classes."""
    if loss is not None:
        if target_names is not None:
            remedy = "give them to the loss: SoftmaxCrossEntropy(target_names)"
            raise ConfigurationError.expected(where, "a loss or target_names", "both", remedy)
        return check_kind(where, "loss", loss, Loss)
    softmax = SoftmaxCrossEntropy() if target_names is None else SoftmaxCrossEntropy(target_names)
    if softmax.target_names and len(softmax.target_names) != outputs:
        expected, got = f"{outputs} target_names, one for each class", len(softmax.target_names)
        raise ConfigurationError.expected(where, expected, got)
    return softmax
