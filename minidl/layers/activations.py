"""Activations: elementwise functions without parameters."""

from __future__ import annotations

import numpy as np

from minidl.kernels.activations import ZERO, relu, relu_backward
from minidl.layers.layer import Layer
from minidl.types import Array

_BOOL = np.dtype(bool)


class ReLU(Layer):
    """The rectified linear unit, ``y = max(x, 0)``; its derivative at 0 is taken as 0.

    Takes any shape and any float dtype. NaN stays NaN.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The elementwise maximum of `x` and 0."""
        try:
            if not training:
                return relu(x)
            fires = np.greater(x, ZERO, self.buffer("fires", x.shape, _BOOL))
            y = relu(x, self.buffer("y", x.shape, x.dtype))
        except Exception as error:
            self._refuse(error, "x", x)
        self.remember(fires)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return sample_shape

    def backward(self, dy: Array) -> Array:
        """`dy` where the unit fired, 0 elsewhere."""
        (fires,) = self.recall()
        try:
            if dy.shape != fires.shape:
                self.check_batch("dy", dy, fires.shape[1:], batch=len(fires))
            return relu_backward(dy, fires, self.buffer("dx", dy.shape, dy.dtype))
        except Exception as error:
            self._refuse(error, "dy", dy, fires.shape[1:], batch=len(fires))
