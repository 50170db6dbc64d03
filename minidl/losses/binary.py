"""The loss for yes or no, once or many times a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minidl.checks import check_array, check_shape
from minidl.errors import DataError, ShapeError
from minidl.kernels.blocks import values
from minidl.kernels.elementwise import sigmoid
from minidl.kernels.losses import binary_cross_entropy
from minidl.losses.elementwise import ElementwiseLoss
from minidl.metrics import BinaryAccuracy, Metric
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


class BinaryCrossEntropy(ElementwiseLoss):
    """The mean over all scores of ``-t * log(p) - (1 - t) * log(1 - p)``, with ``p = sigmoid(score)``.

    For scores (N, 1) targets are one label a sample, of shape (N,), as those of `SoftmaxCrossEntropy`
    are; for scores (N, K), K > 1, they are K labels a sample, (N, K), which need not exclude each other.
    A target is 0 or 1 of any dtype, or a probability in between. Computed from the scores, it stays
    finite for scores of ±1e4 in float32.

    Examples
    --------
    >>> loss = BinaryCrossEntropy()
    >>> f"{loss.forward(np.zeros((2, 1)), [0, 1], training=False):.6f}"  # log(2)
    '0.693147'
    """

    def probabilities(self, scores: Array) -> Array:
        """``sigmoid(scores)``, of shape (N, K): how likely each label is 1; NaN where the score is."""
        self._check_scores(scores)
        return values(sigmoid, scores)

    def predict(self, scores: Array) -> Array:
        """1 where a score is above 0, else 0: (N, K), or (N,) for scores (N, 1).

        Raises
        ------
        DivergedError
            A score is NaN or infinite.
        """
        self._require_finite(scores)
        labels = (scores > 0).astype(np.int64)
        return labels[:, 0] if labels.shape[1] == 1 else labels

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Refuse what are no numbers from 0 to 1, of shape (N,) for one score a sample, else (N, K).

        Raises
        ------
        ShapeError, DTypeError, DataError
        """
        output_shape = check_shape(self.label, "output_shape", output_shape)
        targets = check_array(self.label, "targets", targets)
        samples = len(targets) if targets.ndim else 1
        scores = np.broadcast_to(np.zeros(()), (samples, *output_shape))
        if samples:
            self._check_scores(scores)
        self._aligned(targets, scores)

    def metrics(self) -> list[Metric]:
        """The share of right labels."""
        return [BinaryAccuracy()]

    def _compute(self, scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
        binary_cross_entropy(scores, targets, losses, slopes)

    def _aligned(self, targets: npt.ArrayLike, scores: Array) -> Array:
        array = check_array(self.label, "targets", targets)
        shape = scores.shape[:1] if scores.shape[1] == 1 else scores.shape
        if array.shape != shape:
            remedy = "take targets[:, 0]" if array.shape == scores.shape else "give each score its own label"
            self.fail(ShapeError, f"targets of shape {shape}", array.shape, remedy)
        # One look at all numbers; NaN is neither.
        if array.size and not (array.min() >= 0 and array.max() <= 1):
            place = np.unravel_index(int((~((array >= 0) & (array <= 1))).argmax()), array.shape)
            remedy = "0 says no and 1 yes; for other classes, SoftmaxCrossEntropy"
            self.fail(DataError, "targets from 0 to 1", f"{array[place]} at sample {place[0]}", remedy)
        return array.reshape(scores.shape)

    def _check_scores(self, scores: Array) -> None:
        super()._check_scores(scores)
        if scores.ndim != 2:
            self.fail(ShapeError, "scores of shape (batch, labels)", scores.shape)
