"""Activations: elementwise functions without parameters."""

from __future__ import annotations

import numpy as np

from minidl.initializers import Array
from minidl.layers.layer import Layer


class ReLU(Layer):
    """The rectified linear unit, ``y = max(x, 0)``; its derivative at 0 is taken as 0.

    Takes any shape and any float dtype. NaN stays NaN.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The elementwise maximum of `x` and 0."""
        y: Array = np.maximum(x, 0, out=self.buffer("y", x.shape, x.dtype) if training else None)
        if not training:
            return y
        self.remember(np.greater(y, 0, out=self.buffer("fires", x.shape, np.bool_)))
        return y

    def backward(self, dy: Array) -> Array:
        """`dy` where the unit fired, 0 elsewhere."""
        (fires,) = self.recall()
        self.check_batch("dy", dy, fires.shape[1:], batch=len(fires))
        dx = self.buffer("dx", dy.shape, dy.dtype)
        # Converted first, then multiplied: a product of two dtypes would go through a buffer.
        np.copyto(dx, fires)
        dx *= dy
        return dx

    def backward_parameters(self, dy: Array) -> None:
        """Nothing to do: there are no parameters."""
        self.forget()
