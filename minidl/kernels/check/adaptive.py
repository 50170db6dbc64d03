"""Of `minidl.kernels.adaptive`."""

from minidl.kernels.adaptive import adagrad_update, adam_update, rmsprop_update
from minidl.kernels.check.drawing import Case, Draw


def _vectors(draw: Draw, states: int) -> tuple[object, ...]:
    """Values, gradients and so many vectors of state, all of them positive."""
    (size,) = draw.sizes(1)
    state = [draw.positive(size) for _ in range(states)]
    return draw.array(size), draw.array(size), *state


def _adam(draw: Draw) -> tuple[object, ...]:
    betas = draw.number(0.01), draw.number(0.01)
    options = draw.number(0.01), betas, 10 ** draw.number(-8, 0), draw.integer(1, 2000)
    return *_vectors(draw, 2), *options, *([draw.number()] if draw.integer(0, 1) else [])


def _rmsprop(draw: Draw) -> tuple[object, ...]:
    options = draw.number(0.01), draw.number(0.01), 10 ** draw.number(-8, 0), draw.number(0.01)
    if draw.integer(0, 1):
        return *_vectors(draw, 2), *options
    return *_vectors(draw, 1), None, *options


def _adagrad(draw: Draw) -> tuple[object, ...]:
    options = draw.number(0.01), 10 ** draw.number(-8, 0)
    return *_vectors(draw, 1), *options, *([draw.number()] if draw.integer(0, 1) else [])


CASES = [
    Case(adam_update, _adam, ulps=2, of_array=True),
    Case(rmsprop_update, _rmsprop, ulps=2, of_array=True),
    Case(adagrad_update, _adagrad, ulps=2, of_array=True),
]
