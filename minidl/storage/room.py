"""How much a net may make while it is built from a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minidl.checks import check_callable
from minidl.errors import CheckpointError
from minidl.parameters import IN_FILE
from minidl.types import Initializer

_SPARE_BYTES = 1 << 20
"""Made beyond what the file holds: of a class that has changed a little, the comparison says more."""


@contextmanager
def room(most_bytes: int) -> Iterator[None]:
    """Within it, parameters and states are zeros for a file to fill, of so many bytes in all.

    No initializer is called; whether it is one is checked as ever. What does not fit, but for a megabyte,
    is refused before any memory is taken for it.

    Parameters
    ----------
    most_bytes : int
        Of the values that the file holds. The gradients, of the same size, are not counted.

    Raises
    ------
    CheckpointError
    """
    left = most_bytes + _SPARE_BYTES

    def take(kind: str, initializer: Initializer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        nonlocal left
        check_callable(kind, "initializer", initializer, "rng", "shape", "dtype")
        left -= (size := math.prod(shape) * dtype.itemsize)
        if left < 0:
            expected = f"arrays of {most_bytes:,} bytes in all, as the file holds"
            got = f"one more of shape {shape} and {dtype}, {size:,} bytes"
            remedy = "a class has changed since; load with the class as it was"
            raise CheckpointError.expected(kind, expected, got, remedy)

    token = IN_FILE.set(take)
    try:
        yield
    finally:
        IN_FILE.reset(token)
