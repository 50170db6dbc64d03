"""Of `minidl.kernels.elementwise`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.elementwise import elu, gelu, gelu_tanh, leaky_relu, sigmoid, silu, softplus, tanh


def _case(kernel: Callable[..., None], ulps: float, *low_and_high: tuple[float, float]) -> Case:
    """With a slope or without, and with a number between each `low` and `high`."""

    def draw(draw: Draw) -> tuple[Any, ...]:
        shape = draw.sizes(draw.integer(1, 3))
        slope = draw.empty(*shape) if draw.integer(0, 3) else None
        x = draw.array(*shape, scale=3)
        return x, draw.empty(*shape), slope, None, *(draw.number(*limits) for limits in low_and_high)

    return Case(kernel, draw, ulps, of_array=True)


CASES = [
    _case(leaky_relu, 0, (-1, 2)),
    _case(elu, 2, (-1, 2)),
    _case(sigmoid, 2),
    _case(tanh, 2),
    _case(silu, 2),
    _case(gelu, 4),
    _case(gelu_tanh, 8),
    _case(softplus, 2, (0.1, 3), (1, 20)),
]
