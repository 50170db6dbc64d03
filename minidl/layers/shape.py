"""Layers that change an array's shape, not its numbers."""

from __future__ import annotations

import math

from minidl.layers.layer import Layer
from minidl.types import Array


class Flatten(Layer):
    """``(batch, ...) -> (batch, features)``: each sample becomes one row, in C order."""

    def forward(self, x: Array, *, training: bool) -> Array:
        """The batch with one row a sample; a view of `x` where its layout allows."""
        try:
            if training:
                self.remember(x.shape)
            return x if x.ndim == 2 else x.reshape(len(x), math.prod(x.shape[1:]))
        except Exception as error:
            self.forget()
            self._refuse(error, "x", x)

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """All of a sample's numbers in a row."""
        return (math.prod(sample_shape),)

    def backward(self, dy: Array) -> Array:
        """`dy` in the shape of the input."""
        (shape,) = self.recall()
        self.check_batch("dy", dy, (math.prod(shape[1:]),), batch=shape[0])
        return dy.reshape(shape)
