"""Of `minidl.kernels.softmax`."""

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.softmax import log_softmax, log_softmax_backward, softmax, softmax_backward


def _scores(draw: Draw) -> tuple[object, ...]:
    *rows, classes = draw.sizes(3)
    shape = (*rows, max(classes, 1))
    return draw.array(*shape, scale=4), draw.empty(*shape) if draw.integer(0, 1) else None


def _logarithms(draw: Draw) -> tuple[object, ...]:
    *rows, classes = draw.sizes(3)
    shape = (*rows, max(classes, 1))
    return draw.array(*shape, scale=4), draw.empty(*shape), draw.empty(*shape)


def _gradients(draw: Draw) -> tuple[object, ...]:
    rows, classes = draw.sizes(2)
    shape = rows, max(classes, 1)
    return draw.array(*shape), draw.positive(*shape), draw.empty(*shape), None


CASES = [
    Case(softmax, _scores, ulps=16, of_array=True),
    Case(log_softmax, _logarithms, ulps=4, of_array=True),
    Case(softmax_backward, _gradients, ulps=64, of_array=True),
    Case(log_softmax_backward, _gradients, ulps=64, of_array=True),
]
