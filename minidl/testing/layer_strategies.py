"""The strategies of layers: what may stand behind samples of a shape, in containers nested to any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from minidl import layers
from minidl.testing.recipes import Recipe

Shape: TypeAlias = "tuple[int, ...]"
Recipes: TypeAlias = "st.SearchStrategy[Recipe]"

_ACTIVATIONS = ("ReLU", "Tanh", "Sigmoid", "GELU", "SiLU", "Softplus", "ELU", "LeakyReLU")
_LISTED = 6  # numbers of a list that print on one line
_SEEDS = st.integers(0, 2**16)


class LayerStrategies:
    """Recipes of minidl's layers.

    Parameters
    ----------
    dtype : float32 or float64
    max_features : int >= 1
        Features and channels that a layer gives.
    """

    def __init__(self, dtype: npt.DTypeLike, max_features: int) -> None:
        self.dtype = dtype
        self.counts = st.integers(1, max_features)

    def any(self, shape: Shape, depth: int) -> Recipes:
        """A layer that takes samples of `shape`, or a container of such, so many levels deep at most."""
        # The kinds that every shape has come first: so a choice means the same when the shape shrinks.
        found = [_just("ReLU"), _just("Flatten"), self.standardize(shape), self.alike(shape, 0)]
        if depth:
            found += [self.sequential(shape, depth - 1), self.residual(shape, depth - 1)]
            found += [self.add(shape, depth - 1), self.concat(shape, depth - 1)]
        if len(shape) in (1, 3):
            found.append(self.counts.flatmap(lambda count: self.to(shape, count)))
        if len(shape) == 3:
            found += [self.pool(shape), _just("GlobalAvgPool2d"), self.transposed(shape)]
        return st.one_of(found)

    def alike(self, shape: Shape, depth: int) -> Recipes:
        """A layer that gives samples of the shape that it takes."""
        found = [_named(_ACTIVATIONS), _named(["Softmax", "LogSoftmax"])]
        if shape and shape[-1] > 2:  # two numbers become -1 and 1, whatever they are: a step, with no slope
            found.append(st.just(Recipe(layers.LayerNorm, (shape[-1],), (("dtype", self.dtype),))))
        if len(shape) in (1, 3):
            found.append(self.to(shape, shape[0]))
        if depth:
            found.append(self._several(self.alike(shape, depth - 1), 1, 2).map(_residual))
        return st.one_of(found)

    def to(self, shape: Shape, count: int) -> Recipes:
        """An affine layer to so many features, or a convolution of images to so many channels."""
        if len(shape) == 1:
            return self._drawn(layers.Affine, (shape[0], count))
        narrow = self._drawn(layers.Conv2d, (shape[0], count, 1))
        return narrow | self._drawn(layers.Conv2d, (shape[0], count, 3), ("padding", 1))

    def towards(self, shape: Shape, count: int, depth: int) -> Recipes:
        """As `to`, perhaps behind another layer."""
        pairs = st.tuples(self.alike(shape, depth), self.to(shape, count))
        return self.to(shape, count) | pairs.map(lambda parts: Recipe(layers.Sequential, parts))

    def transposed(self, shape: Shape) -> Recipes:
        """A transposed convolution."""
        strides = st.integers(1, 2)
        return st.tuples(self.counts, strides).flatmap(
            lambda drawn: self._drawn(layers.ConvTranspose2d, (shape[0], drawn[0], 2), ("stride", drawn[1]))
        )

    def pool(self, shape: Shape) -> Recipes:
        """The maximum or the mean over windows that fit."""
        window = min(2, *shape[1:])
        return _named(["MaxPool2d", "AvgPool2d"], (window,))

    def standardize(self, shape: Shape) -> Recipes:
        """Constants for all numbers, or for each of a short row."""
        means, scales = st.sampled_from([0.0, 0.5, -3.0]), st.sampled_from([1.0, 0.5, 3.0])
        found = st.tuples(means, scales)
        if len(shape) == 1 and shape[0] <= _LISTED:
            rows = (st.lists(each, min_size=shape[0], max_size=shape[0]) for each in (means, scales))
            found |= st.tuples(*rows)
        return found.map(lambda drawn: Recipe(layers.Standardize, drawn, (("dtype", self.dtype),)))

    def sequential(self, shape: Shape, depth: int) -> Recipes:
        """A few layers one after the other."""

        @st.composite
        def row(draw: st.DrawFn) -> Recipe:
            parts, given = [], shape
            for _ in range(draw(st.integers(1, 3))):
                parts.append(draw(self.any(given, depth)))
                given = output_shape(parts[-1], given, self.dtype)
            return Recipe(layers.Sequential, tuple(parts))

        return row()

    def residual(self, shape: Shape, depth: int) -> Recipes:
        """Layers and a way past them: the input itself, or a layer of its own."""
        plain = self._several(self.alike(shape, depth), 1, 2).map(_residual)
        if len(shape) not in (1, 3):
            return plain
        ways = self.counts.flatmap(
            lambda count: st.tuples(self.towards(shape, count, depth), self.to(shape, count))
        )
        return plain | ways.map(lambda way: Recipe(layers.Residual, way[:1], (("shortcut", way[1]),)))

    def add(self, shape: Shape, depth: int) -> Recipes:
        """The sum of branches."""
        found = self._several(self.alike(shape, depth), 1, 3)
        if len(shape) in (1, 3):
            found |= self.counts.flatmap(lambda count: self._several(self.towards(shape, count, depth), 1, 3))
        return found.map(lambda branches: Recipe(layers.Add, branches))

    def concat(self, shape: Shape, depth: int) -> Recipes:
        """Branches joined along the first axis of a sample."""
        branch = self.alike(shape, depth)
        if len(shape) in (1, 3):
            branch |= self.counts.flatmap(lambda count: self.towards(shape, count, depth))
        return self._several(branch, 1, 3).map(lambda branches: Recipe(layers.Concat, branches))

    def _several(self, one: Recipes, least: int, most: int) -> st.SearchStrategy[tuple[Recipe, ...]]:
        return st.lists(one, min_size=least, max_size=most).map(tuple)

    def _drawn(self, make: Callable[..., Any], args: Iterable[Any], *options: tuple[str, Any]) -> Recipes:
        return _SEEDS.map(
            lambda seed: Recipe(make, tuple(args), (*options, ("rng", seed), ("dtype", self.dtype)))
        )


def output_shape(recipe: Recipe, shape: Shape, dtype: npt.DTypeLike) -> Shape:
    """The shape of what the layer makes of a sample."""
    outputs = recipe().forward(np.zeros((1, *shape), dtype), training=False)
    return tuple(outputs.shape[1:])


def _residual(row: tuple[Recipe, ...]) -> Recipe:
    return Recipe(layers.Residual, row)


def _just(name: str) -> Recipes:
    return st.just(Recipe(getattr(layers, name)))


def _named(names: Iterable[str], args: tuple[Any, ...] = ()) -> Recipes:
    return st.sampled_from([Recipe(getattr(layers, name), args) for name in names])
