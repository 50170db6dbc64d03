"""Activations: elementwise functions without parameters."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from minidl.layers.layer import Layer
from minidl.types import Array

_BOOL = np.dtype(bool)
_MOST_ZEROS = 1 << 18


class ReLU(Layer):
    """The rectified linear unit, ``y = max(x, 0)``; its derivative at 0 is taken as 0.

    Takes any shape and any float dtype. NaN stays NaN.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        """The elementwise maximum of `x` and 0."""
        y: Array
        try:
            zeros = _zeros(x.shape, x.dtype)
            if not training:
                y = np.maximum(x, zeros)
                return y
            y = np.maximum(x, zeros, out=self.buffer("y", x.shape, x.dtype))
            self.remember(np.greater(x, zeros, self.buffer("fires", x.shape, _BOOL)))
            return y
        except Exception as error:
            self._refuse(error, "x", x)

    def backward(self, dy: Array) -> Array:
        """`dy` where the unit fired, 0 elsewhere."""
        (fires,) = self.recall()
        try:
            if dy.shape != fires.shape:
                self.check_batch("dy", dy, fires.shape[1:], batch=len(fires))
            dx = self.buffer("dx", dy.shape, dy.dtype)
            # Converted first, then multiplied: a product of two dtypes would go through a buffer.
            np.copyto(dx, fires)
            dx *= dy
            return dx
        except Exception as error:
            self._refuse(error, "dy", dy, fires.shape[1:], batch=len(fires))

    def backward_parameters(self, dy: Array) -> None:
        """Nothing to do: there are no parameters."""
        self.forget()


@lru_cache(maxsize=32)
def _zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros to compare with: NumPy takes two arrays three times as fast as an array and a number.

    For large arrays only those of one sample, which is not much slower and holds little memory.
    """
    zeros = np.zeros(shape if math.prod(shape) <= _MOST_ZEROS else shape[1:], dtype)
    zeros.flags.writeable = False
    return zeros
