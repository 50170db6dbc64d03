"""Strategies of correct things of all kinds, each with the check that it must pass."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minidl import Affine, Sequential, SoftmaxCrossEntropy
from minidl.layers import (
    ELU,
    GELU,
    Dropout,
    LeakyReLU,
    LogSoftmax,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minidl.losses import MeanSquaredError
from minidl.optimizers import AdamW
from minidl.testing import check_layer, check_loss, check_net, check_optimizer, check_scheduler
from minidl.testing import strategies as own
from minidl.testing.recipes import Recipe
from tests.mutants import bases
from tests.testing import correct
from tests.testing.textbook import TEXTBOOK

DTYPE = ("dtype", np.float64)


@dataclass(frozen=True)
class Subject:
    """A recipe, and how to check what it builds."""

    checker: Callable[..., Any]
    recipe: Recipe
    given: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def check(self):
        """The report; raises if a clause fails."""
        named = self.checker in (check_layer, check_net)
        return self.checker(self.recipe.factory if named else self.recipe, *self.given, **self.options)


def _plain(shape):
    """Layers that keep the shape."""
    kinds = [
        Recipe(make)
        for make in (
            ELU,
            GELU,
            LeakyReLU,
            LogSoftmax,
            Sigmoid,
            SiLU,
            Softmax,
            Softplus,
            Tanh,
        )
    ]
    kinds += [Recipe(make, (buffered,)) for make in TEXTBOOK for buffered in (False, True)]
    kinds += [Recipe(correct.Scale, (), (DTYPE,)), Recipe(correct.LayerNorm, (shape[-1],), (DTYPE,))]
    if len(shape) == 1:
        kinds.append(Recipe(bases.Gain, (shape[0],), (DTYPE,)))
    return st.sampled_from(kinds)


@st.composite
def _keeping(draw, shape, *, random=True, mixing=True, depth=1):
    """A recipe of a layer that keeps the shape, and whether its samples are independent."""
    kind = draw(st.integers(0, 5 if depth else 2))
    seed = ("rng", draw(own.seeds()))
    if kind == 1 and random:
        return Recipe(Dropout, (draw(st.sampled_from([0.1, 0.5, 0.8])),), (seed,)), True
    if kind == 2 and len(shape) == 1:
        if mixing and draw(st.booleans()):
            return Recipe(correct.BatchNorm, (shape[0],), (DTYPE,)), False
        return Recipe(Affine, (shape[0], shape[0]), (seed, DTYPE)), True
    if kind == 3:
        inner, alone = draw(_keeping(shape, random=random, mixing=mixing, depth=depth - 1))
        return Recipe(correct.Residual, (inner,)), alone
    if kind in (4, 5):
        options = {"random": random, "mixing": mixing, "depth": depth - 1}
        (first, one), (second, two) = draw(_keeping(shape, **options)), draw(_keeping(shape, **options))
        wide = Recipe(bases.Gate if draw(st.booleans()) else Sequential, (first, second))
        return wide, one and two
    return draw(_plain(shape)), True


@st.composite
def _changing(draw):
    """A recipe of a layer that changes the shape, and the shape that it takes."""
    seed = ("rng", draw(own.seeds()))
    sides = st.integers(1, 4)
    shape = (draw(sides), draw(sides))
    kind = draw(st.integers(0, 4))
    if kind < 3:
        return Recipe((correct.MaxPool, bases.MeanPool, bases.Swap)[kind]), shape
    if kind == 3:
        taps = draw(st.integers(1, 3))
        return Recipe(bases.Correlate, (taps,), (seed, DTYPE)), (taps + shape[0],)
    first = Recipe(correct.Linear, shape, (seed, DTYPE))
    second = Recipe(Affine, (shape[0], draw(sides)), (("rng", draw(own.seeds())), DTYPE))
    return Recipe(bases.Concat, (first, second)), shape[:1]


@st.composite
def layers(draw):
    """A correct layer of minidl, of the tests, or of several of them."""
    options = {"rng": draw(own.seeds()), "batch": draw(st.integers(1, 7))}
    kind = draw(st.integers(0, 4))
    if kind == 0:
        shape = draw(own.shapes())
        recipe = draw(own.layers(shape))
    elif kind == 1:
        recipe, shape = draw(_changing())
    else:
        shape = draw(own.shapes(max_dims=1 if kind < 4 else 2))
        recipe, options["batch_independent"] = draw(_keeping(shape))
    return Subject(check_layer, recipe, (shape,), options)


@st.composite
def nets(draw):
    """A net of minidl's layers and the tests', and its body as a layer."""
    recipe = draw(own.nets(extra=lambda shape: _keeping(shape, mixing=False).map(lambda pair: pair[0])))
    seed = draw(own.seeds())
    if draw(st.booleans()):
        return Subject(check_layer, recipe, (recipe.input_shape,), {"rng": seed})
    given = {"rng": seed}
    if draw(st.booleans()):
        recipe = replace(recipe, args=(*recipe.args[:-1], Recipe(MeanSquaredError)))
        given["make_targets"] = vectors
    return Subject(check_net, recipe, (recipe.input_shape, recipe.num_classes), given)


def vectors(rng, batch, classes):
    """Targets for a squared error."""
    return rng.standard_normal((batch, classes))


@st.composite
def losses(draw):
    """A loss, of a few classes or many, or of as many numbers."""
    classes = draw(st.integers(2, 12))
    given = {"rng": draw(own.seeds())}
    if draw(st.integers(0, 2)):
        make = draw(st.sampled_from([SoftmaxCrossEntropy, bases.CrossEntropy, bases.Hinge]))
        weights = draw(st.none() | st.lists(st.sampled_from([1.0, 0.0, 0.3, 5.0]), min_size=1, max_size=3))
        if weights:
            weights = [1.0, *(weights * classes)][:classes]
        return Subject(check_loss, Recipe(make, (), (("class_weights", weights),)), (classes,), given)
    make = draw(st.sampled_from([MeanSquaredError, correct.SquaredError]))
    return Subject(check_loss, Recipe(make), (classes,), given | {"make_targets": vectors})


def optimizers():
    """An optimizer."""
    rates = st.sampled_from([0.1, 0.03, 0.01, 0.001])
    drawn = st.one_of(
        own.optimizers(),
        st.builds(lambda lr: Recipe(correct.Adam, (lr,)), rates),
        st.builds(lambda lr, m: Recipe(bases.Momentum, (lr, m)), rates, st.sampled_from([0.0, 0.5, 0.9])),
    )
    return st.builds(_optimizer, drawn, own.seeds())


def _optimizer(recipe, seed):
    decays = {"skip": ["zero_gradient"]} if recipe.make is AdamW else {}
    return Subject(check_optimizer, recipe, (), {"rng": seed, **decays})


def schedulers():
    """A schedule."""
    warm = st.builds(
        lambda warm, more: Recipe(correct.WarmCosine, (warm, warm + more)),
        st.integers(1, 50),
        st.integers(1, 400),
    )
    return st.one_of(own.schedules(), warm).map(lambda recipe: Subject(check_scheduler, recipe))


def subjects():
    """Anything correct; layers and nets more often than the rest."""
    return st.one_of(layers(), layers(), nets(), losses(), optimizers(), schedulers())
