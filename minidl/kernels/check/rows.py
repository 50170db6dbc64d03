"""Of `minidl.kernels.rows`."""

import numpy as np

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.rows import gather

_KINDS = ("?", "u1", ">i2", "f2", "c16")


def _of_numbers(draw: Draw) -> tuple[object, ...]:
    count, rows, numbers = draw.sizes(3)
    indices = draw.indices(count if rows else 0, max(rows, 1))
    return draw.array(rows, numbers), indices, draw.empty(len(indices), numbers)


def _of_any_kind(draw: Draw) -> tuple[object, ...]:
    count, rows = draw.sizes(2)
    dtype = np.dtype(_KINDS[draw.integer(0, len(_KINDS) - 1)])
    shape = (draw.integer(1, 3),) * draw.integer(0, 2)
    indices = draw.indices(count * 2 if rows else 0, max(rows, 1)).reshape(-1, 2)
    memory = draw.rng.integers(0, 2, (rows, *shape)).astype(dtype)
    return memory, indices, np.zeros((*indices.shape, *shape), dtype)


CASES = [Case(gather, _of_numbers, ulps=0), Case(gather, _of_any_kind, ulps=0, name="gather (any kind)")]
