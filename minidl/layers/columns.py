"""The columns of a table, each group of them to a layer of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from minidl.advice import shown
from minidl.checks import check_int
from minidl.errors import DataError, ShapeError, StructureError
from minidl.inspection import common_dtype
from minidl.layers.layer import Layer
from minidl.layers.parts import add_layers, join, split
from minidl.layers.shapes import shape_through
from minidl.module import Module
from minidl.types import Array

Places: TypeAlias = "int | slice | Sequence[int]"


class Columns(Layer):
    """A table (N, columns), some columns to each layer; what the layers give is joined to (N, features).

    A net that begins with it gets a table of any real dtype. A layer that accepts floats gets
    its columns in the net's dtype; one that accepts indices, such as `Embedding`, gets them as integers.

    Parameters
    ----------
    columns : dict of str to (columns, layer)
        By the layer's name. The columns are an index, a slice or a list of indices from 0. An index gives
        the layer numbers (N,), the others rows (N, count). Each layer gives (N, features).

    Examples
    --------
    >>> from minidl import Affine, ReLU, Sequential, Standardize
    >>> table = Columns({"size": ([0, 2], Standardize([50, 3], [20, 1])), "rest": (slice(3, 6), ReLU())})
    >>> table.forward(np.ones((4, 6)), training=False).shape
    (4, 5)
    """

    accepts = "real"

    joint = "concat"

    def __init__(self, columns: Mapping[str, tuple[Places, Layer]]) -> None:
        if not isinstance(columns, Mapping) or not all(
            isinstance(pair, tuple) and len(pair) == 2 for pair in columns.values()
        ):
            expected = "columns to be a dict of name to (columns, layer)"
            self.fail(StructureError, expected, shown(columns))
        self._places = {name: self._checked(name, pair[0]) for name, pair in columns.items()}
        self._highest = {
            name: -1 if isinstance(places, slice) else max(np.atleast_1d(places).tolist(), default=-1)
            for name, places in self._places.items()
        }
        self._layers = add_layers(self, [(name, layer) for name, (_, layer) in columns.items()])
        for layer, places in zip(self._layers, self._places.values(), strict=True):
            if not isinstance(places, slice):  # of which only the table will tell how many columns it has
                shape_through([layer], np.shape(places))
        self.dtype = common_dtype(self)
        if self.dtype is None and all(layer.accepts == "float" for layer in self._layers):
            self.accepts = "float"  # no layer knows the net's dtype, so the net converts the whole table

    def ways(self) -> tuple[tuple[Module, ...], ...]:
        """The layers side by side."""
        return tuple((layer,) for layer in self._layers)

    def _checked(self, name: str, places: Places) -> Places:
        what = f"the columns of {name!r}"
        if isinstance(places, slice):
            return places
        if isinstance(places, (list, tuple, range, np.ndarray)):
            return [check_int(self.label, what, place, at_least=0) for place in places]
        return check_int(self.label, what, places, at_least=0)

    @property
    def columns(self) -> dict[str, tuple[Places, Layer]]:
        """The columns and the layer of each name."""
        return dict(zip(self._places, zip(self._places.values(), self._layers, strict=True), strict=True))

    def forward(self, x: Array, *, training: bool) -> Array:
        """``(N, columns) -> (N, features)``; `x` of any real dtype."""
        if not isinstance(x, np.ndarray) or x.ndim != 2:
            self.check_batch("x", x)
            self.fail(ShapeError, "x of shape (batch, columns)", x.shape)
        outputs = []
        for (name, places), layer in zip(self._places.items(), self._layers, strict=True):
            y = layer.forward(self._taken(x, name, places, layer, training), training=training)
            if y.ndim != 2:
                expected, remedy = f"{name!r} to give (batch, features)", "end it with Flatten()"
                self.fail(ShapeError, expected, y.shape, remedy)
            outputs.append(y)
        return join(self, outputs, 1, x.shape, x.dtype, training=training)

    def _taken(self, x: Array, name: str, places: Places, layer: Layer, training: bool) -> Array:
        """The layer's columns, in the dtype that it accepts."""
        if self._highest[name] >= x.shape[1]:
            self.fail(ShapeError, f"x with the columns {places} of {name!r}", f"{x.shape[1]} columns")
        if isinstance(places, list):
            shape = len(x), len(places)
            out = self.buffer(f"{name} taken", shape, x.dtype) if training else None
            taken = x.take(places, 1, out, "clip")  # the mode spares `take` a copy
        else:
            taken = x[:, places]
        dtype = {"index": np.dtype(np.int64), "real": x.dtype}.get(layer.accepts, self.dtype or x.dtype)
        if taken.dtype == dtype:
            return taken
        converted = self.buffer(name, taken.shape, dtype) if training else np.empty(taken.shape, dtype)
        with np.errstate(invalid="ignore"):  # what is no whole number shows in the next line
            np.copyto(converted, taken, "unsafe")
        if layer.accepts == "index" and not np.array_equal(converted, taken):
            row = int(np.argwhere(converted != taken)[0, 0])
            expected = f"whole numbers in the columns {places} of {name!r}"
            raise DataError.expected(self.label, expected, f"{taken[row]} in row {row}")
        return converted

    def backward(self, dy: Array) -> Array:
        """Each column's gradient, added up over the layers that got it; 0 where none did."""
        *joined, shape, dtype = self.recall()
        parts = split(self, dy, 1, *joined)
        dx = self.buffer("dx", shape, dtype if dtype.kind == "f" else dy.dtype)
        dx[...] = 0
        for places, layer, part in zip(self._places.values(), self._layers, parts, strict=True):
            given = layer.backward(part)
            if isinstance(places, list):
                for column, place in enumerate(places):  # one may stand in the list twice
                    dx[:, place] += given[:, column]
            else:
                dx[:, places] += given
        return dx

    def backward_parameters(self, dy: Array) -> None:
        """The gradients of the layers' parameters."""
        *joined, _, _ = self.recall()
        for layer, part in zip(self._layers, split(self, dy, 1, *joined), strict=True):
            layer.backward_parameters(part)
