"""How much a net may make while it is built from a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.errors import CheckpointError
from minidl.initializers import he_normal, normal, scaled, xavier_uniform
from minidl.layers.filters import Filters, TransposedFilters
from minidl.parameters import IN_FILE
from minidl.types import Initializer, Rng

_SPARE_BYTES = 1 << 20
"""Made beyond what the file holds: of a class that has changed a little, the comparison says more."""


@contextmanager
def room(most_bytes: int) -> Iterator[None]:
    """Within it, parameters and states take so many bytes in all, for a file to fill.

    What would be drawn at random, from no seed, is zeros: it takes no time, and no memory for the draw.
    What does not fit, but for a megabyte, is refused before any memory is taken for it.

    Parameters
    ----------
    most_bytes : int
        Of the values that the file holds. The gradients, of the same size, are not counted.

    Raises
    ------
    CheckpointError
    """
    left = most_bytes + _SPARE_BYTES

    def take(
        kind: str, shape: tuple[int, ...], dtype: np.dtype[Any], initializer: Initializer, rng: Rng
    ) -> bool:
        nonlocal left
        left -= (size := math.prod(shape) * dtype.itemsize)
        if left < 0:
            expected = f"arrays of {most_bytes:,} bytes in all, as the file holds"
            got = f"one more of shape {shape} and {dtype}, {size:,} bytes"
            remedy = "a class has changed since; load with the class as it was"
            raise CheckpointError.expected(kind, expected, got, remedy)
        return rng is None and _is_random(initializer)

    token = IN_FILE.set(take)
    try:
        yield
    finally:
        IN_FILE.reset(token)


def _is_random(initializer: Initializer) -> bool:
    """Whether nobody can rely on what it draws from no seed: of minidl's own alone, that is known."""
    while isinstance(initializer, (scaled, Filters, TransposedFilters)):
        initializer = initializer.initializer
    return initializer is he_normal or initializer is xavier_uniform or isinstance(initializer, normal)
