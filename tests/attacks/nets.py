"""Attacks on what reads nets and checkpoints: archives with a manifest."""

import json
import pickle

import numpy as np

import minidl
from minidl.files import MAX_DEPTH
from minidl.storage import load_state
from minidl.storage.checkpoints import save_state
from minidl.storage.description import describe
from minidl.storage.manifest import digest
from minidl.storage.trees import encode
from tests.attacks.checking import Attack
from tests.attacks.data import Call, flipped
from tests.attacks.making import end, entry, file, folder, headed, hollow, link, npy, npz, pipe


def described(module):
    """A module's description, and its arrays."""
    arrays = {name: part.value for name, part in module.named_parameters()}
    return describe(module, arrays), arrays


AFFINE, ARRAYS = described(minidl.Affine(2, 3, rng=0))


def affine(**arguments):
    return AFFINE | {"arguments": AFFINE["arguments"] | arguments}


def _listed(arrays):
    return {
        key: {"shape": list(each.shape), "dtype": str(each.dtype), "sha256": digest(each)}
        for key, each in arrays.items()
    }


def _archive(name, content, arrays, texts=()):
    manifest = content if isinstance(content, bytes) else json.dumps(content).encode()
    members = {name: manifest, **dict(texts), **{f"{key}.npy": each for key, each in arrays.items()}}
    return npz(members)


def net_file(described=AFFINE, arrays=ARRAYS, listed=None, **changes):
    """A net's file whose manifest is right but for the `changes`."""
    content = {"format": "minidl net", "version": 3, "net": described, "parameters": list(arrays)}
    listed = _listed(arrays) if listed is None else listed
    return _archive("description.json", content | {"states": [], "arrays": listed} | changes, arrays)


def _net(name, words, described=AFFINE, arrays=ARRAYS, *, read=minidl.load, slow=False, **changes):
    content = net_file(described, arrays, **changes)
    return Attack(f"net: {name}", read, file("net.npz", content), ("net.npz", *words), slow)


def _raw(name, words, content, **more):
    return Attack(f"net: {name}", minidl.load, file("net.npz", content), ("net.npz", *words), **more)


def _manifest(name, words, text, **more):
    raw = text if isinstance(text, bytes) else text.encode()
    return _raw(name, words, _archive("description.json", raw, ARRAYS), **more)


def _deep(kind, depth):
    tree = AFFINE
    for _ in range(depth):
        tree = {"module": kind, "arguments": {"*parts": {"tuple": [tree]}}}
    return tree


class Affine:
    """Has the name of a layer, and is none."""


def _with_custom(path):
    return minidl.load(path, custom=[Affine, Call, pickle.loads])


KNOWN = ["only classes that are known"]
RELU = {"module": "ReLU", "arguments": {}}
WHOLE = {"format": "minidl net", "version": 3, "net": AFFINE, "parameters": list(ARRAYS), "states": []}
WHOLE |= {"arrays": _listed(ARRAYS)}
TEXT = json.dumps(WHOLE)
OTHER = {key: part | {"shape": [3, 2]} for key, part in _listed(ARRAYS).items()}


def _deep_text(depth):
    layers = '{"module": "Sequential", "arguments": {"*parts": [' * depth + "]}}" * depth
    return TEXT.replace(json.dumps(AFFINE), layers)


NAMES = [
    _net(f"names {name}", KNOWN, {kind: name} | ({} if kind == "function" else {"arguments": {}}))
    for kind, name in (
        *(("call", name) for name in ("dataclass", "type", "custom normal", "normal.__class__")),
        *(("module", name) for name in ("Layer", "Module", "layers.Affine", "__builtins__", "custom ", "")),
        *(("function", name) for name in ("eval", "os.system", "__import__", "np", "minidl.load")),
    )
]
DESCRIPTIONS = [
    *NAMES,
    _net("a class in the place of an initializer", ["Affine"], affine(initializer={"function": "Affine"})),
    _net(
        "a function in the place of a size", ["initializer alone"], affine(in_features={"function": "zeros"})
    ),
    _net("an initializer's class, not called", ["zeros"], {"call": "zeros", "arguments": {}}),
    _net(
        "a layer of one's own that is none",
        ["layer or a loss"],
        {"module": "custom Affine", "arguments": {}},
        read=_with_custom,
    ),
    _net(
        "a function of one's own in a layer of minidl's",
        ["initializer alone"],
        affine(in_features={"function": "custom loads"}),
        read=_with_custom,
    ),
    _net(
        "a class of one's own, called", ["Call"], {"call": "custom Call", "arguments": {}}, read=_with_custom
    ),
    _net("arguments that there are not", ["Affine with"], affine(__class__=3)),
    _net("2 GB of parameters", ["as the file holds"], affine(in_features=1 << 14, out_features=1 << 15), {}),
    _net("an exabyte of parameters", ["net.npz"], affine(in_features=1 << 30, out_features=1 << 30), {}),
    _net("more sizes than there are numbers", ["net.npz"], affine(in_features=10**300), {}),
    _net(
        "an embedding of a terabyte",
        ["net.npz"],
        {"module": "Embedding", "arguments": {"num_embeddings": 1 << 30, "embedding_dim": 256}},
        {},
    ),
    _net("negative sizes", ["in_features"], affine(in_features=-2)),
    _net(
        "ten thousand layers and one",
        ["modules"],
        {"module": "Sequential", "arguments": {"*parts": {"tuple": [RELU] * 10_001}}},
        {},
        slow=True,
    ),
    _net("layers in layers", ["nested"], _deep("Sequential", 110)),
    _net("an integer of a thousand digits", ["integers below"], affine(in_features=10**1000)),
    _net("a word in the place of arguments", ["arguments"], {"module": "Affine", "arguments": "in_features"}),
    _net(
        "one array in two places",
        ["in two"],
        affine(in_features={"array": "argument:x"}, out_features={"array": "argument:x"}),
        {"argument:x": np.ones(3)} | ARRAYS,
    ),
    _net(
        "an array that there is not", ["and none of that name"], affine(in_features={"array": "argument:y"})
    ),
    _net("no net at all", ["a net"], 3),
    _net("an array as a net", ["a net"], {"array": "argument:x"}, {"argument:x": np.ones(3)}),
    _net(
        "parameters of other names", ["parameters"], arrays={f"{key}s": each for key, each in ARRAYS.items()}
    ),
    _net(
        "parameters of text", ["parameters"], arrays={key: each.astype("U9") for key, each in ARRAYS.items()}
    ),
    _manifest("modules two thousand deep", ["nested"], _deep_text(2_000)),
    _manifest("modules a million deep", ["bytes of memory"], _deep_text(1_000_000), slow=True),
]

JSON = [
    _manifest("brackets that do not end", ["nested 20,000 deep"], "[" * 20_000),
    _manifest("more brackets than memory", ["bytes of memory"], "[" * 1_000_000),
    _manifest("more objects than memory", ["bytes of memory"], "[" + "{}," * 400_000 + "{}]"),
    _manifest("NaN", ["NaN"], TEXT.replace("3", "NaN", 1)),
    _manifest("a number of 400 digits' exponent", ["1e999"], TEXT.replace("3", "1e999", 1)),
    _manifest("a number of a million digits", ["JSON"], TEXT.replace("3", "9" * 1_000_000, 1)),
    _manifest("a key twice", ["key twice"], TEXT[:-1] + ', "net": {"function": "eval"}}'),
    _manifest("a byte-order mark", ["JSON"], "\ufeff" + TEXT),
    _manifest("UTF-16", ["JSON"], TEXT.encode("utf-16")),
    _manifest(
        "half a character in UTF-8",
        ["JSON"],
        TEXT.replace("Affine", "A\ud800").encode("utf-8", "surrogatepass"),
    ),
    _manifest("a list", ["format 'minidl net'"], "[]"),
    _manifest("a newer format", ["newer minidl"], TEXT.replace('"version": 3', '"version": 4')),
    _manifest(
        "a format of a thousand digits",
        ["newer minidl"],
        TEXT.replace('"version": 3', f'"version": {10**500}'),
    ),
    _manifest("a version that is true", ["version"], TEXT.replace('"version": 3', '"version": true')),
    _net("another format", ["format 'minidl net'"], format="minidl checkpoint"),
]

PACKED = net_file()
FIRST = next(iter(ARRAYS))
ARCHIVES = [
    _net("a manifest of another shape", ["another shape"], listed=OTHER),
    _net(
        "a manifest of another dtype",
        ["another dtype"],
        listed={key: part | {"dtype": "float64"} for key, part in _listed(ARRAYS).items()},
    ),
    _net(
        "a manifest of another hash",
        ["another sha256"],
        listed={key: part | {"sha256": "0" * 64} for key, part in _listed(ARRAYS).items()},
    ),
    _net("a manifest without an array", ["does not know"], listed={}),
    _net("a manifest of more arrays", ["missing"], listed=_listed(ARRAYS | {"x": np.ones(3)})),
    _net("a manifest that is a list", ["does not know"], listed=[1, 2]),
    _raw("without a manifest", ["description.json"], npz(dict.fromkeys(("a.npy", "b.npy"), np.ones(3)))),
    _raw(
        "a pickle that calls",
        ["pickled objects are never read"],
        _archive("description.json", TEXT.encode(), ARRAYS | {FIRST: npy(np.array([Call()], object))}),
    ),
    _raw("a pickle alone", ["net.npz"], pickle.dumps(Call())),
    _raw(
        "an array of a terabyte",
        ["bytes, got 4"],
        _archive(
            "description.json",
            TEXT.encode(),
            ARRAYS
            | {
                FIRST: headed(
                    b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }", bytes(4)
                )
            },
        ),
    ),
    _raw(
        "a compressed member",
        ["not compressed"],
        npz({"description.json": TEXT.encode(), "x.npy": np.zeros(1 << 20)}, 8),
    ),
    _raw(
        "a manifest that unpacks to a gigabyte",
        ["net.npz"],
        entry(b"description.json", 0, 1000, 8, 1 << 30) + end(1, 62, 0),
    ),
    _raw("an encrypted member", ["not encrypted"], flipped(PACKED, PACKED.index(b"PK\1\2") + 8)),
    _raw("a member that ends beyond the file", ["net.npz"], entry(b"x.npy", 0, 1 << 20) + end(1, 51, 0)),
    _raw(
        "members one within another",
        ["begins within another"],
        bytes(60) + entry(b"x.npy", 0, 20) + entry(b"y.npy", 10, 20) + end(2, 102, 60),
    ),
    _raw("a member twice", ["every member once"], entry(b"x.npy", 0, 0) * 2 + end(2, 102, 0)),
    _raw(
        "names that point elsewhere",
        ["does not know"],
        _archive("description.json", TEXT.encode(), ARRAYS | {"../../x": np.ones(2)}),
    ),
    _raw("a bit of a parameter", ["CRC"], flipped(PACKED, PACKED.index(b"PK\1\2") - 1)),
]


def _tree(state, arrays=None):
    arrays = {} if arrays is None else arrays
    return encode(state, arrays), arrays


def state_file(state, *, run="r", arrays=None, note=None, **changes):
    """A checkpoint's file of any tree."""
    arrays = arrays or {}
    content = {"format": "minidl checkpoint", "version": 1, "run": run, "note": note, "state": state}
    return _archive(
        "checkpoint.json", content | {"arrays": _listed(arrays)} | changes, arrays, {"run.txt": b"r"}
    )


def trainer(inputs=3):
    net = minidl.Sequential(minidl.Affine(inputs, 2, rng=0), minidl.SoftmaxCrossEntropy())
    return minidl.Trainer(net, minidl.SGD(0.1, momentum=0.9), rng=0)


DATA = minidl.Dataset(np.ones((10, 3), np.float32), np.arange(10) % 2)


def _resume(path):
    """What is wrong with a checkpoint is said at once; of the batches, when the data are there."""
    fresh = trainer()
    resumed = minidl.Trainer.resume(path, fresh.net, fresh.optimizer, rng=0)
    resumed.fit(DATA, steps=1, batch_size=4)


def _state(name, words, tree, *, read=load_state, **more):
    content = state_file(tree, **more)
    return Attack(f"checkpoint: {name}", read, file("run.npz", content), ("run.npz", *words))


def changed(**changes):
    """The state of a Trainer as JSON and arrays, in which paths such as ``rng__seed__entropy`` are others."""
    begun = trainer()
    begun.fit(DATA, steps=2, batch_size=4)
    tree, arrays = _tree(begun.state_dict())
    for path, value in changes.items():
        *above, last = path.split("__")
        part = tree["dict"]
        for key in above:
            part = part[key]["dict"]
        if isinstance(value, np.ndarray):
            arrays["changed"], value = value, {"array": "changed"}
        part[last] = value
    return tree, arrays


def _trained(name, words, **changes):
    def content(folder):
        tree, arrays = changed(**changes)
        return state_file(tree, arrays=arrays)

    return Attack(f"checkpoint: {name}", _resume, file("run.npz", content), tuple(words))


def _pair(newest, before):
    def build(parent):
        newest(parent)
        return before(parent).with_name("run.npz")

    return build


def _other(parent):
    other = trainer(5)
    save_state(parent / "run.previous.npz", other.state_dict(), "other")
    return parent / "run.previous.npz"


NESTED = 3
for _ in range(MAX_DEPTH + 10):
    NESTED = [NESTED]
STATES = [
    _state("nested deep", ["nested"], NESTED),
    _state("a list as the state", ["a state and the run"], [1, 2]),
    _state("a number as the run", ["a state and the run"], {"dict": {}}, run=3),
    _state("kinds that there are not", ["by their kind"], {"dict": {"x": {"module": "Affine"}}}),
    _state("an array that there is not", ["by their kind"], {"dict": {"x": {"array": "x"}}}),
    _state("a number as an array", ["by their kind"], {"dict": {"x": {"array": 3}}}),
    _state("a list as a dict", ["by their kind"], {"dict": [1]}),
    _state("a newer format", ["newer minidl"], {"dict": {}}, version=2),
    _state("a version that is a word", ["version"], {"dict": {}}, version="1"),
    _trained("a generator that takes hours", ["pool_size"], rng__seed__pool_size=10**9),
    _trained("a generator without a pool", ["state of a PCG64"], rng__seed__pool_size=-1),
    _trained("a seed of twenty thousand numbers", ["entropy of more"], rng__seed__entropy=[7] * 20_000),
    _trained("a seed that is a text", ["state of a PCG64"], rng__seed__entropy="0x" + "f" * 1_000_000),
    _trained("a key of twenty thousand numbers", ["spawn_key of more"], rng__seed__spawn_key=[7] * 20_000),
    _trained("fewer than no children", ["n_children_spawned"], rng__seed__n_children_spawned=-1),
    _trained("another kind of generator", ["state of a PCG64"], rng__bits__bit_generator="MT19937"),
    _trained("a state of bits that is none", ["state of a PCG64"], rng__bits__state={"dict": {"state": "x"}}),
    _trained("steps below 0", ["step"], step=-1),
    _trained("steps that are a word", ["step"], last_step="many"),
    _trained("seconds that are a list", ["run.npz"], seconds=[]),
    _trained("an action that there is not", ["run.npz"], due=[["Trainer", "__init__"]]),
    _trained("an action of a word", ["run.npz"], due="fit"),
    _trained("another optimizer", ["state of SGD"], optimizer__class="Adam"),
    _trained("a callback that there is not", ["callbacks"], callbacks={"dict": {"Saboteur 0": {"dict": {}}}}),
    _trained("a history of words", ["History"], history__steps={"dict": {"loss": ["x"], "lr": [1]}}),
    _trained("an order of too few", ["order"], batches__batches__order=np.arange(9)),
    _trained("an order with an index beyond the data", ["order"], batches__batches__order=np.arange(10) + 1),
    _trained("an order with a negative index", ["order"], batches__batches__order=np.arange(10) - 1),
    _trained("an order with an index twice", ["order"], batches__batches__order=np.zeros(10, int)),
    _trained("an order of fractions", ["order"], batches__batches__order=np.linspace(0, 9, 10)),
    _trained("an order in two dimensions", ["order"], batches__batches__order=np.zeros((10, 10**5), int)),
    _trained("an order that is a word", ["order"], batches__batches__order="shuffle"),
    _trained("a batch of no size", ["batch_size"], batches__batches__batch_size=-1),
    _trained("a place behind the epoch", ["step"], batches__batches__step=10**9),
    _trained("a place before the epoch", ["step"], batches__batches__step=-1),
    _trained("an epoch of thirty digits", ["epoch"], epoch=10**30),
    _trained(
        "batches drawn by another generator",
        ["generator"],
        batches__batches__generator={"dict": {"bit_generator": "MT19937"}},
    ),
    _trained("momentum of another shape", ["run.npz"], optimizer__velocity=np.ones(3, np.float32)),
    _trained(
        "parameters of another shape",
        ["run.npz"],
        **{"net__parameters__affine0.weight": np.ones(3, np.float32)},
    ),
    _trained("no net", ["run.npz"], net=None),
    Attack(
        "checkpoint: the one before is of another net",
        _resume,
        _pair(file("run.npz", b"PK damaged"), _other),
        ("run.npz",),
    ),
    Attack(
        "checkpoint: both are damaged",
        load_state,
        _pair(file("run.npz", b"PK damaged"), file("run.previous.npz", bytes(300))),
        ("run.npz", "and the one before", "run.previous.npz"),
    ),
    Attack(
        "checkpoint: both are pipes",
        load_state,
        _pair(pipe("run.npz"), pipe("run.previous.npz")),
        ("not a regular file",),
    ),
]

NO_FILES = [
    Attack(f"{kind}: {what}", read, build(name), (name, *words))
    for kind, read, name in (("net", minidl.load, "net.npz"), ("checkpoint", load_state, "run.npz"))
    for what, build, words in (
        ("a pipe", pipe, ["not a regular file"]),
        ("a device without end", lambda name: link(name, "/dev/zero"), ["not a regular file"]),
        ("a link to itself", lambda name: link(name, name), []),
        ("a folder", folder, []),
        ("four gigabytes of nothing", lambda name: hollow(name, 1 << 32), ["not a zip file"]),
        (
            "a list of members of a gigabyte",
            lambda name: hollow(name, 1 << 30, end=end(9, 1 << 30, 0)),
            ["a list of members of at most"],
        ),
    )
]

ATTACKS = [*DESCRIPTIONS, *JSON, *ARCHIVES, *STATES, *NO_FILES]
