"""Of `minidl.kernels.vectors`."""

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.vectors import sgd_update


def _update(draw: Draw) -> tuple[object, ...]:
    (size,) = draw.sizes(1)
    return draw.array(size), draw.array(size), draw.number()


CASES = [Case(sgd_update, _update, ulps=1, of_array=True)]
