"""The loss at the end of a ready-made net."""

from __future__ import annotations

from collections.abc import Sequence

from minidl.checks import check_kind
from minidl.errors import ConfigurationError
from minidl.losses import Loss, SoftmaxCrossEntropy


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
