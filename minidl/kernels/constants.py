"""Constant arrays that every training step would make anew: made once."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np

from minidl.types import Array

_Key: TypeAlias = "tuple[str, int | tuple[int, ...], np.dtype[Any]]"

_BUDGET_BYTES = 1 << 23
"""What all constants together may hold."""

_MOST_ARRAYS = 64
"""How many there may be, so that many small ones are not looked through for long."""

_MOST_NUMBERS = 1 << 18
"""In an array of its own; of a larger one, only one sample is in memory, and stands for all."""


class _Constants(dict[_Key, Array]):
    """``CONSTANTS["zeros", shape, dtype]`` is ``np.zeros(shape, dtype)``, read-only.

    So are "ones" and "arange"; "array" is the number itself as an array without dimensions.

    A dictionary, because a lookup in one costs less than a call. It needs no lock, which a fork could
    leave locked: each thread that adds an array drops the oldest ones afterwards until the budget is kept,
    so whichever looks last keeps it for all. At worst two threads make the same array.
    """

    def __missing__(self, key: _Key) -> Array:
        kind, shape, dtype = key
        if isinstance(shape, tuple) and math.prod(shape) > _MOST_NUMBERS:
            return np.broadcast_to(self[kind, shape[1:], dtype], shape)
        array: Array = getattr(np, kind)(shape, dtype=dtype)
        array.flags.writeable = False
        if array.nbytes <= _BUDGET_BYTES:
            self[key] = array
            # `list` takes all entries in one go; another thread may change the dictionary at any time.
            while (
                sum(held.nbytes for held in list(self.values())) > _BUDGET_BYTES or len(self) > _MOST_ARRAYS
            ):
                for oldest in list(self)[:1]:
                    self.pop(oldest, None)
        return array


CONSTANTS = _Constants()
