"""How a convolution's weight is drawn: by an initializer for matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl.checks import check_array
from minidl.errors import ShapeError
from minidl.types import Array, Initializer

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Filters:
    """Draws a weight (out, in / groups, ...) with an initializer, as a matrix (numbers seen, out).

    For that is how an initializer counts what an output depends on.
    """

    initializer: Initializer

    def __call__(self, rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Draw the matrix, and give its columns the shape of windows."""
        drawn = _draw(self.initializer, rng, (math.prod(shape[1:]), shape[0]), dtype)
        return drawn.T.reshape(shape)


@dataclass(frozen=True)
class TransposedFilters:
    """Draws a weight (in, out / groups, ...) with an initializer, as matrices (numbers seen, out).

    With a stride, outputs that are neighbours see different places of the window. The places are divided
    among so many `phases`, and each phase is drawn as a matrix of its own.
    """

    initializer: Initializer
    groups: int
    phases: int

    def __call__(self, rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Draw the matrices, and give their columns the shape of windows."""
        inputs, outputs, kernel = shape[0] // self.groups, shape[1], shape[2:]
        places = inputs * math.prod(kernel)
        matrix = (-(-places // self.phases), outputs * self.groups)
        drawn = np.concatenate([_draw(self.initializer, rng, matrix, dtype) for _ in range(self.phases)])[
            :places
        ]
        by_group = drawn.reshape(inputs, -1, self.groups, outputs).transpose(2, 0, 3, 1)
        return by_group.reshape(shape)


def _draw(initializer: Initializer, rng: Any, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """What the initializer draws, or an error if it is no array of this `shape`."""
    drawn = check_array("Parameter", "what its initializer draws", initializer(rng, shape, dtype))
    if drawn.shape != shape:
        raise ShapeError.expected("Parameter", f"its initializer to draw shape {shape}", drawn.shape)
    return drawn
