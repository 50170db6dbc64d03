"""Of `minidl.kernels.dropout`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.dropout import drop


def _drop(draw: Draw) -> tuple[Any, ...]:
    (size,) = draw.sizes(1)
    p = (0.0, 1.0, draw.number())[draw.integer(0, 2)]
    drawn = draw.rng.random(size, dtype=np.float32)
    return drawn, p, draw.array(size), draw.empty(size), draw.empty(size)


CASES = [Case(drop, _drop, ulps=0)]
