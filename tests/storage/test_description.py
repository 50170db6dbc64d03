import inspect
import json
import math
import re
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import Affine, Layer, Parameter, ReLU, Sequential, initializers, layers, losses
from minidl.errors import CheckpointError, MinidlError
from minidl.initializers import normal, ones, zeros
from minidl.module import Module
from minidl.storage import grammar
from minidl.storage.description import build, check_known, describe
from minidl.storage.grammar import MOST_DEEP
from minidl.storage.room import room
from tests.deep import deep

OFFERED = {name: getattr(home, name) for home in (layers, losses, initializers) for name in home.__all__}


class Own(Layer):
    """Keeps whatever it is given."""

    def __init__(self, *things, **options):
        self.things, self.options = things, options

    def forward(self, x, *, training):
        return x

    def backward(self, dy):
        return dy


class Sized(Own):
    """Has a parameter of the shape that it is told."""

    def __init__(self, shape, initializer=zeros):
        self.shape, self.initializer = shape, initializer
        self.weight = Parameter(tuple(shape), initializer)


def never(rng, shape, dtype):
    pytest.fail("called")


def nothing(rng, shape, dtype):
    return None


CUSTOM = {"nothing": nothing, "Own": Own, "Sized": Sized, "never": never}


def load(described, arrays=None, custom=CUSTOM):
    """As a net's file is read."""
    described = json.loads(json.dumps(described))
    check_known(described, custom)
    return build(described, arrays or {}, custom)


def module(kind, /, **arguments):
    return {"module": kind, "arguments": arguments}


def row(*parts, kind="Sequential", name="*parts"):
    return module(kind, **{name: {"tuple": list(parts)}})


def affine(**changed):
    return row(module("Affine", **{"in_features": 2, "out_features": 3} | changed))


def owning(value):
    return row(module("custom Own", **{"*things": [value]}))


def everything():
    """Each attribute of minidl's modules and classes, and what else a file could change."""
    found = {}
    for name, home in list(sys.modules.items()):
        if name.split(".")[0] == "minidl":
            held = dict(vars(home))
            classes = {thing for thing in held.values() if isinstance(thing, type)}
            for thing in classes:
                if thing.__module__.startswith("minidl"):
                    held |= {f"{thing.__qualname__}.{key}": value for key, value in vars(thing).items()}
            found |= {f"{name}.{key}": value for key, value in held.items()}
    return found | {"errors": tuple(np.geterr().items())}


NAMES = [
    "dataclass", "lru_cache", "lazy", "eval", "print", "type", "object", "Module", "Layer", "Loss", "Net",
    "State",
    "Parameter", "TYPE_CHECKING", "np", "minidl.Affine", "layers.affine.Affine", "affine", "Affine ",
    "affiNe",
    "\uff21ffine", "Affine\0", "\u0410ffine", "os.system", "", "__getattr__", "__class__", "__init__",
    "__all__",
    "_checked", "Filters", "SampleNorm", "Convolution", "Sliding", "Standardize.fit", "Affine.__init__",
    "custom dataclass", "custom Affine", "custom custom Own", "Custom Own", "custom", "*parts",
]  # fmt: skip
ODD_VALUES = [
    None, True, "3", 2.5, -1, 0, [2], [], "", 10**300, -(10**300), 1 << 2000, 1e300, {}, [[[]]], ["a", 1,
    None],
    {"float": "nan"}, {"float": "-inf"}, {"dtype": "int8"}, {"dtype": "complex64"}, {"slice": [0, None, 1]},
    {"dict": {}}, {"dict": {"a": {"tuple": [0, {"module": "ReLU", "arguments": {}}]}}}, {"tuple": [1, 2]},
    {"tuple": ["a", {"module": "ReLU", "arguments": {}}]}, {"module": "ReLU", "arguments": {}},
    {"tuple": [1] * 99},
    {"array": "argument:odd"}, {"tuple": ["x", "x"]}, [1e9] * 40, {"dict": {"": [1]}}, {"tuple": [[1]] * 2},
    {"function": "zeros"}, {"call": "normal", "arguments": {"std": 1}}, {"function": "custom nothing"},
]  # fmt: skip
HOSTILE = [
    *(module(name, **arguments) for name in NAMES for arguments in ({},
    {"*parts": [{"function": "Affine"}]})),
    *({"call": name, "arguments": {"cls": {"function": "Affine"}}} for name in NAMES),
    *(affine(initializer={"function": name}) for name in NAMES),
    # What is registered, but as something else.
    *(module(name) for name in ("he_normal", "zeros", "normal", "scaled", "custom never", "custom ")),
    *({"call": name, "arguments": {}} for name in ("Affine", "he_normal", "L1", "custom Own",
    "custom never")),
    *(affine(initializer={"function": name}) for name in ("Affine", "Sequential", "normal", "L1")),
    {"call": "normal", "arguments": {"std": {"function": "zeros"}}},
    affine(in_features={"function": "zeros"}),
    affine(out_features={"call": "normal", "arguments": {"std": 1}}),
    affine(dtype={"function": "custom Own"}),
    affine(initializer=[{"function": "zeros"}]),
    affine(initializer={"tuple": [{"function": "zeros"}]}),
    affine(initializer=module("ReLU")),
    row({"function": "ReLU"}),
    row({"function": "custom Own"}),
    row(row({"function": "never"}, kind="Residual", name="*layers")),
    # Arguments that nobody takes.
    *(affine(**{name: 1}) for name in ("rng", "self", "cls", "__class__", "weight", "*parts", "**options",
    "")),
    *(module("Sequential", **{"*parts": value}) for value in ("ab", {}, 3, None, {"dict": {}},
    {"tuple": {}}, [])),
    module("Sequential", **{"*parts": [], "*layers": []}),
    module("custom Own", **{"*thing": []}),
    module("custom Own", **{"*things": [], "*options": []}),
    module("custom Sized", **{"*shape": [1]}),
    # No grammar.
    *(value | module("ReLU") for value in ({"call": "normal"}, {"more": 1}, {"float": "nan"},
    {"function": "zeros"})),
    *({kind: name, "arguments": {}} for kind in ("module", "call") for name in (3, None, ["Affine"], {},
    True)),
    *({"module": "ReLU", "arguments": value} for value in (None, [], 3, "ab")),
    {"module": "ReLU"}, {"arguments": {}}, {"call": "normal"}, {"function": "zeros", "arguments": {}},
    *map(owning, [
        {}, {"tuple": [], "dict": {}}, {"set": []}, {"function": 3}, {"function": None},
        {"function": ["zeros"]},
        *({"dtype": name} for name in (
            "O", "object", "f4,f4", "V8", "U5", "<U5", "S3", "M8[s]", "datetime64", "(2,)f4", "void", "str",
            ">i3", 4,
            None, [["a", "f4"]], {"names": ["a"]}, "float32 ", "float\uff13\uff12", "i99", "", "{}",
        )),
        *({"float": text} for text in ("1e5", "NaN", "infinity", "1_0", 3, None, [], " nan")),
        *({"array": key} for key in ("argument:none", "weight", 3, None, [], {}, "")),
        *({"slice": value} for value in ([1, 2], [], 3, None, "abc", [1.5, None, None], ["a", 1, 1], [True,
        1, 1],
                                         [{"float": "nan"}, 1, 1], [1 << 2000, 1, 1])),
        *({"tuple": value} for value in ({}, None, 3, "ab")), *({"dict": value} for value in ([], None, 3,
        "ab")),
        1 << 2000, float("1e400"), float("nan"),
    ]),
    owning([{"array": "argument:a"}, {"array": "argument:a"}]),
]  # fmt: skip


def refusal(described):
    """What a description raises, as `minidl.load` says it; "" where it makes something."""
    try:
        load(described, {"argument:a": np.zeros(2), "weight": np.zeros(2)})
    except MinidlError as error:  # a constructor's, too
        return str(error)
    return ""


def test_refused_descriptions_leave_the_process_as_it_was():
    assert refusal(affine(in_features=-1)).startswith("Affine: expected in_features")
    before = everything()  # what a refusal imports is there by now
    said = [refusal(described) for described in HOSTILE]
    right = r"description: expected .+, got|Sequential: expected at least one layer|State|Parameter"
    assert not [(case, text) for case, text in zip(HOSTILE, said, strict=True) if not re.match(right, text)]
    after = everything()
    assert after.keys() == before.keys()
    assert not [name for name, value in before.items() if after[name] is not value and name != "errors"]
    assert after["errors"] == before["errors"]
    assert minidl.Affine(2, 3, rng=0).in_features == 2


def is_made_or_refused(name, argument, value):
    arguments = {"Affine": {"in_features": 2, "out_features": 2}, "normal": {"std": 1.0}}.get(name, {})
    kind = "module" if issubclass(OFFERED[name], Module) else "call"
    try:
        made = load(
            {kind: name, "arguments": arguments | {argument: value}}, {"argument:odd": np.zeros((2, 0))}
        )
    except MinidlError:
        return
    assert type(made) is OFFERED[name]


TAKEN = [
    (name, f"*{argument}" if parameter.kind is parameter.VAR_POSITIONAL else argument)
    for name, thing in OFFERED.items()
    if isinstance(thing, type)
    for argument, parameter in inspect.signature(thing).parameters.items()
]


@given(st.sampled_from(TAKEN), st.sampled_from(ODD_VALUES))
def test_odd_arguments_raise_nothing_foreign(taken, value):
    is_made_or_refused(*taken, value)


def test_own_constructors_fail_with_the_name_of_the_class():
    with pytest.raises(
        CheckpointError, match="expected arguments that Affine takes, got TypeError.*out_features"
    ):
        load(module("Affine", in_features=2))


# ---------------------------------------------------------------- memory


def refused_within(described, most_bytes, message, arrays=None):
    described = json.loads(json.dumps(described))
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=message):
            check_known(described, CUSTOM)
            build(described, arrays or {}, CUSTOM)
        assert tracemalloc.get_traced_memory()[1] < most_bytes
    finally:
        tracemalloc.stop()


def test_parameters_take_no_more_than_the_file_holds():
    large = affine(in_features=20_000, out_features=20_000)
    message = (
        r"Parameter: expected arrays of 24 bytes in all, .* got one more of shape \(20000, 20000\) .*1,6"
    )
    refused_within(large, 1 << 20, message, {"affine0.weight": np.zeros(6, np.float32)})
    refused_within(large, 1 << 20, "of 0 bytes in all", {"argument:a": np.zeros(6, np.float32)})
    many = row(*(module("BatchNorm2d", num_features=20_000) for _ in range(99)))
    refused_within(many, 6 << 20, "State: expected arrays of|Parameter: expected arrays of")
    own = row(module("custom Sized", shape=[1000, 1000]))
    refused_within(own, 1 << 20, r"got one more of shape \(1000, 1000\)")


def tables(count):
    return [module("Standardize", mean=[0], scale=[1])] * count


def test_a_description_makes_no_more_than_so_much(monkeypatch):
    for name, value in {"MOST_MODULES": 100, "MOST_PLACES": 300, "MOST_VALUES": 1000}.items():
        monkeypatch.setattr(grammar, name, value)
    fits = row(*[module("ReLU")] * 99), row(*tables(4)), owning([0] * 900), nested(20, module("ReLU"))
    for described in fits:
        load(described)
    modules, values = (
        "at most 100 modules, fewer where they are deeply nested, got more",
        "at most 1,000 values",
    )
    for described, message in (
        (row(*[module("ReLU")] * 100), modules),
        (row(*tables(5)), modules),
        (nested(20, row(*[module("ReLU")] * 10)), modules),
        (owning([0] * 1001), values),
        (owning([[]] * 1001), values),
        (owning({"dict": {str(number): 0 for number in range(1001)}}), values),
    ):
        refused_within(described, 1 << 20, message)


@deep
@pytest.mark.parametrize(
    "described",
    [
        row(*[module("ReLU")] * 30_000),
        row(*tables(600)),
        owning([0] * (1 << 20)),
        owning([[]] * (1 << 20)),
    ],
    ids=["modules", "tables", "numbers", "lists"],
)
def test_no_description_takes_more_than_64_megabytes(described):
    refused_within(described, 64 << 20, "at most")


def nested(depth, inner, kind="Sequential", name="*parts"):
    for _ in range(depth):
        inner = row(inner, kind=kind, name=name)
    return inner


def test_deep_nesting():
    refused_within(nested(MOST_DEEP // 4 + 1, module("ReLU")), 1 << 20, "nested at most 390 deep in JSON")
    lists = 0
    for _ in range(MOST_DEEP):
        lists = [lists]
    refused_within(owning(lists), 1 << 20, "nested at most 390 deep in JSON")
    assert sum(1 for _ in load(nested(MOST_DEEP // 4, module("ReLU"))).named_modules()) == MOST_DEEP // 4 + 1


def test_what_would_not_be_read_is_not_saved(monkeypatch):
    monkeypatch.setattr(grammar, "MOST_VALUES", 1000)
    held = []
    held.append(held)
    things = {
        "layers and lists nested at most 390 deep": held,
        "a slice's start, stop and step": slice("a", "b"),
        "dtype of numbers": np.dtype("U5"),
        "integers below": 1 << 2000,
        "at most 1,000 values.*keep many numbers in an array": [0] * 1001,
    }
    for message, thing in things.items():
        with pytest.raises(CheckpointError, match=f"save: expected .*{message}"):
            describe(Own(thing), {})
    monkeypatch.setattr(grammar, "MOST_DEEP", 13)
    net = Sequential(Sequential(Sequential(ReLU())))
    describe(net, {})
    with pytest.raises(CheckpointError, match="save: expected layers and lists nested at most 13 deep"):
        describe(Sequential(net), {})


# ---------------------------------------------------------------- what is built


RANDOM = [
    {"function": "he_normal"},
    {"function": "xavier_uniform"},
    {"call": "normal", "arguments": {"std": 1.0}},
    {"call": "scaled", "arguments": {"initializer": {"function": "he_normal"}, "factor": 2.0}},
]


@pytest.mark.parametrize("initializer", RANDOM)
def test_nothing_is_drawn_at_random_for_a_file(initializer):
    own = {"initializer": initializer}
    image = {"in_channels": 2, "out_channels": 2, "kernel_size": 2, "bias": False, **own}
    described = {
        "Affine": {"in_features": 2, "out_features": 2, **own},
        "Embedding": {"num_embeddings": 2, "embedding_dim": 2, **own},
        "Conv1d": image,
        "Conv2d": image,
        "ConvTranspose2d": image | {"stride": 2},
    }
    for name, arguments in described.items():
        made = load(module(name, **arguments))
        assert not made.weight.value.any(), name
        made.initialize(0)
        assert made.weight.value.any()
    with pytest.raises(RuntimeError, match="broken off"), room(100):
        raise RuntimeError("broken off")
    assert Affine(2, 3).weight.value.all()  # drawn again


class Derived(Layer):
    """Computes with what its parameters are at first, as a constructor may."""

    def __init__(self, seed):
        self.seed = seed
        self.basis, self.gain = Parameter((2, 2), basis), Parameter((2,), ones)
        self.inverse, self.mean = np.linalg.inv(self.basis.value), 1 / self.gain.value
        self.projection = Affine(2, 2, rng=seed).weight.value.copy()

    forward = backward = Own.forward


def basis(rng, shape, dtype):
    return np.array([[1, 1], [1, -1]], dtype)


def test_what_is_no_accident_is_there_before_the_file_s_values():
    one, other = Derived(3), load(module("custom Derived", seed=3), custom={"Derived": Derived})
    for name in ("inverse", "mean", "projection"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for wrong in (3, None, "zeros", {"tuple": []}):
        with pytest.raises(MinidlError, match="initializer to be a function"):
            load(affine(initializer=wrong))


def test_a_room_is_for_all_that_is_built_in_it():
    described = row(module("custom Sized", shape=[300, 1000]))
    with room(1_400_000):
        load(described)
        load(described)
        with pytest.raises(CheckpointError, match="arrays of 1,400,000 bytes in all"):
            load(described)
    load(described, {"a": np.zeros(300_000, np.float32)})


def test_ones_own_classes_are_given_classes_and_all_else_that_can_be_described():
    shape = 2, 0
    things = [
        ReLU, normal, never, Own, normal(0.5), ReLU(), slice(None, -3, 2), {"a": {"b": (1, [2.5, None])}},
        "größer",
        math.inf, np.dtype(">f4"), np.dtype(np.complex64), True, 1 << 1000, 1e-320, (), [], {},
    ]  # fmt: skip
    options = {
        "a": {"b": np.ones(shape)},
        "a.b": np.zeros(shape, bool),
        "a.b'": np.zeros(3, ">i2"),
        "call": [1],
    }
    arrays = {}
    net = load(describe(Sequential(Own(*things, **options)), arrays), arrays)
    for found, thing in zip(net[0].things, things, strict=True):
        assert type(found) is type(thing)
        assert type(found) is ReLU or found == thing
    for found, array in (
        (net[0].options["a"]["b"], options["a"]["b"]),
        (net[0].options["a.b'"], options["a.b'"]),
    ):
        assert found is array
    assert net[0].options["a.b"] is options["a.b"]
    assert len(arrays) == 3
