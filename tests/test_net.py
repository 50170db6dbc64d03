"""What a net says of itself, and that it is what it says."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import minidl
from minidl import (
    SGD,
    Affine,
    Dataset,
    Flatten,
    Layer,
    Loss,
    MeanSquaredError,
    Net,
    Parameter,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    State,
    Trainer,
)
from minidl.errors import StructureError
from minidl.initializers import he_normal, normal, ones, scaled, zeros
from minidl.testing import check_layer

NAMES = {name: getattr(minidl, name) for name in minidl.__all__}
NAMES |= {"np": np, "normal": normal, "ones": ones, "scaled": scaled, "zeros": zeros}
NAMES |= {"he_normal": he_normal}


class Residual(Layer):
    """``x + inner(x)``."""

    def __init__(self, inner):
        self.inner = inner

    def forward(self, x, *, training):
        return x + self.inner.forward(x, training=training)

    def backward(self, dy):
        return dy + self.inner.backward(dy)


class Centered(Layer):
    """Less a running mean of the batches, which is a state."""

    def __init__(self, features, momentum=0.5, *, dtype=np.float32):
        self.features, self.momentum, self.dtype = features, momentum, np.dtype(dtype)
        self.mean = State((features,), zeros, dtype=dtype)

    def forward(self, x, *, training):
        if training:
            self.mean.value[...] = self.momentum * self.mean.value + (1 - self.momentum) * x.mean(axis=0)
        return x - self.mean.value

    def backward(self, dy):
        return dy


@dataclasses.dataclass
class Gain(Layer):
    """A layer that is a dataclass."""

    features: int
    start: float = 2.0

    def __post_init__(self):
        self.gain = Parameter((self.features,), scaled(ones, self.start))

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value

    def backward(self, dy):
        (x,) = self.recall()
        np.sum(dy * x, axis=0, out=self.gain.grad)
        return dy * self.gain.value


@pytest.fixture
def net():
    inner = Sequential(("turn", Affine(6, 6, rng=1, initializer=normal(0.1))), ReLU())
    return Sequential(
        Standardize(np.arange(6).reshape(2, 3), 2.5),
        Flatten(),
        ("body", Residual(inner)),
        ("top", Affine(6, 3, rng=2, initializer=scaled(he_normal, 0.5))),
        SoftmaxCrossEntropy(("a", "b", "c")),
    )


# ---------------------------------------------------------------- trace and summary


def test_a_trace_sees_each_layer_at_any_depth(net, rng):
    x = rng.integers(0, 255, (5, 2, 3), dtype=np.uint8)
    traced = net.trace(x)
    paths = ["standardize0", "flatten0", "body.inner.turn", "body.inner.relu0", "body.inner", "body", "top"]
    assert [one.path for one in traced] == paths
    modules = dict(net.named_modules())
    by_path = {one.path: one for one in traced}
    for path, one in by_path.items():
        assert one.layer is modules[path]  # the net's own, not a copy's
        np.testing.assert_array_equal(one.y, modules[path].forward(one.x, training=False))
    np.testing.assert_array_equal(by_path["standardize0"].x, x)
    np.testing.assert_array_equal(by_path["body.inner.turn"].x, by_path["flatten0"].y)
    np.testing.assert_array_equal(by_path["body"].y, by_path["flatten0"].y + by_path["body.inner"].y)
    np.testing.assert_array_equal(by_path["top"].y, net(x))


def test_a_trace_leaves_the_net_as_it_is(net, rng):
    before, values = [vars(module).copy() for _, module in net.named_modules()], net.parameters.values.copy()
    net.trace(rng.integers(0, 255, (5, 2, 3)))
    assert [vars(module) for _, module in net.named_modules()] == before
    np.testing.assert_array_equal(net.parameters.values, values)


def test_a_summary_has_a_row_a_layer_and_counts(net):
    net["top"].freeze()
    lines = net.summary((2, 3)).splitlines()
    assert lines[0].split() == ["layer", "output", "parameters"]
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[1:]}
    assert list(rows) == [path for path, _ in net.named_modules() if path] + ["total"]
    assert rows["flatten0"] == "Flatten (6,)"
    assert rows["body.inner.turn"].startswith("Affine (6,) ")
    counts = {path: layer.count for path, layer in _counted(net).items()}
    for path, row in rows.items():
        if path in counts:
            assert f" {counts[path]:,}" in row
    assert rows["top"].endswith("(frozen)")
    assert rows["total"] == f"{sum(counts.values()):,}"
    assert "(6,)" not in net.summary()


@dataclasses.dataclass
class _Count:
    count: int


def _counted(net):
    affine = {path: layer for path, layer in net.named_modules() if isinstance(layer, Affine)}
    return {path: _Count((layer.in_features + 1) * layer.out_features) for path, layer in affine.items()}


# ---------------------------------------------------------------- description


def test_the_code_that_a_net_shows_makes_it(net):
    built = eval(repr(net), {**NAMES, "Residual": Residual})
    assert repr(built) == repr(net)
    assert list(built.parameters) == list(net.parameters)
    assert [p.shape for _, p in built.named_parameters()] == [p.shape for _, p in net.named_parameters()]
    assert built.head.target_names == net.head.target_names
    built.initialize(5)
    net.initialize(5)  # by the same initializers
    x = np.ones((2, 2, 3), np.uint8)
    np.testing.assert_array_equal(built(x), net(x))


def test_parts_cannot_be_replaced_and_what_is_described_is_alive(tmp_path):
    residual = Residual(Affine(3, 3, rng=0))
    with pytest.raises(StructureError, match="Residual: expected 'inner' to stay what it is, got Affine"):
        residual.inner = Affine(3, 3, rng=1)
    with pytest.raises(StructureError, match="'inner' to stay"):
        del residual.inner
    assert residual.config() == {"inner": residual.inner}
    layer = Centered(3)
    layer.momentum = 0.25
    minidl.save(Sequential(layer, Affine(3, 2, rng=0)), tmp_path / "net.npz")
    assert minidl.load(tmp_path / "net.npz", custom=[Centered])[0].momentum == 0.25


def test_an_argument_that_is_not_kept_is_named(tmp_path):
    class Forgetful(ReLU):
        def __init__(self, slope):
            pass

    assert repr(Forgetful(3)) == "Forgetful(...)"
    with pytest.raises(StructureError, match="'slope' to be kept as an attribute.*write self.slope = slope"):
        minidl.save(Sequential(Forgetful(3)), tmp_path / "net.npz")
    assert not (tmp_path / "net.npz").exists()


def test_a_layer_may_be_a_dataclass(tmp_path, make_batch):
    net = Sequential(Gain(6), Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    Trainer(net, SGD(0.1), rng=0).fit(Dataset(*make_batch(40)), epochs=1, batch_size=8)
    assert not np.array_equal(net[0].gain.value, np.full(6, 2))
    minidl.save(net, tmp_path / "net.npz")
    other = minidl.load(tmp_path / "net.npz", custom=[Gain])
    assert (other[0].features, other[0].start) == (6, 2.0)
    np.testing.assert_array_equal(other.parameters.values, net.parameters.values)


def test_dataclasses_of_equal_arguments_are_two_layers():
    net = Sequential(Gain(2), Gain(2))
    assert net[0] is not net[1]
    assert list(net.parameters) == ["gain0.gain", "gain1.gain"]


def test_a_default_that_changes_leaves_old_files_as_they_are(tmp_path, monkeypatch):
    minidl.save(Sequential(Centered(2), Affine(2, 2, rng=0)), tmp_path / "net.npz")
    monkeypatch.setattr(Centered.__init__, "__defaults__", (0.125,))
    assert Centered(2).momentum == 0.125
    assert minidl.load(tmp_path / "net.npz", custom=[Centered])[0].momentum == 0.5


# ---------------------------------------------------------------- states


def test_a_state_is_kept_and_nothing_trains_it(tmp_path, make_batch):
    x, labels = make_batch(40)
    net = Sequential(("first", Centered(6)), Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    assert list(net.parameters) == ["affine0.weight", "affine0.bias"]
    assert list(net.state) == ["first.mean"]
    trainer = Trainer(net, SGD(0.1), rng=0)
    trainer.fit(Dataset(x, labels), steps=1, batch_size=40)
    np.testing.assert_allclose(net["first"].mean.value, 0.5 * x.mean(axis=0), rtol=1e-4, atol=1e-6)
    # The vector is the state.
    np.testing.assert_array_equal(net.state.values[:6], net["first"].mean.value)
    net.state.values[:6] = 7
    assert (net["first"].mean.value == 7).all()
    assert np.shares_memory(net.state.values, net["first"].mean.value)
    minidl.save(net, tmp_path / "net.npz")
    loaded = minidl.load(tmp_path / "net.npz", custom=[Centered])
    for other in (loaded, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(other(x), net(x))
        other.state.values[...] = 0
        assert not other["first"].mean.value.any()
    assert (net["first"].mean.value == 7).all()
    net.initialize(0)
    assert not net["first"].mean.value.any()


def test_a_layer_with_a_state_keeps_the_contract():
    def make(rng, dtype):
        return Centered(3, dtype=dtype)

    # Its mean goes with the batch, which the gradients of this simple one leave out.
    check_layer(make, (3,), rng=0, clauses=["saved_and_loaded"], custom=[Centered])


# ---------------------------------------------------------------- nets that are no row of layers


class Dense(Affine, Net):
    """A net that is one layer."""

    def __init__(self, in_features, out_features, *, rng=None):
        super().__init__(in_features, out_features, rng=rng)
        self.head = MeanSquaredError()


def test_any_layer_with_a_loss_is_a_net(rng):
    x = rng.standard_normal((60, 3))
    targets = x @ [[1.0], [-2.0], [3.0]] + 4
    net = Dense(3, 1, rng=0)
    Trainer(net, SGD(0.1), rng=0).fit(Dataset(x, targets), epochs=60, batch_size=20)
    np.testing.assert_allclose(net.weight.value, [[1], [-2], [3]], atol=0.05)
    np.testing.assert_allclose(net.predict(x), targets, atol=0.1)
    assert net.predict(x).shape == (60, 1)


def test_a_net_lacks_a_forward_of_its_own():
    with pytest.raises(TypeError, match="abstract"):
        Net()
    with pytest.raises(TypeError, match="abstract"):
        Loss()


def test_a_layer_that_takes_no_zeros_predicts_many_rows():
    class Reciprocal(ReLU):
        output_shape = Layer.output_shape

        def forward(self, x, *, training):
            if not x.all():
                raise ZeroDivisionError
            return 1 / x

    net = Sequential(Reciprocal(), Affine(3, 2, rng=0), SoftmaxCrossEntropy())
    assert net.predict(np.full((700, 3), 2.0)).shape == (700,)
