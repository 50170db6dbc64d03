import dataclasses
import inspect

import pytest

from minidl import initializers, layers, losses
from minidl.errors import CheckpointError
from minidl.module import Module
from minidl.storage.grammar import Named
from minidl.storage.registry import check_fits, find, kind_of, known, name_of

ROOMS = initializers, layers, losses
OFFERED = [name for room in ROOMS for name in room.__all__]


def test_what_is_offered_and_no_base_is_what_a_file_may_name():
    assert len(set(OFFERED)) == len(OFFERED)
    for name in OFFERED:
        thing = next(getattr(room, name) for room in ROOMS if name in room.__all__)
        if name in ("Layer", "Loss"):
            assert known(name) is kind_of(thing) is None
            continue
        assert known(name) is thing
        assert name_of(thing) == name
        if isinstance(thing, type):
            kind = "module" if issubclass(thing, Module) else "call"
            assert kind == "module" or dataclasses.is_dataclass(thing)
        else:
            assert inspect.isfunction(thing)
            kind = "function"
        assert kind_of(thing) == kind


@pytest.mark.parametrize("room", ROOMS)
def test_nothing_else_of_these_modules_can_be_named(room):
    foreign = {*vars(room), *dir(room), *vars(object), "lazy", "Module"} - set(OFFERED)
    assert {"__name__", "TYPE_CHECKING", "__init__"} <= foreign
    assert not [name for name in foreign if known(name) is not None]


def test_a_class_of_minidls_name_is_named_apart():
    own = type("Affine", (layers.Affine,), {})
    assert name_of(own) == "custom Affine"
    assert find("custom Affine", {"Affine": own}) is own
    assert find("Affine", {"Affine": own}) is layers.Affine
    assert find("custom Affine", {}) is None
    assert find("custom ", {"": own}) is find("", {"": own}) is None


@dataclasses.dataclass
class Draw:
    std: float

    def __call__(self, rng, shape, dtype):
        pytest.fail("called")


def own_function(*arguments, **options):
    pytest.fail("called")


CUSTOM = {"Draw": Draw, "own_function": own_function, "Own": type("Own", (layers.ReLU,), {}), "number": 3}
AFFINE = Named("module", "Affine", (), None, "", 1)
OWN = Named("module", "custom Own", (), None, "", 1)


@pytest.mark.parametrize(
    ("kind", "name", "owner", "place"),
    [
        ("module", "custom Own", None, ""),
        ("call", "custom Draw", AFFINE, "initializer"),
        ("function", "custom own_function", AFFINE, "initializer"),
        ("function", "custom Own", AFFINE, "initializer"),
        ("function", "zeros", AFFINE, "initializer"),
        ("call", "normal", OWN, "anything"),
        ("function", "ReLU", OWN, ""),
    ],
)
def test_what_fits(kind, name, owner, place):
    check_fits(Named(kind, name, (), owner, place, 1), CUSTOM)


@pytest.mark.parametrize(
    ("kind", "name", "owner", "place", "message"),
    [
        ("module", "custom Draw", None, "", "'custom Draw' to be a layer or a loss"),
        ("module", "custom own_function", None, "", "to be a layer or a loss"),
        ("module", "he_normal", None, "", "'he_normal' to be a layer or a loss"),
        ("module", "custom number", None, "", "to be a layer or a loss"),
        ("call", "custom Own", None, "", "to be an initializer with arguments"),
        ("call", "custom own_function", None, "", "to be an initializer with arguments"),
        ("call", "Affine", None, "", "to be an initializer with arguments"),
        ("function", "ReLU", AFFINE, "initializer", "'ReLU' to be a function"),
        ("function", "custom number", OWN, "", "to be a function"),
        ("function", "zeros", AFFINE, "in_features", "functions in Affine as its initializer alone"),
        ("function", "custom own_function", AFFINE, "", "functions in Affine as its initializer alone, got"),
        ("call", "custom Draw", AFFINE, "dtype", "functions in Affine as its initializer alone"),
    ],
)  # fmt: skip
def test_what_does_not_fit(kind, name, owner, place, message):
    with pytest.raises(CheckpointError, match=f"description: expected .*{message}"):
        check_fits(Named(kind, name, (), owner, place, 1), CUSTOM)


def test_classes_of_minidl_take_their_own_arguments_alone():
    for arguments in (("in_features",), ("out_features", "initializer")):
        check_fits(AFFINE._replace(arguments=arguments), {})
    for foreign in ("rng", "self", "*parts", "weight"):
        with pytest.raises(CheckpointError, match=r"Affine with in_features, .*initializer, got"):
            check_fits(AFFINE._replace(arguments=("in_features", foreign)), {})
    check_fits(OWN._replace(arguments=("whatever",)), CUSTOM)
