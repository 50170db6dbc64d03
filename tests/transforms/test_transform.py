import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DTypeError, ShapeError
from minidl.transforms import Chain, GaussianNoise, MixUp, RandomCrop, RandomErase, RandomFlip, Transform
from minidl.transforms.transform import apply, check_transform
from tests.transforms.drawing import DTYPES, SEEDS, draw_features

ALL = [RandomCrop(1), RandomFlip(), RandomErase(), GaussianNoise(2), MixUp(0.4)]
SOME = st.sampled_from(ALL)


class Apart(Transform):
    """One of a user's own, with a function that says what it makes."""

    def __init__(self, make):
        self.make = make

    def __call__(self, features, targets, rng):
        return self.make(features, targets)


@given(SOME, SOME, SOME, st.sampled_from(DTYPES), SEEDS)
def test_chains_associate(a, b, c, dtype, seed):
    images, numbers = draw_features((4, 3, 5), dtype, seed), np.linspace(0, 1, 4)
    one, other = (a | b) | c, a | (b | c)
    assert one == other == Chain(a, b, c) == Chain(Chain(a), b | c)
    assert hash(one) == hash(other)
    assert one.transforms == (a, b, c)
    results = [one(images, numbers, seed), other(images, numbers, seed)]
    rng = np.random.default_rng(seed)
    results.append(c(*b(*a(images, numbers, rng), rng), rng))  # one generator for all, in order
    for result in results[1:]:
        np.testing.assert_array_equal(result[0], results[0][0], strict=True)
        np.testing.assert_array_equal(result[1], results[0][1], strict=True)


@pytest.mark.parametrize("transform", [*ALL, ALL[0] | ALL[1]], ids=repr)
def test_equality_and_repr_follow_the_arguments(transform):
    assert eval(repr(transform)) == transform
    assert pickle.loads(pickle.dumps(transform)) == copy.deepcopy(transform) == transform
    assert transform != "transform"


def test_what_differs_is_unequal():
    different = [*ALL, RandomCrop(2), RandomFlip(axis=-2), RandomFlip(0.4), GaussianNoise(1), MixUp(1)]
    different += [RandomErase(value=1), ALL[0] | ALL[1], ALL[1] | ALL[0], Chain(ALL[0])]
    for index, one in enumerate(different):
        assert [one == other for other in different].index(True) == index
    assert repr(ALL[0] | ALL[1]) == "RandomCrop(padding=1) | RandomFlip(p=0.5, axis=-1)"


class Shifted(Transform):
    """One whose arguments are arrays."""

    def __init__(self, by, **more):
        self.by = np.asarray(by)
        vars(self).update(more)

    def __call__(self, features, targets, rng):
        return features + self.by, targets


def test_arguments_may_be_arrays():
    assert Shifted([1, 2]) == Shifted([1, 2]) != Shifted([1, 3])
    assert Shifted([1, 2]) != Shifted([1, 2, 3])
    assert Shifted(1, a=1) != Shifted(1)
    assert Shifted(1, a=1) != Shifted(1, b=1)
    assert Shifted(1, a=1, b=2) == Shifted(1, b=2, a=1) != Shifted(1, b=1, a=2)
    chain = Shifted(1) | RandomFlip()
    assert chain == copy.deepcopy(chain)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda x, y: None, ShapeError, r"a pair \(features, targets\) from a transform, got None"),
        (lambda x, y: x, ShapeError, "a pair"),
        (lambda x, y: (x, y, x), ShapeError, "a pair"),
        (lambda x, y: (x[:-1], y[:-1]), ShapeError, r"features of shape \(4, 3, 5\) .*, got \(3, 3, 5\)"),
        (lambda x, y: (x[..., None], y), ShapeError, r"features of shape .* got \(4, 3, 5, 1\)"),
        (lambda x, y: (x * 1.5, y), DTypeError, "features of dtype uint8 .* got float64; convert"),
        (lambda x, y: (x.tolist(), y), DTypeError, "an array of features"),
        (lambda x, y: (x, y[:, None]), ShapeError, r"targets of shape \(4,\)"),
        (lambda x, y: (x, y.astype(float)), DTypeError, "targets of dtype int64 .* got float64"),
    ],
)
def test_what_is_made_must_have_the_shape_and_dtype_of_what_was_given(make, error, words):
    features, labels = np.ones((4, 3, 5), np.uint8), np.arange(4)
    for call in (lambda one: apply(one, features, labels, np.random.default_rng(0)), lambda one: (
        RandomFlip() | one | RandomFlip())(features, labels, 0)):  # fmt: skip
        with pytest.raises(error, match=f"Apart: expected {words}"):
            call(Apart(make))


def test_what_is_given_cannot_be_written_to():
    def darken(features, targets):
        features //= 2
        return features, targets

    features = np.ones((4, 3), np.uint8)
    with pytest.raises(ValueError, match="read-only"):
        apply(Apart(darken), features, np.arange(4), np.random.default_rng(0))
    assert features.flags.writeable
    assert (features == 1).all()


def test_a_chain_is_of_transforms():
    for wrong in ((), (RandomFlip(), np.flip), (RandomFlip,)):
        with pytest.raises(ConfigurationError, match="Chain: expected"):
            Chain(*wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ([RandomCrop(1), RandomFlip()], r"join transforms by \|: RandomCrop\(4\) \| RandomFlip\(\)"),
        (RandomFlip, r"give an object, RandomFlip\(...\), not the class"),
        ("flip", r"RandomFlip\(\), or minidl.recipes.augmentation\('flip'\)"),
        (np.flip, "give one of minidl.transforms"),
    ],
)
def test_what_is_no_transform_is_told_how_to_become_one(wrong, words):
    for join in (
        lambda: check_transform("fit", wrong),
        lambda: MixUp(0.2) | wrong,
        lambda: wrong | MixUp(0.2),
    ):
        with pytest.raises(ConfigurationError, match=f"expected transform .*{words}"):
            join()
