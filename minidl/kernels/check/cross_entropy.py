"""Of `minidl.kernels.cross_entropy`."""

from minidl.kernels.check.drawing import Case, Draw
from minidl.kernels.cross_entropy import (
    are_labels,
    count_right,
    highest,
    smoothed_cross_entropy,
    softmax_cross_entropy,
)


def _labels(draw: Draw) -> tuple[object, ...]:
    (count,) = draw.sizes(1)
    classes = draw.integer(1, 1000)
    return draw.indices(max(count, 1), classes + draw.integer(0, 1)) - draw.integer(0, 1), classes


def _labelled(draw: Draw) -> tuple[object, ...]:
    samples, classes = (max(size, 1) for size in draw.sizes(2))
    return draw.array(samples, classes, scale=4), draw.indices(samples, classes)


def _training(draw: Draw) -> tuple[object, ...]:
    scores, labels = _labelled(draw)
    return scores, labels, None, draw.empty(*scores.shape)  # type: ignore[attr-defined]


def _weighted(draw: Draw) -> tuple[object, ...]:
    scores, labels = _labelled(draw)
    return scores, labels, draw.rng.random(len(labels))  # type: ignore[arg-type]


def _smoothed(draw: Draw) -> tuple[object, ...]:
    scores, labels = _labelled(draw)
    samples, classes = scores.shape  # type: ignore[attr-defined]
    shares, of_classes = draw.rng.random(samples) / samples, draw.rng.random(classes)
    return scores, labels, draw.number(), shares, of_classes, draw.empty(samples, classes)


def _tied(draw: Draw) -> tuple[object, ...]:
    scores, labels = _labelled(draw)
    return scores.round(), labels + draw.integer(-1, 1)  # type: ignore[attr-defined, operator]


CASES = [
    Case(are_labels, _labels),
    Case(softmax_cross_entropy, _training, ulps=16, of_array=True, lends=True),
    Case(softmax_cross_entropy, _weighted, ulps=16, of_array=True, name="softmax_cross_entropy (weighted)"),
    Case(smoothed_cross_entropy, _smoothed, ulps=16, of_array=True, lends=True),
    Case(count_right, _tied, ulps=0),
    Case(highest, lambda draw: _tied(draw)[:1]),
]
