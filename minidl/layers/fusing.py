"""Neighbouring layers that a Sequential computes in one pass over the memory, where both are plain ones."""

from __future__ import annotations

from collections.abc import Sequence

from minidl.kernels.linear import affine_relu
from minidl.layers.activations import ReLU
from minidl.layers.affine import Affine
from minidl.layers.layer import Layer
from minidl.types import Array

_FORWARDS = Affine.forward, ReLU.forward


class AffineReLU:
    """An `Affine` and the `ReLU` behind it: the same forward as theirs, in one pass.

    Both keep what their backwards need. Whatever is unusual they do one after the other: a batch that they
    refuse, and a forward that somebody has put in the place of theirs, to look at what they give.
    """

    def __init__(self, affine: Affine, relu: ReLU) -> None:
        self.affine, self.relu = affine, relu

    def forward(self, x: Array, *, training: bool) -> Array:
        """``max(x @ weight + bias, 0)``."""
        affine, relu = self.affine, self.relu
        own = "forward" not in affine.__dict__ and "forward" not in relu.__dict__
        if (
            not own
            or (Affine.forward, ReLU.forward) != _FORWARDS
            or x.dtype is not affine.dtype
            or x.ndim != 2
            or x.shape[1] != affine.in_features
        ):
            return relu.forward(affine.forward(x, training=training), training=training)
        if not training:
            return affine_relu(x, affine.weight.value, affine.bias.value)
        y = relu.buffer("y", (len(x), affine.out_features), affine.dtype)
        affine_relu(x, affine.weight.value, affine.bias.value, y)
        affine.remember(x)
        relu.remember(y)
        return y


def fused(layers: Sequence[Layer]) -> tuple[Layer | AffineReLU, ...]:
    """The layers in their order, with pairs that have a common forward in the place of both.

    Layers of classes derived from these are their users' own, and are left alone.
    """
    found: list[Layer | AffineReLU] = []
    for layer in layers:
        before = found[-1] if found else None
        if type(layer) is ReLU and type(before) is Affine:
            found[-1] = AffineReLU(before, layer)
        else:
            found.append(layer)
    return tuple(found)
