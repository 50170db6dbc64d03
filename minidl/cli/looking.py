"""What a net makes of a data set's part: its answers, and the pictures of them."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minidl.cli.run_directory import Pictures
from minidl.data import Dataset
from minidl.layers import Affine, Conv2d
from minidl.losses import BinaryCrossEntropy
from minidl.losses.labels import LabelLoss
from minidl.metrics import confusion_matrix
from minidl.net import Net
from minidl.plots import plot_confusion_matrix, plot_mistakes, plot_predictions, plot_units
from minidl.plots.tiles import is_image
from minidl.types import Array

CONFUSION, MISTAKES, PREDICTIONS, UNITS = "confusion.png", "mistakes.png", "predictions.png", "units.png"

_MOST_IMAGES = 2_000  # among which those are looked for that excite a unit most
_MOST_NUMBERS = 1 << 26  # that the layers give of these images, all together


class Answers(NamedTuple):
    """The answers of a net to the samples of `part`.

    Attributes
    ----------
    scores : array of shape (N, ...)
    predictions : array
        As `Net.predict` gives them.
    classes : tuple of str, or None
        The names of the classes; None for a net that predicts numbers.
    """

    part: Dataset
    scores: Array
    predictions: Array
    classes: tuple[str, ...] | None


def answers(net: Net, part: Dataset) -> Answers:
    """What `net` makes of `part`."""
    scores = np.concatenate([scores for _, scores in net.score_chunks(part.features)])
    predictions = net.head.predict(scores) if net.head else scores
    classes = class_names(net, scores.shape[1:], part.target_names)
    if classes is not None and part.targets.dtype.kind == "f" and part.targets.ndim == 1:
        if (part.targets % 1).any():  # probabilities, which are numbers
            return Answers(part, scores, predictions, None)
        part = Dataset(part.features, part.targets.astype(np.int64))
    return Answers(part, scores, predictions, classes)


def class_names(
    net: Net, output_shape: tuple[int, ...], names: tuple[str, ...] | None = None
) -> tuple[str, ...] | None:
    """The names of the classes that scores of this shape choose between; None where they are numbers."""
    if not isinstance(net.head, (LabelLoss, BinaryCrossEntropy)):
        return None
    own = getattr(net.head, "target_names", None) or names
    count = 2 if output_shape[0] == 1 else output_shape[0]
    return own if own and len(own) == count else tuple(map(str, range(count)))


def pictures(out: Path, net: Net, given: Answers, target: object = None) -> Pictures:
    """The pictures of a net's answers, for `run_directory.draw`; `target` names a number, if it is a word."""
    part, classes = given.part, given.classes
    if classes is None:
        numbers = given.predictions.reshape(len(part), -1), part.targets.reshape(len(part), -1)
        names = [target] if isinstance(target, str) and numbers[0].shape[1] == 1 else None
        return {out / PREDICTIONS: partial(plot_predictions, numbers[1], numbers[0], names=names)}
    if part.targets.ndim > 1:  # labels that do not exclude each other are not mixed up
        return {}

    def confusion(path: Path) -> None:
        matrix = confusion_matrix(part.targets, given.predictions, len(classes))
        plot_confusion_matrix(matrix, path, classes)

    def mistakes(path: Path) -> None:
        sure = sureness(net, given)
        plot_mistakes(part.features, part.targets, given.predictions, sure, path, classes)

    if is_image(part.sample_shape) and hasattr(net.head, "probabilities"):
        return {out / CONFUSION: confusion, out / MISTAKES: mistakes}
    return {out / CONFUSION: confusion}


def sureness(net: Net, given: Answers) -> Array:
    """The probability of each class: (N, classes)."""
    return both(net.head.probabilities(given.scores))  # type: ignore[union-attr]


def both(probabilities: Array) -> Array:
    """Of two classes with one score, (N, 1), the probabilities of both."""
    return np.hstack([1 - probabilities, probabilities]) if probabilities.shape[1] == 1 else probabilities


def unit_pictures(out: Path, net: Net, name: str, part: Dataset) -> Pictures:
    """The picture of what the units of the first layer with weights see, where samples are images."""
    if not is_image(part.sample_shape):
        return {}

    def draw(path: Path) -> None:
        numbers = net.widest(part.sample_shape) * len(list(net.named_modules()))
        most = min(max(_MOST_NUMBERS // numbers, 100), _MOST_IMAGES)
        images = part.features[:: (every := -(-len(part) // most))]
        traced = [one for one in net.trace(images) if not list(one.layer.children())]
        place = next(place for place, one in enumerate(traced) if getattr(one.layer, "weight", None))
        layer: Any = traced[place].layer
        filters = layer.weight.value
        if isinstance(layer, Affine) and len(filters) == math.prod(part.sample_shape):
            filters = filters.T.reshape(-1, *part.sample_shape)
        # What stands between two layers with weights, an activation above all, is a part of the unit.
        following = traced[place + 1 : place + 2]
        same = [one for one in following if one.y.shape == traced[place].y.shape]
        outputs = (same or [traced[place]])[-1].y
        is_drawn = filters.ndim > 2 and is_image(filters.shape[1:])
        keys = ("stride", "padding", "dilation") if isinstance(layer, Conv2d) else ()
        slides = {key: getattr(layer, key) for key in keys}
        share = f" (1 in {every} of {len(part):,})" if every > 1 else ""
        title = f"{traced[place].path}: what excites each unit most, of {len(images):,} {name} images{share}"
        plot_units(images, outputs, path, filters=filters if is_drawn else None, title=title, **slides)

    return {out / UNITS: draw}
