"""Losses for numbers."""

from __future__ import annotations

from minidl.checks import check_array, check_float, check_shape, check_targets_like
from minidl.errors import DataError
from minidl.kernels.losses import absolute_error, huber, squared_error
from minidl.kernels.rows import first_not_finite
from minidl.losses.elementwise import ElementwiseLoss
from minidl.metrics import R2, MeanAbsoluteError, Metric
from minidl.types import Array


class _Regression(ElementwiseLoss):
    """What the losses have in common whose scores are predictions of numbers."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = check_float(self.label, "scale", scale, above=0)

    def _in_scales(self, losses: Array, slopes: Array, power: int) -> None:
        """Turn what was computed of the errors into what their quotients by `scale` give."""
        if self.scale != 1.0:
            losses /= self.scale**power
            slopes /= self.scale**power

    def predict(self, scores: Array) -> Array:
        """The scores themselves.

        Raises
        ------
        DivergedError
            A score is NaN or infinite.
        """
        self._require_finite(scores)
        return scores

    def check_targets(self, targets: Array, output_shape: tuple[int, ...]) -> None:
        """Refuse what are no finite numbers of the shape (N, *output_shape).

        Raises
        ------
        ShapeError, DTypeError, DataError
        """
        output_shape = check_shape(self.label, "output_shape", output_shape)
        targets = check_array(self.label, "targets", targets)
        samples = len(targets) if targets.ndim else 1
        check_targets_like(self.label, targets, (samples, *output_shape))
        if targets.dtype.kind == "f" and (found := first_not_finite(targets)):
            remedy = "drop such samples or fill in the missing values"
            self.fail(DataError, "finite targets", f"{found[1]} in sample {found[0]}", remedy)

    def metrics(self) -> list[Metric]:
        """The coefficient of determination and the mean absolute error."""
        return [R2(), MeanAbsoluteError()]


class MeanSquaredError(_Regression):
    """``mean((scores - targets)**2)`` over all numbers, for targets (N, ...) of the scores' shape.

    Targets are real numbers of any dtype. Targets (N,) for scores (N, 1) are refused: nothing is
    broadcast. With weights it is the weighted mean of each sample's mean.

    Parameters
    ----------
    scale : float > 0
        In the unit of the targets: errors count in scales, as ``((scores - targets) / scale)**2``. With the
        targets' standard deviation, one learning rate suits targets of every unit.

    Examples
    --------
    >>> import numpy as np
    >>> MeanSquaredError().forward(np.array([[1.0], [2.0]]), [[1.0], [5.0]], training=False)
    4.5
    """

    def _compute(self, scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
        squared_error(scores, targets, losses, slopes)
        self._in_scales(losses, slopes, 2)


class L1(_Regression):
    """``mean(abs(scores - targets))`` over all numbers; the derivative at 0 is taken as 0.

    Each error counts by its size, so that a target far off pulls no harder than one nearby, and the
    best constant is the median. Targets, weights and `scale` as for `MeanSquaredError`.

    Examples
    --------
    >>> import numpy as np
    >>> L1().forward(np.array([[1.0], [2.0]]), [[1.0], [5.0]], training=False)
    1.5
    """

    def _compute(self, scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
        absolute_error(scores, targets, losses, slopes)
        self._in_scales(losses, slopes, 1)


class Huber(_Regression):
    """The mean over all numbers of ``e**2 / 2``, and beyond ``|e| = delta`` of ``delta * (|e| - delta / 2)``.

    With the error ``e = (scores - targets) / scale``: squared near 0 and straight beyond. Targets, weights
    and `scale` as for `MeanSquaredError`.

    Parameters
    ----------
    delta : float > 0
        In scales, so without one in the unit of the targets.
    scale : float > 0

    Notes
    -----
    Source: Huber (1964), "Robust Estimation of a Location Parameter".

    Examples
    --------
    >>> import numpy as np
    >>> Huber().forward(np.array([[1.5], [2.0]]), [[1.0], [5.0]], training=False)
    1.3125
    """

    def __init__(self, delta: float = 1.0, scale: float = 1.0) -> None:
        super().__init__(scale)
        self.delta = check_float(self.label, "delta", delta, above=0)

    def _compute(self, scores: Array, targets: Array, losses: Array, slopes: Array) -> None:
        huber(scores, targets, losses, slopes, self.delta * self.scale)
        self._in_scales(losses, slopes, 2)
