"""Layers that change an array's shape, not its numbers."""

from __future__ import annotations

import math

from minidl.advice import shown
from minidl.checks import check_shape, check_sizes
from minidl.errors import ConfigurationError, ShapeError
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


class Reshape(Layer):
    """``(batch, ...) -> (batch, *shape)``: each sample's numbers in another shape, in C order.

    Parameters
    ----------
    *shape : int
        One sample's; one of the sizes may be -1, which stands for what is left.

    Examples
    --------
    >>> import numpy as np
    >>> Reshape(1, 28, -1).forward(np.ones((5, 784)), training=False).shape
    (5, 1, 28, 28)
    """

    def __init__(self, *shape: int) -> None:
        self.shape = check_sizes(self.label, "shape", shape, at_least=-1)
        if 0 in self.shape or self.shape.count(-1) > 1:
            self.fail(ConfigurationError, "shape of sizes >= 1, one -1 among them at most", shown(self.shape))
        check_shape(self.label, "shape", [abs(size) for size in self.shape])

    def forward(self, x: Array, *, training: bool) -> Array:
        """The batch in the other shape; a view of `x` where its layout allows."""
        self.check_batch("x", x)
        shape = self.output_shape(x.shape[1:])
        if training:
            self.remember(x.shape, shape)
        return x.reshape(len(x), *shape)

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """`shape`, its -1 resolved."""
        sample = check_sizes(self.label, "sample_shape", sample_shape)
        numbers, known = math.prod(sample), math.prod(size for size in self.shape if size > 0)
        rest = numbers // known
        if rest * known != numbers or (-1 not in self.shape and rest != 1):
            self.fail(ShapeError, f"samples of as many numbers as shape {self.shape}", sample)
        return tuple(rest if size < 0 else size for size in self.shape)

    def backward(self, dy: Array) -> Array:
        """`dy` in the shape of the input."""
        shape, reshaped = self.recall()
        self.check_batch("dy", dy, reshaped, batch=shape[0])
        return dy.reshape(shape)
