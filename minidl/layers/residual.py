"""A row of layers, and a way past it."""

from __future__ import annotations

from minidl.checks import check_kind
from minidl.errors import ShapeError, StructureError
from minidl.inspection import common_dtype
from minidl.layers.layer import Layer
from minidl.layers.parts import Part, add_layers, add_up, as_given
from minidl.layers.shapes import Shape, fixed_shape, shape_through, shapes_along
from minidl.module import Module
from minidl.types import Array


class Residual(Layer):
    """``y = layers(x) + x``, or ``layers(x) + shortcut(x)``.

    The sum lets the gradient pass the layers unchanged, so that deep nets can be trained.
    Source: He, Zhang, Ren, Sun (2015), "Deep Residual Learning for Image Recognition", arXiv:1512.03385.

    Parameters
    ----------
    *layers : Layer or (name, Layer)
        One after the other, as in a `Sequential`.
    shortcut : Layer, optional
        Brings `x` to the shape that the layers give; by default `x` is added as it is.

    Raises
    ------
    StructureError
        For what is no layer; for a shortcut that accepts another kind of input than the layers.
    ShapeError, DTypeError
        The layers give another shape or dtype than the shortcut, as far as they can tell.
    """

    joint = "+"

    def __init__(self, *layers: Part, shortcut: Layer | None = None) -> None:
        self._row = add_layers(self, layers)
        if shortcut is not None:
            check_kind(self.label, "shortcut", shortcut, Layer, error=StructureError)
        self.shortcut = shortcut
        self._past = () if shortcut is None else (shortcut,)
        first = self._row[0]
        for layer in self._past:
            if layer.accepts != first.accepts:
                got = f"{layer.accepts} in {layer.label}"
                self.fail(StructureError, f"a shortcut that accepts {first.accepts}, as {first.label}", got)
        self.accepts, self.dtype = first.accepts, common_dtype(self)
        self.accepts_sparse = all(way[:1] and way[0].accepts_sparse for way in (self._row, self._past))
        self.sample_shape = fixed_shape((first, *self._past))
        given, past = (shape_through(way, self.sample_shape) for way in (self._row, self._past))
        if given is not None and past is not None:
            self._sum(given, past)

    @property
    def layers(self) -> tuple[Part, ...]:
        """The layers as they were given."""
        return as_given(self, self._row)

    def ways(self) -> tuple[tuple[Module, ...], ...]:
        """The layers, and the way past them."""
        return self._row, self._past

    def _sum(self, given: Shape, past: Shape) -> Shape:
        if given != past:
            way = self.shortcut.label if self.shortcut else "the input itself"
            expected = f"layers that give {past}, the shape of {way}"
            remedy = "" if self.shortcut else "give a shortcut= that brings the input to that shape"
            self.fail(ShapeError, expected, given, remedy)
        return given

    def output_shape(self, sample_shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the layers' output."""
        return self._sum(*(list(shapes_along(way, sample_shape))[-1] for way in (self._row, self._past)))

    def forward(self, x: Array, *, training: bool) -> Array:
        """The sum of what the layers and the shortcut make of `x`."""
        y = past = x
        for layer in self._row:
            y = layer.forward(y, training=training)
        for layer in self._past:
            past = layer.forward(past, training=training)
        self._sum(y.shape[1:], past.shape[1:])
        return add_up(self, "y", (y, past), lend=training)

    def backward(self, dy: Array) -> Array:
        """The sum of the gradients of both ways."""
        dx = past = dy
        for layer in reversed(self._row):
            dx = layer.backward(dx)
        for layer in self._past:
            past = layer.backward(past)
        return add_up(self, "dx", (dx, past), lend=True)

    def backward_parameters(self, dy: Array) -> None:
        """The gradients of the parameters in both ways."""
        dx = dy
        for layer in self._row[:0:-1]:
            dx = layer.backward(dx)
        for layer in (self._row[0], *self._past):
            layer.backward_parameters(dy if layer is self.shortcut else dx)
