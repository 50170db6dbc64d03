"""Of `minidl.kernels.losses`."""

import numpy as np

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.losses import absolute_error, binary_cross_entropy, huber, multiclass_hinge, squared_error

_KINDS = ("f4", "f8", "i8", "?", "u1")


def _errors(draw: Draw) -> tuple[object, ...]:
    shape, kind = draw.sizes(2), draw.integer(0, len(_KINDS) - 1)
    targets = draw.array(*shape) if kind < 2 else draw.rng.integers(0, 2, shape).astype(_KINDS[kind])
    with np.errstate(over="ignore"):
        targets = targets.astype(_KINDS[kind])
    return draw.array(*shape), targets, draw.rng.random(shape), draw.empty(*shape)


def _huber(draw: Draw) -> tuple[object, ...]:
    return *_errors(draw), draw.number(0.1, 2)


def _shares(draw: Draw) -> tuple[object, ...]:
    scores, _, losses, slopes = _errors(draw)
    shape = scores.shape  # type: ignore[attr-defined]
    return scores, draw.rng.random(shape).round(draw.integer(0, 3)), losses, slopes


def _hinge(draw: Draw) -> tuple[object, ...]:
    classes = draw.integer(1, 40)
    samples = draw.size // classes + 1
    scores, out = draw.array(samples, classes), draw.empty(samples, classes)
    return scores, draw.indices(samples, classes), draw.number(), out


CASES = [
    Case(squared_error, _errors, ulps=0),
    Case(absolute_error, _errors, ulps=0),
    Case(huber, _huber, ulps=1),
    Case(binary_cross_entropy, _shares, ulps=8, of_array=True),
    Case(multiclass_hinge, _hinge, ulps=8, of_array=True, lends=True),
]
