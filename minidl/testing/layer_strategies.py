"""The strategies of layers: what may stand behind samples of a shape, in containers nested to any depth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
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
_MOST_GROUPS = 8
_CONVOLUTIONS = {2: layers.Conv1d, 3: layers.Conv2d}  # by the dimensions of a sample


def seeds() -> st.SearchStrategy[int]:
    """Seeds of generators."""
    return st.integers(0, 2**16)


@dataclass(frozen=True)
class LayerStrategies:
    """Recipes of minidl's layers.

    Attributes
    ----------
    dtype : float32 or float64
    max_features : int >= 1
        Features and channels that a layer gives.
    random : bool
        Whether dropout is among them.
    mixing : bool
        Whether the batch norms are among them, whose samples see each other.
    """

    dtype: npt.DTypeLike
    max_features: int
    random: bool = False
    mixing: bool = False

    @property
    def counts(self) -> st.SearchStrategy[int]:
        """How many features or channels a layer gives."""
        return st.integers(1, self.max_features)

    def any(self, shape: Shape, depth: int) -> Recipes:
        """A layer that takes samples of `shape`, or a container of such, so many levels deep at most."""
        # The kinds that every shape has come first: so a choice means the same when the shape shrinks.
        found = [_named(["ReLU"]), _named(["Flatten"]), self.standardize(shape), self.alike(shape, 0)]
        if depth:
            containers = self.sequential, self.residual, self.add, self.concat
            found += [_when_drawn(container, shape, depth - 1) for container in containers]
        found.append(self.reshape(shape))
        if len(shape) in (1, 2, 3):
            found.append(self.counts.flatmap(lambda count: self.to(shape, count)))
        if len(shape) == 1 and depth:
            found.append(_when_drawn(self.columns, shape, depth - 1))
        if len(shape) == 3:
            found += [self.pool(shape), _named(["GlobalAvgPool2d"]), self.strided(shape)]
        return st.one_of(found)

    def alike(self, shape: Shape, depth: int) -> Recipes:
        """A layer that gives samples of the shape that it takes."""
        found = [_named(_ACTIVATIONS), _named(["Softmax", "LogSoftmax"]), *self.norms(shape)]
        if self.random:
            found.append(seeds().map(lambda seed: Recipe(layers.Dropout, (0.5,), (("rng", seed),))))
        if len(shape) in (1, 2, 3):
            found.append(self.to(shape, shape[0]))
        if depth:
            found.append(_when_drawn(self.plain_residual, shape, depth - 1))
        return st.one_of(found)

    def norms(self, shape: Shape) -> list[Recipes]:
        """The normalizations of more than two numbers.

        For two become -1 and 1, whatever they are: a step, with no slope.
        """
        options, size = (("dtype", self.dtype),), math.prod(shape)
        found = []
        if shape and shape[-1] > 2:
            found.append(st.just(Recipe(layers.LayerNorm, (shape[-1],), options)))
        channels = shape[0] if shape else 0
        fitting = [n for n in range(1, _MOST_GROUPS + 1) if channels % n == 0 and size // n > 2]
        if groups := [Recipe(layers.GroupNorm, (n, channels), options) for n in fitting]:
            found.append(st.sampled_from(groups))
        if self.mixing and len(shape) in (1, 2, 3):
            kind = layers.BatchNorm2d if len(shape) == 3 else layers.BatchNorm1d
            found.append(st.just(Recipe(kind, shape[:1], options)))
        return found

    def to(self, shape: Shape, count: int) -> Recipes:
        """An affine layer to so many features, or a convolution to so many channels."""
        if len(shape) == 1:
            return self._drawn(layers.Affine, (shape[0], count))
        kind = _CONVOLUTIONS[len(shape)]
        narrow = self._drawn(kind, (shape[0], count, 1))
        return narrow | self._drawn(kind, (shape[0], count, 3), ("padding", 1))

    def towards(self, shape: Shape, count: int, depth: int) -> Recipes:
        """As `to`, perhaps behind another layer."""
        pairs = st.tuples(self.alike(shape, depth), self.to(shape, count))
        return self.to(shape, count) | pairs.map(lambda parts: Recipe(layers.Sequential, parts))

    def strided(self, shape: Shape) -> Recipes:
        """A transposed convolution, or one that leaves out every other place."""
        every_other = ("stride", 2), ("padding", 1), ("bias", False)
        return self.counts.flatmap(
            lambda count: st.one_of(
                self._drawn(layers.ConvTranspose2d, (shape[0], count, 2)),
                self._drawn(layers.ConvTranspose2d, (shape[0], count, 2), ("stride", 2)),
                self._drawn(layers.Conv2d, (shape[0], count, 2), *every_other),
            )
        )

    def pool(self, shape: Shape) -> Recipes:
        """The maximum or the mean over windows that fit."""
        window = min(2, *shape[1:])
        return _named(["MaxPool2d", "AvgPool2d"], (window,))

    def reshape(self, shape: Shape) -> Recipes:
        """The same numbers in a row, as one channel, as many of one number, or with the sizes reversed."""
        found = [(-1,), (1, -1), (-1, 1, 1), *([shape[::-1]] if shape else [])]
        return st.sampled_from([Recipe(layers.Reshape, sizes) for sizes in found])

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

    def plain_residual(self, shape: Shape, depth: int) -> Recipes:
        """Layers to whose output the input is added."""
        return _several(self.alike(shape, depth), 1, 2).map(lambda row: Recipe(layers.Residual, row))

    def residual(self, shape: Shape, depth: int) -> Recipes:
        """Layers and a way past them, which may have a layer of its own."""
        plain = self.plain_residual(shape, depth)
        if len(shape) not in (1, 2, 3):
            return plain
        ways = self.counts.flatmap(
            lambda count: st.tuples(self.towards(shape, count, depth), self.to(shape, count))
        )
        return plain | ways.map(lambda way: Recipe(layers.Residual, way[:1], (("shortcut", way[1]),)))

    def add(self, shape: Shape, depth: int) -> Recipes:
        """The sum of branches."""
        found = _several(self.alike(shape, depth), 1, 3)
        if len(shape) in (1, 2, 3):
            found |= self.counts.flatmap(lambda count: _several(self.towards(shape, count, depth), 1, 3))
        return found.map(lambda branches: Recipe(layers.Add, branches))

    def concat(self, shape: Shape, depth: int) -> Recipes:
        """Branches joined along the first axis of a sample, or along its last."""
        alike = self.alike(shape, depth)
        branch = alike
        if len(shape) in (1, 2, 3):
            branch |= self.counts.flatmap(lambda count: self.towards(shape, count, depth))
        found = _several(branch, 1, 3).map(lambda branches: Recipe(layers.Concat, branches))
        if len(shape) > 1:
            last = (("axis", len(shape)),)
            found |= _several(alike, 1, 3).map(lambda branches: Recipe(layers.Concat, branches, last))
        return found

    def columns(self, shape: Shape, depth: int, vocabulary: int = 0) -> Recipes:
        """Some of a row's numbers to each layer; to embeddings, too, where they are indices."""
        one = st.integers(0, shape[0] - 1)
        some: st.SearchStrategy[list[int]] = st.lists(one, min_size=1, max_size=3)

        def behind(places: list[int] | slice) -> st.SearchStrategy[tuple[Any, ...]]:
            taken = len(range(shape[0])[places]) if isinstance(places, slice) else len(places)
            return st.tuples(st.just(places), self.alike((taken,), depth))

        rests = one.map(lambda start: slice(start, None))
        found = st.one_of(some.flatmap(behind), rests.flatmap(behind), st.tuples(one, _named(["Flatten"])))
        if vocabulary:
            found |= st.tuples(one, self.embedding(vocabulary))
            found |= st.tuples(some, self.embedding(vocabulary, ("mode", "mean")))
        groups = st.lists(found, min_size=1, max_size=3).map(
            lambda groups: dict(zip("abc", groups, strict=False))
        )
        return groups.map(lambda columns: Recipe(layers.Columns, (columns,)))

    def embedding(self, vocabulary: int, *options: tuple[str, Any]) -> Recipes:
        """A few numbers for each index, or for each bag of them."""
        return self.counts.flatmap(lambda count: self._drawn(layers.Embedding, (vocabulary, count), *options))

    def of_indices(self, shape: Shape, vocabulary: int, depth: int) -> Recipes:
        """A layer that takes indices below `vocabulary`, or a container of such."""
        found = [self.embedding(vocabulary)]
        if len(shape) == 1:
            found.append(self.embedding(vocabulary, ("mode", "mean")))
            found.append(self.columns(shape, max(depth - 1, 0), vocabulary))
        if depth:
            pairs = self.counts.flatmap(
                lambda count: _several(self._drawn(layers.Embedding, (vocabulary, count)), 2, 2)
            )
            found.append(pairs.map(lambda pair: Recipe(layers.Add, pair)))
            found.append(pairs.map(lambda pair: Recipe(layers.Concat, pair)))
            found.append(pairs.map(lambda pair: Recipe(layers.Residual, pair[:1], (("shortcut", pair[1]),))))
        return st.one_of(found)

    def _drawn(self, make: Callable[..., Any], args: Iterable[Any], *options: tuple[str, Any]) -> Recipes:
        kept = (*options, ("dtype", self.dtype))
        return seeds().map(lambda seed: Recipe(make, tuple(args), (("rng", seed), *kept)))


def output_shape(recipe: Recipe, shape: Shape, dtype: npt.DTypeLike) -> Shape:
    """The shape of what the layer makes of a sample."""
    layer = recipe()
    zeros = np.zeros((1, *shape), np.int64 if layer.accepts == "index" else dtype)
    return tuple(layer.forward(zeros, training=False).shape[1:])


def _several(one: Recipes, least: int, most: int) -> st.SearchStrategy[tuple[Recipe, ...]]:
    return st.lists(one, min_size=least, max_size=most).map(tuple)


def _when_drawn(make: Callable[[Shape, int], Recipes], shape: Shape, depth: int) -> Recipes:
    """The strategy that `make` gives, made when something is drawn of it: most containers never are."""
    return st.just(depth).flatmap(lambda depth: make(shape, depth))


def _named(names: Iterable[str], args: tuple[Any, ...] = ()) -> Recipes:
    return st.sampled_from([Recipe(getattr(layers, name), args) for name in names])
