import io
import json
import math
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minidl
from minidl import Affine, Flatten, Layer, Parameter, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.errors import CheckpointError, ConfigurationError, StructureError
from minidl.initializers import he_normal, normal, ones, scaled, xavier_uniform
from minidl.recipes import mlp


class Scale(Layer):
    def __init__(self, shape, *, initializer=ones, offset=None, dtype=np.float32, rng=None):
        self.shape, self.initializer, self.dtype = tuple(shape), initializer, dtype
        self.gain = Parameter(tuple(shape), initializer, rng=rng, dtype=dtype)
        self.offset = np.zeros(shape, dtype) if offset is None else np.asarray(offset, dtype)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value + self.offset

    def backward(self, dy):
        (x,) = self.recall()
        np.sum(dy * x, axis=0, out=self.gain.grad)
        return dy * self.gain.value


class Wrapped(Layer):
    """Takes a layer, and any number of numbers."""

    def __init__(self, inner, *numbers, **options):
        self.inner = inner
        self.numbers, self.options = numbers, options

    def forward(self, x, *, training):
        return self.inner.forward(x, training=training)

    def backward(self, dy):
        return self.inner.backward(dy)


def twos(rng, shape, dtype):
    return np.full(shape, 2, dtype)


def make_net(dtype=np.float32, seed=0):
    return Sequential(
        Standardize(np.arange(6).reshape(2, 3), 2.5, dtype=dtype),
        Flatten(),
        ("body", Sequential(Affine(6, 5, rng=seed, dtype=dtype, initializer=normal(0.3)), ReLU())),
        Affine(5, 3, rng=seed, dtype=dtype, initializer=scaled(xavier_uniform, 0.5)),
        SoftmaxCrossEntropy(),
    )


def same(one, other, x):
    np.testing.assert_array_equal(one(x), other(x))
    assert repr(one) == repr(other)
    assert list(one.parameters) == list(other.parameters)


def test_the_names_of_the_classes_are_in_the_file(tmp_path):
    names = ("größer", "", "猫\n", "a\ud800")  # whatever may be a string
    for each in (names, list(names)):
        net = mlp(4, [3], 4, target_names=each, rng=0)
        minidl.save(net, tmp_path / "net.npz")
        assert minidl.load(tmp_path / "net.npz").head.target_names == names


def test_a_file_from_before_there_were_names():
    """`nameless.npz` was written by minidl 0.1.0 before a loss took any."""
    path = Path(__file__).with_name("nameless.npz")
    net = minidl.load(path)
    assert net.head.target_names is None
    new = Sequential(Affine(2, 3, rng=0), SoftmaxCrossEntropy())
    same(net, new, np.ones((2, 2), np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_round_trip(dtype, tmp_path, rng):
    net, x = make_net(dtype), rng.standard_normal((7, 2, 3))
    minidl.save(net, tmp_path / "net.npz")
    other = minidl.load(tmp_path / "net.npz")
    same(net, other, x)
    net.initialize(3)
    other.initialize(3)
    same(net, other, x)  # the initializers came along
    assert set(np.load(tmp_path / "net.npz", allow_pickle=False).files) >= {
        "body.affine0.weight",
        "affine0.bias",
    }


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 6), max_size=3), st.booleans(), st.integers(0, 2**32))
def test_any_dense_net_comes_back(hidden, double, seed):
    dtype = np.float64 if double else np.float32
    net = mlp(4, hidden, 3, standardize=Standardize(0, 2, dtype=dtype), rng=seed, dtype=dtype)
    with tempfile.TemporaryDirectory() as folder:
        minidl.save(net, Path(folder, "net.npz"))
        same(net, minidl.load(Path(folder, "net.npz")), np.ones((3, 4)))


def test_a_net_is_saved_as_it_was_made_though_what_it_was_given_changes(tmp_path, rng):
    mean, scale, shape = np.zeros(4), np.ones(4), [4]
    net = Sequential(Standardize(mean, scale=scale), Scale(shape), SoftmaxCrossEntropy())
    x = rng.standard_normal((5, 4))
    before = net(x)
    mean += 1
    scale *= 2
    shape.append(3)
    minidl.save(net, tmp_path / "net.npz")
    loaded = minidl.load(tmp_path / "net.npz", custom=[Scale])
    np.testing.assert_array_equal(loaded(x), before)
    np.testing.assert_array_equal(net(x), before)


def test_the_same_net_gives_the_same_bytes(tmp_path):
    for name in "ab":
        minidl.save(make_net(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_own_layers_are_named_to_load(tmp_path, rng):
    net = Sequential(
        Wrapped(Scale([4], initializer=twos, offset=[1.0, 2, 3, 4], rng=rng), 1, 2.5, None, flag=True),
        Scale((4,), dtype=np.float32),
    )
    x = rng.standard_normal((3, 4))
    minidl.save(net, tmp_path / "net.npz")
    other = minidl.load(tmp_path / "net.npz", custom=[Scale, Wrapped, twos])
    same(net, other, x)
    assert (other[0].numbers, other[0].options) == ((1, 2.5, None), {"flag": True})
    for named, message in {
        (Wrapped, twos): r"got 'Scale'; name it: minidl.load\(path, custom=\[Scale\]\)",
        (Wrapped,): r"got 'Scale', 'twos'; name them: minidl.load\(path, custom=\[Scale, twos\]\)",
        (): r"got 'Wrapped', 'Scale', 'twos'; name them",
    }.items():
        with pytest.raises(CheckpointError, match=f"net.npz: .* {message}"):
            minidl.load(tmp_path / "net.npz", custom=named)
    for alone in (Scale, twos):
        with pytest.raises(
            ConfigurationError, match=rf"custom to be a list .*; write custom=\[{alone.__name__}\]"
        ):
            minidl.load(tmp_path / "net.npz", custom=alone)


def test_keys_of_ones_own_are_no_classes(tmp_path):
    options = {"module": "Nonsense", "arguments": {"call": ["a"]}, "function": {"tuple": (1, twos)}}
    minidl.save(Wrapped(ReLU(), **options), tmp_path / "net.npz")
    with pytest.raises(CheckpointError, match=r"got 'Wrapped', 'twos'; name them"):
        minidl.load(tmp_path / "net.npz")
    assert minidl.load(tmp_path / "net.npz", custom=[Wrapped, twos]).options == options


def test_a_class_that_has_changed_since_is_named(tmp_path):
    saved = type("Scale", (Scale,), {})
    minidl.save(Sequential(saved([3]), SoftmaxCrossEntropy()), tmp_path / "net.npz")

    class Other(Scale):
        def __init__(self, shape, *, dtype=np.float32, offset=None):
            super().__init__(shape, dtype=dtype)

    class Fails(Scale):
        def __init__(self, *args, **kwargs):
            raise KeyError("size")

    class Wider(Scale):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.more = Parameter((2,), ones)

    took = (
        r"net.npz: description: expected Scale to take what it took .* \(shape, initializer, offset, dtype\)"
    )
    since = "; (the|a) class has changed since; load with the class as it was"
    for changed, message in {
        Other: rf"{took}, got TypeError\(.*'initializer'.*{since}",
        Fails: rf"{took}, got KeyError\('size'\){since}",
        Wider: rf"expected \{{'scale0.more': \[\[2\], 'float32'\]\}}, got .*None.* in the file{since}",
    }.items():
        changed.__name__ = "Scale"
        with pytest.raises(CheckpointError, match=message):
            minidl.load(tmp_path / "net.npz", custom=[changed])


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_arguments_that_are_not_finite_come_back_from_json_that_is_json(tmp_path, kind):
    numbers = [kind(text) for text in ("inf", "-inf", "nan", "0.5")]
    minidl.save(Wrapped(ReLU(), *numbers, limits=tuple(numbers)), tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.npz") as archive:
        json.loads(archive.read("description.json"), parse_constant=pytest.fail)
    loaded = minidl.load(tmp_path / "net.npz", custom=[Wrapped])
    for found in (loaded.numbers, loaded.options["limits"]):
        assert found[:2] == (math.inf, -math.inf)
        assert math.isnan(found[2])
        assert found[3] == 0.5
        assert {type(number) for number in found} == {float}


def test_a_class_of_minidls_name_is_not_mistaken_for_it(tmp_path):
    class Affine(Scale):
        pass

    minidl.save(Affine([2]), tmp_path / "net.npz")
    with pytest.raises(CheckpointError, match="'Affine'; name it"):
        minidl.load(tmp_path / "net.npz")
    assert isinstance(minidl.load(tmp_path / "net.npz", custom=[Affine]), Affine)


def test_what_no_file_can_describe_is_refused_and_nothing_written(tmp_path):
    for initializer in (lambda rng, shape, dtype: np.ones(shape, dtype), object().__init__):
        net = Sequential(
            Wrapped(ReLU(), thing=initializer if callable(initializer) else None, other=object())
        )
        with pytest.raises(CheckpointError, match="save: expected constructor arguments that are numbers"):
            minidl.save(net, tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("thing", "remedy"),
    [
        ({2, 1}, "keep it as a list, as sorted"),
        ([frozenset("a")], "keep it as a list, as sorted"),
        ({1: 2}, "give it keys that are strings"),
        (np.array(["a"]), "a list of strings"),
        (lambda x: x, "with def instead of lambda"),
        (1j, "build such objects inside the layer"),
    ],
)
def test_what_to_do_about_what_no_file_can_describe(thing, remedy, tmp_path):
    with pytest.raises(CheckpointError, match=f"as 'numbers.0.*'; .*{remedy}|as '.numbers.*; .*{remedy}"):
        minidl.save(Wrapped(ReLU(), thing), tmp_path / "net.npz")


def test_two_classes_of_one_name_are_not_saved(tmp_path):
    def own(home):
        return type("Affine", (Scale,), {"__qualname__": f"{home}.Affine"})([2])

    for parts in ((Affine(2, 2), own("a")), (own("a"), own("a"))):  # one is minidl's; one is defined anew
        minidl.save(Sequential(*parts), tmp_path / "net.npz")
    message = r"every class in the net to have a name of its own, got .*\.a\.Affine and .*\.b\.Affine; rename"
    with pytest.raises(CheckpointError, match=message):
        minidl.save(Sequential(own("a"), own("b")), tmp_path / "other.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["net.npz"]


def test_only_a_net_is_saved(tmp_path):
    trainer = minidl.Trainer(Sequential(Affine(2, 2), SoftmaxCrossEntropy()), minidl.SGD(0.1))
    with pytest.raises(
        StructureError, match="save: expected a net or a layer, got .*; of a Trainer, give trainer.net"
    ):
        minidl.save(trainer, tmp_path / "net.npz")
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    minidl.save(make_net(seed=1), path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.lib.format.write_array", full)
    with pytest.raises(OSError, match="No space left on device"):
        minidl.save(make_net(seed=2), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_truncated_anywhere(tmp_path):
    path = tmp_path / "net.npz"
    minidl.save(make_net(), path)
    data = path.read_bytes()
    for length in [*range(0, len(data), 97), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError, match="net.npz: expected a whole .npz file"):
            minidl.load(path)


def test_a_flipped_byte_never_gives_another_net(tmp_path):
    path = tmp_path / "net.npz"
    net = make_net()
    minidl.save(net, path)
    data = path.read_bytes()
    caught = 0
    for position in range(0, len(data), 5):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        try:
            other = minidl.load(path)
        except CheckpointError:
            caught += 1
            continue
        same(net, other, np.ones((2, 2, 3)))  # a byte that says nothing, such as a time stamp
    assert caught > 0.8 * len(data) / 5


class Attack:
    def __reduce__(self):
        return (pytest.fail, ("a pickle from a file was run",))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x93NUMPY garbage"),
        lambda path: path.write_bytes(pickle.dumps(Attack())),
        lambda path: np.savez(path, x=np.zeros(3)),
        lambda path: np.savez(path, **{"description.json": np.zeros(3)}),
        lambda path: np.savez(path, x=np.array([Attack()], dtype=object)),
        lambda path: zipfile.ZipFile(path, "w").close(),
        lambda path: path.mkdir(),
    ],
)
def test_foreign_files(write, tmp_path):
    write(tmp_path / "net.npz")
    with pytest.raises(CheckpointError, match=r"net.npz: "):
        minidl.load(tmp_path / "net.npz")


def rewrite(path, change, *, extra=(), compress=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    description = json.loads(members["description.json"])
    change(description, members)
    members["description.json"] = json.dumps(description).encode()
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, data in [*members.items(), *extra]:
            archive.writestr(name, data)


def array_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


NAME = "affine0.weight.npy"


def affine(description):
    """The arguments of the last layer."""
    return description["net"]["arguments"]["*parts"]["tuple"][3]["arguments"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d, m: d.update(version=4), "version 3 at most, got 4; a newer minidl wrote"),
        (lambda d, m: d.update(version=0), "version 1 or 2 or 3, got 0"),
        (lambda d, m: d.update(version=True), "version 1 or 2 or 3, got True"),
        (lambda d, m: d.pop("arrays"), "a list of its arrays"),
        (lambda d, m: d["arrays"][NAME[:-4]].update(sha256="0" * 64), "affine0.weight of another sha256"),
        (lambda d, m: d.update(format="other"), "format 'minidl net'"),
        (lambda d, m: d.pop("net"), "KeyError"),
        (lambda d, m: d["net"].update(module="Nonsense"), "only classes that are known, got 'Nonsense'"),
        (lambda d, m: d["net"].update(module="custom Evil"), "only classes that are known, got 'Evil'"),
        (lambda d, m: d["net"].update(module="load"), "only classes that are known, got 'load'"),
        (lambda d, m: m.pop(NAME), "affine0.weight that is missing"),
        (lambda d, m: m.update({"more.npy": array_bytes(np.zeros(3))}), "more that the manifest"),
        (lambda d, m: m.update({NAME: array_bytes(np.zeros((5, 4), np.float32))}), "weight of another shape"),
        (lambda d, m: m.update({NAME: array_bytes(np.zeros((5, 3)))}), "affine0.weight of another dtype"),
        (lambda d, m: m.update({NAME: array_bytes(np.zeros((5, 3), np.float32))[:-4]}), "60 bytes"),
        (lambda d, m: d["parameters"].remove("affine0.weight"), "parameters"),
        (lambda d, m: affine(d).update(in_features=-1), "no net"),
        (lambda d, m: affine(d).update(in_features=10**12), "MemoryError|no net|Error"),
    ],
)  # fmt: skip
def test_files_at_odds_with_themselves(change, message, tmp_path):
    path = tmp_path / "net.npz"
    minidl.save(make_net(), path)
    rewrite(path, change)
    with pytest.raises(CheckpointError, match=message):
        minidl.load(path)


def test_duplicates_and_compression_are_refused(tmp_path):
    path = tmp_path / "net.npz"
    minidl.save(make_net(), path)
    rewrite(path, lambda d, m: None, compress=zipfile.ZIP_DEFLATED)
    with pytest.raises(CheckpointError, match="members that are not compressed"):
        minidl.load(path)
    minidl.save(make_net(), path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        rewrite(path, lambda d, m: None, extra=[(NAME, array_bytes(np.zeros((5, 3), np.float32)))])
    with pytest.raises(CheckpointError, match="every member once"):
        minidl.load(path)


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="net.npz"):
        minidl.load(tmp_path / "net.npz")


def test_a_file_of_the_format_before():
    """`format1.npz` was written by minidl 0.1.0 in format 1; its scores are those of its arrays."""
    path = Path(__file__).with_name("format1.npz")
    net = minidl.load(path)
    x = np.random.default_rng(0).integers(0, 256, (7, 2, 3), dtype=np.uint8)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("description.json"))["version"] == 1
    arrays = np.load(path)
    a = {
        name: arrays[name].astype(np.float64) for name in arrays.files if name.endswith((".weight", ".bias"))
    }
    mean, scale = arrays["argument:*parts.0.mean"], arrays["argument:*parts.0.scale"]
    hidden = ((x - mean) / scale).reshape(7, 6)
    for name in ("affine0", "body.affine0"):
        hidden = np.maximum(hidden @ a[f"{name}.weight"] + a[f"{name}.bias"], 0)
    np.testing.assert_allclose(net(x), hidden @ a["top.weight"] + a["top.bias"], rtol=1e-4, atol=1e-5)
    assert net.head.target_names == ("a", "b", "c")
    assert set(net.parameters) == set(a)
    assert (net["affine0"].initializer, net["body"][0].initializer) == (scaled(he_normal, 0.1), normal(0.5))


def test_a_file_of_format_2():
    """`format2.npz` was written by minidl before files had hashes; its scores are those of its arrays."""
    path = Path(__file__).with_name("format2.npz")
    net = minidl.load(path)
    x = np.random.default_rng(0).integers(0, 256, (7, 2, 3), dtype=np.uint8)
    arrays = {name: np.load(path)[name] for name in np.load(path).files if not name.endswith(".json")}
    a = {name: array.astype(np.float64) for name, array in arrays.items()}
    mean, scale = a["argument:*parts.0.mean"], a["argument:*parts.0.scale"]
    hidden = ((x - mean) / scale).reshape(7, 6) @ a["affine0.weight"] + a["affine0.bias"]
    norm = {name.rpartition(".")[2]: array for name, array in a.items() if "norm" in name}
    hidden = (hidden - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-5)
    hidden = np.maximum(hidden * norm["weight"] + norm["bias"], 0)
    np.testing.assert_allclose(net(x), hidden @ a["out.weight"] + a["out.bias"], rtol=1e-3, atol=1e-4)
    assert {name: array.shape for name, array in a.items() if not name.startswith("argument:")} == {
        name: part.shape for parts in (net.parameters, net.state) for name, part in parts.items()
    }


def test_a_file_of_the_format_before_is_written_as_today(tmp_path):
    net = minidl.load(Path(__file__).with_name("format1.npz"))
    minidl.save(net, tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.npz") as archive:
        assert json.loads(archive.read("description.json"))["version"] == 3
    same(net, minidl.load(tmp_path / "net.npz"), np.ones((2, 2, 3), np.uint8))


@pytest.mark.parametrize("name", ["dataclass", "lru_cache", "Module", "Layer", "Callable", "np", "eval"])
def test_a_file_names_only_what_is_registered(name, tmp_path):
    path = tmp_path / "net.npz"
    minidl.save(Sequential(ReLU()), path)
    text = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        description = archive.read("description.json").decode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("description.json", description.replace('"ReLU"', f'"{name}"'))
    assert text != path.read_bytes()
    with pytest.raises(CheckpointError, match=f"only classes that are known, got '{name}'"):
        minidl.load(path)
