"""Losses for labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minidl.advice import shown
from minidl.checks import check_float, check_shape, check_weights
from minidl.errors import ConfigurationError, ShapeError
from minidl.kernels.cross_entropy import are_labels, smoothed_cross_entropy, softmax_cross_entropy
from minidl.kernels.softmax import softmax
from minidl.losses.labels import LabelLoss
from minidl.types import Array

if TYPE_CHECKING:
    import numpy.typing as npt


_INT64 = np.dtype(np.int64)


class SoftmaxCrossEntropy(LabelLoss):
    """``mean(-log softmax(scores)[label])`` for scores (N, C) and integer labels (N,) in [0, C).

    Computed through log-sum-exp with each row's maximum subtracted, so it stays finite for scores
    of ±1e4 in float32. NaN scores give a NaN loss.

    Parameters
    ----------
    target_names : tuple or list of str, optional
        The name of each class, one for each score. The loss has no use for them, but they stay with
        the net: ``net.head.target_names[label]``, in its file too.
    class_weights : sequence of float >= 0, optional
        How much a sample of each class counts, one number for each score; multiplied by the sample's
        own weight where it has one. The mean divides by the sum of the weights.
    label_smoothing : float in [0, 1]
        The share of each target that is spread evenly over all classes, so that the net need not become
        quite sure. With class weights, each class's part has its weight, as in PyTorch.

    Notes
    -----
    Label smoothing: Szegedy et al. (2016), "Rethinking the Inception Architecture", arXiv:1512.00567.

    Examples
    --------
    >>> loss = SoftmaxCrossEntropy()
    >>> f"{loss.forward(np.zeros((2, 4)), [0, 3], training=False):.6f}"  # log(4)
    '1.386294'
    """

    class_weights: tuple[float, ...] | None = None
    label_smoothing: float = 0.0
    _is_special: bool = False  # whether there is any of the two

    def __init__(
        self,
        target_names: Sequence[str] | None = None,
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        smoothing = check_float(self.label, "label_smoothing", label_smoothing, at_least=0, at_most=1)
        self.label_smoothing = smoothing
        if target_names is not None:
            # Other sequences, such as arrays of strings, are nothing that a net's file can describe.
            is_list = type(target_names) in (tuple, list)
            if not (is_list and target_names and all(isinstance(name, str) for name in target_names)):
                expected = "target_names to be a tuple of strings"
                remedy = "give a tuple such as ('cat', 'dog'); of an array, tuple(names.tolist())"
                self.fail(ConfigurationError, expected, repr(target_names), remedy)
            self.target_names = tuple(map(str, target_names))
        if class_weights is not None:
            expected = "class_weights to be one number >= 0 for each class, not all 0"
            is_row = isinstance(class_weights, (tuple, list, np.ndarray))
            if not (is_row and getattr(class_weights, "ndim", 1) == 1):
                remedy = "give a tuple such as (1.0, 2.5)"
                self.fail(ConfigurationError, expected, shown(class_weights), remedy)
            self.class_weights = tuple(
                check_float(self.label, "a class's weight", weight, at_least=0) for weight in class_weights
            )
            if not any(self.class_weights):
                self.fail(ConfigurationError, expected, shown(class_weights))
            if self.target_names and len(self.class_weights) != len(self.target_names):
                expected = f"{len(self.target_names)} class_weights, one for each of target_names"
                self.fail(ConfigurationError, expected, len(self.class_weights))

    def forward(
        self, scores: Array, targets: npt.ArrayLike, *, weights: npt.ArrayLike | None = None, training: bool
    ) -> float:
        """The weighted mean of the samples' cross-entropies.

        Raises
        ------
        ShapeError, DTypeError, DataError
            For scores not (N >= 1, C) floats; for labels one-hot or (N, 1), not integers (booleans
            are not), or outside [0, C); for weights not (N,), negative or not finite.
        """
        samples, classes = self._check_scores(scores)
        # A quick look, since every training step comes by here; the long one says what is wrong.
        if (
            targets.__class__ is not np.ndarray
            or targets.dtype != _INT64
            or targets.shape != (samples,)
            or not samples
            or not are_labels(targets, classes)
        ):
            targets = self._check_labels(targets, samples, classes)
        out = self.buffer("gradient", (samples, classes), scores.dtype) if training else None
        if weights is not None or self._is_special:
            loss, gradient = self._special(scores, targets, weights, out)
        else:
            loss, gradient = softmax_cross_entropy(scores, targets, None, out)
        if training:
            self.remember(gradient)
        return loss

    def backward(self) -> Array:
        """Each sample's share in the mean, ``1 / N``, times ``softmax(scores) - onehot(labels)``: (N, C)."""
        (dscores,) = self.recall()
        return dscores  # type: ignore[no-any-return]

    def probabilities(self, scores: Array) -> Array:
        """``softmax(scores)``, of shape (N, C); each row adds up to 1, or is NaN where its scores are."""
        self._check_scores(scores)
        return softmax(scores)

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """As that of any loss for labels; there is a score for each of the `class_weights`, too."""
        super().check_targets(targets, output_shape)
        (classes,) = check_shape(self.label, "output_shape", output_shape)
        self._weights(np.zeros(1, np.int64), None, classes)

    def total_weight(self, targets: npt.ArrayLike, weights: npt.ArrayLike | None) -> float:
        """What the mean of `forward` divides by: with class weights, those of the labels count, too."""
        if self.class_weights is None:
            return len(targets) if weights is None else super().total_weight(targets, weights)  # type: ignore[arg-type]
        return float(self._weights(np.asarray(targets), weights, len(self.class_weights)).sum())

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if name in ("class_weights", "label_smoothing"):
            self._is_special = self.class_weights is not None or self.label_smoothing > 0

    def _special(
        self, scores: Array, labels: Array, weights: npt.ArrayLike | None, out: Array | None
    ) -> tuple[float, Array | None]:
        samples, classes = scores.shape
        each = self._weights(labels, weights, classes)
        if not self.label_smoothing:
            return softmax_cross_entropy(scores, labels, each, out)
        of_samples = np.ones(samples) if weights is None else np.asarray(weights, np.float64)
        of_classes = np.ones(classes) if self.class_weights is None else np.array(self.class_weights)
        total = float(samples if each is None else each.sum())
        shares = of_samples / total if total else np.zeros(samples)
        return smoothed_cross_entropy(scores, labels, self.label_smoothing, shares, of_classes, out)

    def _weights(self, labels: Array, weights: npt.ArrayLike | None, classes: int) -> npt.NDArray[np.float64]:
        """Each sample's own weight times that of its class."""
        if weights is not None:
            weights = check_weights(self.label, weights, len(labels))
        if self.class_weights is None:
            return weights  # type: ignore[return-value]
        if len(self.class_weights) != classes:
            expected = f"{len(self.class_weights)} scores a sample, one for each of class_weights"
            self.fail(ShapeError, expected, classes, "give each class one weight and one score")
        of_classes = np.array(self.class_weights)[labels]
        return of_classes if weights is None else of_classes * weights
