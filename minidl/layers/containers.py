"""Containers: layers made of layers, first of all the net."""

from __future__ import annotations

import math
from collections.abc import Iterator

from minidl.advice import shown
from minidl.errors import MissingPartError
from minidl.inspection import common_dtype
from minidl.layers.fusing import fused
from minidl.layers.layer import Layer
from minidl.layers.parts import Part, add_layers, as_given
from minidl.layers.shapes import Shape, fixed_shape, shape_through, shapes_along
from minidl.losses.loss import Loss
from minidl.module import Module
from minidl.net import Net
from minidl.types import Array


class Sequential(Net, Layer):
    """Layers one after the other; with a `Loss` at the end, a net that can be trained.

    Parameters
    ----------
    *parts : Layer, Loss, or (name, layer)
        Unnamed layers are numbered per type, so that the parameters read ``affine0.weight``. A
        `Loss` may stand last; it is ``net.head``, and with it the net is packed there and then.

    Raises
    ------
    StructureError
        For a loss in the middle, an instance used twice, a name used twice, no layer at all.
    DTypeError
        For layers of different dtypes.
    ShapeError
        A layer does not take what the one before it gives, as far as the layers can tell.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> from minidl import Affine, ReLU, SoftmaxCrossEntropy
    >>> net = Sequential(Affine(4, 8, rng=rng), ReLU(), Affine(8, 3, rng=rng), SoftmaxCrossEntropy())
    >>> net(np.ones((2, 4))).shape
    (2, 3)
    >>> list(net.parameters)
    ['affine0.weight', 'affine0.bias', 'affine1.weight', 'affine1.bias']
    """

    def __init__(self, *parts: Part | Loss) -> None:
        head = parts[-1] if parts and isinstance(parts[-1], Loss) else None
        layers = parts[:-1] if head else parts
        self.layers = add_layers(self, layers, "layers, and a loss at the very end only")
        self.head = head
        self.accepts, self.dtype = self.layers[0].accepts, common_dtype(self)
        self.accepts_sparse, self.sample_shape = self.layers[0].accepts_sparse, fixed_shape(self.layers[:1])
        shape_through(self.layers, None)
        self._fused = fused(self.layers)
        self._planned_for: tuple[slice, ...] | None = None  # what trained when `_plan` was last asked
        if self.head:
            self.pack()

    @property
    def parts(self) -> tuple[Part | Loss, ...]:
        """The layers and the loss; those whose names are not their numbers as (name, layer)."""
        layers = as_given(self, self.layers)
        return (*layers, self.head) if self.head else layers

    # ---------------------------------------------------------------- as any layer

    def forward(self, x: Array, *, training: bool) -> Array:
        """The scores: each layer's forward in turn. Strict about dtype; the head takes no part."""
        for layer in self._fused:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dy: Array) -> Array:
        """Each layer's backward in reverse turn; fills the gradients and returns the input's."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def backward_parameters(self, dy: Array) -> None:
        """The parameters' gradients only: work that would serve the input's alone is left out."""
        vectors = self._vectors
        if vectors is None or vectors[0].trainable is not self._planned_for:
            self._plan()
        for layer in self._behind:
            dy = layer.backward(dy)
        for layer in self._first:
            layer.backward_parameters(dy)
        for layer in self._before:
            layer.forget()

    def _plan(self) -> None:
        """Split the layers at the first one that trains: nobody asks for gradients before it."""
        trains = [any(not p.frozen for _, p in layer.named_parameters()) for layer in self.layers]
        first = trains.index(True) if True in trains else len(trains)
        self._before, self._first = self.layers[:first], self.layers[first : first + 1]
        self._behind = self.layers[:first:-1]
        self._planned_for = self._vectors[0].trainable if self._vectors else None

    def ways(self) -> tuple[tuple[Module, ...], ...]:
        """The layers, and the loss behind them."""
        return ((*self.layers, self.head) if self.head else self.layers,)

    def output_shape(self, sample_shape: Shape) -> Shape:
        """That of the last layer, from that of each before it."""
        return list(shapes_along(self.layers, sample_shape))[-1]

    def widest(self, sample_shape: Shape) -> int:
        """How many numbers a sample takes where it takes most, between two of the layers."""
        return max(map(math.prod, shapes_along(self.layers, sample_shape)))

    def innermost(self) -> Iterator[Module]:
        """The layers one after the other, those inside a nested Sequential in its place."""
        for layer in self.layers:
            yield from layer.innermost() if isinstance(layer, Sequential) else (layer,)

    # ---------------------------------------------------------------- as a list

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, key: int | str) -> Layer | Loss:
        """The part at a position or of a name: ``net[0]``, ``net["affine0"]``, ``net["head"]``."""
        parts = dict(self.children())
        if isinstance(key, str) and key in parts:
            return parts[key]  # type: ignore[return-value]
        try:
            return self.layers[key]  # type: ignore[index]
        except (IndexError, TypeError):
            there = ", ".join(parts)
            raise MissingPartError(f"{self.label}: no layer {shown(key)}; there are {there}") from None
