"""The loss of a support vector machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_float, check_weights
from minidl.kernels.losses import multiclass_hinge
from minidl.losses.labels import LabelLoss
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class MulticlassHinge(LabelLoss):
    """``mean(sum over the other classes of max(0, score - score[label] + margin))``, the loss of an SVM.

    For scores (N, C) and integer labels (N,) in [0, C). A class costs nothing once its score lies a
    `margin` below the label's; the derivative at that point is taken as 0. Scores are no
    probabilities, and a net with this loss gives none. PyTorch's ``multi_margin_loss`` divides by C,
    too.

    Parameters
    ----------
    margin : float >= 0

    Notes
    -----
    Source: Weston, Watkins (1999), "Support Vector Machines for Multi-Class Pattern Recognition".

    Examples
    --------
    >>> MulticlassHinge().forward(np.array([[3.0, 1.0, 2.5]]), [0], training=False)
    0.5
    """

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = check_float(self.label, "margin", margin, at_least=0)

    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The weighted mean of the samples' losses.

        Raises
        ------
        ShapeError, DTypeError, DataError
            As those of `SoftmaxCrossEntropy`.
        """
        samples, classes = self._check_scores(scores)
        labels = self._check_labels(targets, samples, classes)
        shape = samples, classes
        out = self.buffer("gradient", shape, scores.dtype) if training else np.empty(shape, scores.dtype)
        losses, gradient = multiclass_hinge(scores, labels, self.margin, out)
        if weights is None:
            shares = np.full(samples, 1 / samples)
        else:
            checked = check_weights(self.label, weights, samples)
            shares = checked / (checked.sum() or 1.0)
        if training:
            gradient *= shares.astype(gradient.dtype)[:, None]
            self.remember(gradient)
        return float(np.dot(shares, losses))

    def backward(self) -> Array:
        """Each sample's share where a class misses its margin, minus their sum for the label: (N, C)."""
        (dscores,) = self.recall()
        return dscores  # type: ignore[no-any-return]
