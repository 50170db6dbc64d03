"""Hypothesis strategies: shapes, batches, labels, layers, whole nets, optimizers and schedules.

They draw shapes and seeds, never whole arrays, and what they draw prints as code: a failing
example shrinks to the smallest net that fails, which can be pasted into a program. Needs the
extra ``testing``; no other module of minidl imports Hypothesis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from minidl.checks import check_int, check_kind, check_sizes
from minidl.errors import ConfigurationError, MissingExtraError
from minidl.layers import Flatten, Sequential
from minidl.losses import SoftmaxCrossEntropy
from minidl.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from minidl.schedulers import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    LinearWarmup,
    OneCycle,
    PiecewiseConstant,
    PolynomialDecay,
    Scheduler,
    StepDecay,
)
from minidl.testing.recipes import Batch, Labels, NetRecipe, Recipe

try:
    from hypothesis import settings
    from hypothesis import strategies as st

    from minidl.testing.layer_strategies import LayerStrategies, Shape, output_shape, seeds
except ImportError as error:
    raise MissingExtraError.for_extra("minidl.testing.strategies", "hypothesis", "testing") from error

_DEEPEST = 9

PROFILES = {"dev": 10, "ci": 100, "nightly": 2000}
"""Examples of each test, by profile."""


def register_profiles() -> None:
    """Register the profiles ``dev``, ``ci`` and ``nightly``; load one with ``settings.load_profile``.

    ``dev`` and ``ci`` draw the same examples every time, ``nightly`` ever new ones.
    """
    for name, examples in PROFILES.items():
        settings.register_profile(
            name, max_examples=examples, deadline=None, derandomize=name != "nightly", print_blob=True
        )


def shapes(*, min_dims: int = 1, max_dims: int = 3, max_side: int = 4) -> st.SearchStrategy[Shape]:
    """One sample's shape, every side at least 1."""
    return st.lists(st.integers(1, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def batches(draw: st.DrawFn, shape: Shape | None = None, *, min_batch: int = 1, max_batch: int = 6) -> Batch:
    """A batch of samples of `shape`, or of a shape that is drawn as well."""
    sample = draw(shapes()) if shape is None else shape
    return Batch((draw(st.integers(min_batch, max_batch)), *sample), draw(seeds()))


@st.composite
def labels(draw: st.DrawFn, size: int, num_classes: int) -> Labels:
    """Labels for `size` samples."""
    return Labels(size, num_classes, draw(seeds()))


def layers(
    shape: Shape,
    *,
    dtype: npt.DTypeLike = np.float64,
    max_features: int = 4,
    nested: int = 1,
    random: bool = False,
    mixing: bool = False,
) -> st.SearchStrategy[Recipe]:
    """A layer of minidl that takes samples of `shape`, or containers of such, `nested` levels deep at most.

    By default, what a layer gives in training is the same function of each sample alone.

    Parameters
    ----------
    random : bool
        Whether dropout is among them.
    mixing : bool
        Whether the batch norms are among them. They take batches of two samples or more; of two they make
        -1 and 1, whatever they are, so that gradients are better checked with more.
    """
    shape = check_sizes("layers", "shape", shape, at_least=1)
    _check_nested("layers", nested)
    return LayerStrategies(dtype, max_features, random, mixing).any(shape, nested)


def _check_nested(where: str, nested: int) -> None:
    if check_int(where, "nested", nested, at_least=0) > _DEEPEST:
        raise ConfigurationError.expected(where, f"nested to be at most {_DEEPEST}", nested)


@st.composite
def nets(
    draw: st.DrawFn,
    *,
    dtype: npt.DTypeLike = np.float64,
    max_layers: int = 4,
    max_features: int = 4,
    max_classes: int = 4,
    nested: int = 1,
    random: bool = False,
    mixing: bool = False,
    indices: bool = False,
    extra: Callable[[Shape], st.SearchStrategy[Recipe]] | None = None,
) -> NetRecipe:
    """A net that ends with a softmax loss; the smallest is one affine layer of two classes.

    Parameters
    ----------
    nested : int >= 0
        How deep containers may stand in one another.
    random, mixing : bool
        As in `layers`.
    indices : bool
        Whether some nets begin with embeddings and take whole numbers; ``net.make_input`` draws what fits.
    extra : callable ``shape -> strategy``, optional
        Recipes of layers of your own that take samples of `shape`, to stand among minidl's.
    """
    _check_nested("nets", nested)
    drawn = LayerStrategies(dtype, max_features, random, mixing)
    input_shape = draw(shapes(max_dims=3, max_side=3))
    vocabulary = draw(st.sampled_from([0, 0, 0, 2, 5])) if indices else 0
    shape, parts = input_shape, []
    if vocabulary:
        parts.append(draw(drawn.of_indices(shape, vocabulary, nested)))
        shape = output_shape(parts[-1], shape, dtype)
    for _ in range(draw(st.integers(0, max_layers))):
        kinds = [drawn.any(shape, nested)]
        kinds += [extra(shape)] if extra else []
        part = draw(st.one_of(kinds))
        parts.append(part)
        shape = output_shape(part, shape, dtype)
    if len(shape) > 1:
        parts.append(Recipe(Flatten))
        shape = (math.prod(shape),)
    num_classes = draw(st.integers(2, max_classes))
    parts.append(draw(drawn.to(shape, num_classes)))
    parts.append(Recipe(SoftmaxCrossEntropy))
    return NetRecipe(Sequential, tuple(parts), (), input_shape, num_classes, vocabulary)


@st.composite
def optimizers(draw: st.DrawFn) -> Recipe:
    """An optimizer of minidl, with a rate that suits a well-scaled problem."""
    kind = draw(st.sampled_from([SGD, RMSprop, Adagrad, Adam, AdamW]))
    rate = draw(st.sampled_from([0.1, 0.01, 0.001, 0.3]))
    options: list[tuple[str, Any]] = []
    if kind in (SGD, RMSprop):
        momentum = draw(st.sampled_from([0.0, 0.5, 0.9]))
        options += [("momentum", momentum)] if momentum else []
        if kind is SGD and momentum and draw(st.booleans()):
            options.append(("nesterov", True))
    elif kind is Adagrad:
        options += [("lr_decay", 0.01)] if draw(st.booleans()) else []
    elif draw(st.booleans()):
        options.append(("betas", (0.5, 0.9)))
    return Recipe(kind, (rate,), tuple(options))


def schedules() -> st.SearchStrategy[Recipe]:
    """A scheduler of minidl, or the product of two."""
    gammas, periods = st.sampled_from([0.5, 0.95, 1.0, 0.1]), st.integers(1, 10)
    decays = st.builds(lambda gamma, every: Recipe(StepDecay, (gamma,), (("every", every),)), gammas, periods)
    constants = st.sampled_from([1.0, 0.5, 0.0, 2.0]).map(lambda value: Recipe(Constant, (value,)))
    spans = st.tuples(st.sampled_from(["epochs", "steps"]), st.integers(1, 100))
    starts = st.sampled_from([(LinearWarmup,), (OneCycle,), (CosineDecay,), (PolynomialDecay, 2.0)])
    timed = st.builds(lambda start, span: Recipe(start[0], start[1:], (span,)), starts, spans)
    smooth = st.builds(lambda gamma, span: Recipe(ExponentialDecay, (gamma,), (span,)), gammas, spans)
    pieces = st.builds(lambda gamma, span: Recipe(PiecewiseConstant, ([1.0, gamma],), (span,)), gammas, spans)
    single = st.one_of(constants, decays, timed, smooth, pieces)
    return st.one_of(single, st.tuples(single, single).map(lambda pair: Recipe(product, pair)))


def product(first: Any, second: Any) -> Any:
    """``first * second``."""
    for name, part in (("first", first), ("second", second)):
        check_kind("product", name, part, Scheduler)
    return first * second
