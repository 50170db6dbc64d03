"""What smooth activations have in common: a function of each number alone, with its derivative."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from minidl.checks import check_array
from minidl.kernels.blocks import BLOCK, WHOLE, in_blocks, values
from minidl.layers.layer import Layer
from minidl.types import Array


class Elementwise(Layer):
    """``y = f(x)``, number by number, for any shape and any float dtype; NaN stays NaN.

    A subclass says what f is, and its derivative, in `compute`. A training forward computes both, since
    they share most of the work, and backward multiplies.
    """

    _block: ClassVar[int]

    def __init_subclass__(cls, *, whole: bool = False) -> None:
        """`whole` is for a `compute` that takes arrays of any size, as kernels do."""
        super().__init_subclass__()
        cls._block = WHOLE if whole else BLOCK

    @abstractmethod
    def compute(self, x: Array, y: Array, slope: Array | None, work: Array) -> None:
        """Write ``f(x)`` to `y` and, unless `slope` is None, ``f'(x)`` to `slope`.

        The arrays are parts of the whole, one-dimensional; `work` has two rows to compute in.
        """

    def forward(self, x: Array, *, training: bool) -> Array:
        """``f(x)``, of the shape of `x`."""
        try:
            if x.dtype.kind != "f":
                check_array(self.label, "x", x, kinds="f")
            if not training:
                return values(self.compute, x, self._block)
            if not x.flags.c_contiguous:
                copied = self.buffer("x", x.shape, x.dtype)
                np.copyto(copied, x)
                x = copied
            y, slope = self.buffer("y", x.shape, x.dtype), self.buffer("slope", x.shape, x.dtype)
            work = self.buffer("work", (2, min(x.size, BLOCK)), x.dtype)
            in_blocks(self.compute, x, y, slope, work, block=self._block)
        except Exception as error:
            self._refuse(error, "x", x)
        self.remember(slope)
        return y

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the input."""
        return sample_shape

    def backward(self, dy: Array) -> Array:
        """``dy * f'(x)``."""
        (slope,) = self.recall()
        try:
            if dy.shape != slope.shape:
                self.check_batch("dy", dy, slope.shape[1:], batch=len(slope))
            # The derivative has served: its array takes the result.
            return np.multiply(dy, slope, out=slope)  # type: ignore[no-any-return]
        except Exception as error:
            self._refuse(error, "dy", dy, slope.shape[1:], batch=len(slope))
