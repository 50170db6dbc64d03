"""Softmax and its logarithm, as layers inside a net."""

from __future__ import annotations

from minidl.checks import check_array
from minidl.errors import ShapeError
from minidl.kernels.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from minidl.layers.layer import Layer
from minidl.types import Array


class OverLastAxis(Layer):
    """A function of each row, the numbers along the last axis."""

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return sample_shape

    def _sums(self, x: Array) -> Array:
        return self.buffer("sums", (*x.shape[:-1], 1), x.dtype)

    def _check(self, x: Array) -> None:
        self.check_batch("x", x)
        check_array(self.label, "x", x, kinds="f")
        if x.ndim < 2 or not x.shape[-1]:
            self.fail(ShapeError, "x of shape (batch, ..., classes)", x.shape)


class Softmax(OverLastAxis):
    """``y = exp(x) / sum(exp(x))``, the sum over the last axis: ``(batch, ..., C) -> (batch, ..., C)``.

    Each row is positive and adds up to 1. Each row's maximum is subtracted before the exponentials, which
    changes nothing but that none overflows. A row that holds NaN or plus infinity is NaN.

    A classifier needs none: `SoftmaxCrossEntropy` takes the scores in front of it. It is for weights that
    add up to 1 inside a net, as in attention.

    Source: Bridle, "Probabilistic Interpretation of Feedforward Classification Network Outputs", 1990.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The probabilities, of the shape of `x`."""
        self._check(x)
        if not training:
            return softmax(x)
        y = softmax(x, self.buffer("y", x.shape, x.dtype), self._sums(x))
        self.remember(y)
        return y

    def backward(self, dy: Array) -> Array:
        """``y * (dy - sum(dy * y))``: `dy` times each row's whole Jacobian ``diag(y) - y yᵀ``."""
        (y,) = self.recall()
        self.check_batch("dy", dy, y.shape[1:], batch=len(y))
        return softmax_backward(dy, y, self.buffer("dx", y.shape, y.dtype), self._sums(y))


class LogSoftmax(OverLastAxis):
    """``y = x - log(sum(exp(x)))``, the sum over the last axis: ``(batch, ..., C) -> (batch, ..., C)``.

    The logarithm of `Softmax`, finite where that has become 0: for scores of ±1e4 in float32 too. A row that
    holds NaN or plus infinity is NaN.

    A classifier needs none: `SoftmaxCrossEntropy` takes the scores in front of it.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The logarithms of the probabilities, of the shape of `x`."""
        self._check(x)
        if not training:
            return log_softmax(x)
        probabilities = self.buffer("probabilities", x.shape, x.dtype)
        y = log_softmax(x, self.buffer("y", x.shape, x.dtype), probabilities, self._sums(x))
        self.remember(probabilities)
        return y

    def backward(self, dy: Array) -> Array:
        """``dy - exp(y) * sum(dy)``: `dy` times each row's whole Jacobian."""
        (probabilities,) = self.recall()
        self.check_batch("dy", dy, probabilities.shape[1:], batch=len(probabilities))
        # The probabilities have served: their array takes the result.
        return log_softmax_backward(dy, probabilities, probabilities, self._sums(dy))
