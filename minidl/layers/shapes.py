"""What becomes of a sample's shape in layers, as far as they can tell before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TypeAlias

from minidl.checks import check_callable, check_sizes
from minidl.errors import ConfigurationError, ShapeError
from minidl.layers.layer import Layer

Shape: TypeAlias = "tuple[int, ...]"


def fixed_shape(layers: Iterable[Layer]) -> Shape | None:
    """The sample's shape of the first of `layers` that has fixed one, as a tuple."""
    fixed = ((layer.label, layer.sample_shape) for layer in layers if layer.sample_shape is not None)
    return next((check_sizes(label, "sample_shape", shape) for label, shape in fixed), None)


def shape_through(layers: Iterable[Layer], shape: Shape | None) -> Shape | None:
    """What becomes of a sample of `shape` in layers one after the other; None where they cannot tell.

    Raises
    ------
    ShapeError
        A layer does not take what the one before it gives.
    """
    for layer in layers:
        if shape is None:
            shape = fixed_shape([layer])
        else:
            layer.check_sample(shape)
        shape = None if shape is None else _told(layer, shape)
    return shape


def _told(layer: Layer, shape: Shape) -> Shape | None:
    """What `layer` says that samples of `shape` become; None where only its use will show."""
    if type(layer).output_shape is Layer.output_shape and layer.sample_shape is None:
        return None  # it would find out by an inference, and nobody has said on what
    try:
        return shape_after(shape, layer)
    except (ShapeError, ConfigurationError):
        raise
    except Exception:  # a layer of one's own fails, or takes no zeros: as its use will show
        return None


def shape_after(shape: Shape, layer: Layer) -> Shape:
    """What `layer` makes of samples of `shape`; a tuple, whatever the method of an own layer returns."""
    try:
        given = layer.output_shape(shape)
    except TypeError:
        check_callable(layer.label, "output_shape", layer.output_shape, "sample_shape")
        raise
    # Inference comes by here, so that even a check counts.
    return given if given.__class__ is tuple else check_sizes(layer.label, "what output_shape returns", given)


def shapes_along(layers: Iterable[Layer], shape: Shape) -> Iterator[Shape]:
    """`shape`, and what samples of it become in each of `layers`, one after the other."""
    return accumulate(layers, shape_after, initial=shape)
