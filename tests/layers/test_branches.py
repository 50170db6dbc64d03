import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import Affine, Flatten, Layer, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.errors import DataError, DTypeError, MinidlError, ShapeError, StructureError
from minidl.layers import Add, Columns, Concat, Residual

sides = st.integers(1, 4)


class Lookup(Layer):
    """Rows of a fixed table by index."""

    accepts = "index"

    def __init__(self, table):
        self.table = np.array(table)

    def forward(self, x, *, training):
        assert x.dtype == np.int64
        return self.table[x]

    def backward(self, dy):
        return np.zeros(dy.shape[:1])


def value_of(layer, x):
    return layer.forward(x, training=False)


@given(sides, sides, st.integers(1, 3), st.integers(0, 2**16))
def test_they_are_their_formulas(features, out, count, seed):
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((5, features)), rng.standard_normal((5, out))
    weights = rng.standard_normal((count, features, out))

    def branches():
        layers = [Affine(features, out, dtype=np.float64) for _ in weights]
        for layer, weight in zip(layers, weights, strict=True):
            layer.weight.value[...] = weight
        return layers

    add, joined = Add(*branches()), Concat(*branches())
    np.testing.assert_allclose(value_of(add, x), x @ weights.sum(0), atol=1e-12)
    np.testing.assert_allclose(value_of(joined, x), np.hstack(list(x @ weights)), atol=1e-12)
    way = Residual(*branches()[:1], shortcut=branches()[-1])
    np.testing.assert_allclose(value_of(way, x), x @ weights[0] + x @ weights[-1], atol=1e-12)
    for layer, gradient in ((add, dy), (joined, np.hstack([dy] * count))):
        layer.forward(x, training=True)
        np.testing.assert_allclose(layer.backward(gradient), dy @ weights.sum(0).T, atol=1e-12)
        assert [path for path, _ in layer.named_parameters()] == [
            f"affine{i}.{name}" for i in range(count) for name in ("weight", "bias")
        ]


@pytest.mark.parametrize("axis", [1, 2, 3])
def test_images_are_joined_along_an_axis(axis, rng):
    x = rng.standard_normal((2, 3, 4, 5))
    layer = Concat(ReLU(), ReLU(), axis=axis)
    expected = np.concatenate([np.maximum(x, 0)] * 2, axis)
    np.testing.assert_array_equal(value_of(layer, x), expected)
    assert layer.output_shape(x.shape[1:]) == expected.shape[1:]


def test_columns_go_to_their_layers(rng):
    table = np.array([[0.5, 2, 7, -1], [1.5, 0, 8, 3]])
    rows = rng.standard_normal((3, 2))
    layer = Columns({"code": (1, Lookup(rows)), "sizes": ([3, 0, 3], ReLU()), "rest": (slice(2, 3), ReLU())})
    expected = np.hstack([rows[[2, 0]], np.maximum(table[:, [3, 0, 3]], 0), table[:, 2:3]])
    np.testing.assert_array_equal(value_of(layer, table), expected)
    layer.forward(table, training=True)
    dx = layer.backward(np.arange(12.0).reshape(2, 6))
    np.testing.assert_array_equal(dx, [[3, 0, 5, 0], [9, 0, 11, 8 + 10]])


def test_a_net_of_integers_keeps_its_codes_apart():
    """A code that float32 does not hold is an index all the same."""
    code = 2**24 + 1

    class Parity(Lookup):
        def forward(self, x, *, training):
            return (x[:, None] % 2).astype(np.float32)

    body = Columns({"code": (0, Parity([[0.0]])), "size": ([1], Standardize(0, 1))})
    net = Sequential(body, Affine(2, 2, rng=0), SoftmaxCrossEntropy())
    scores = net(np.array([[code, 0], [code - 1, 0]]))
    assert not np.array_equal(scores[0], scores[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_without_a_dtype_get_their_columns_in_the_nets(dtype):
    columns = Columns({"a": ([0, 1], ReLU()), "b": (0, Flatten())})
    net = Sequential(columns, Affine(3, 2, rng=0, dtype=dtype), SoftmaxCrossEntropy())
    table = np.array([[1, -2], [0, 3]])
    scores = net(table)
    assert scores.dtype == dtype
    np.testing.assert_array_equal(scores, net(table.astype(dtype)))
    assert net.loss_and_gradients(table, [0, 1]) == net.loss_and_gradients(table.astype(dtype), [0, 1])


def test_containers_are_saved_with_their_names(tmp_path, rng):
    body = Concat(
        (
            "wide",
            Residual(
                Affine(3, 3, rng=rng), ReLU(), ("last", Affine(3, 4, rng=rng)), shortcut=Affine(3, 4, rng=rng)
            ),
        ),
        Add(ReLU(), ReLU()),
    )
    net = Sequential(body, Affine(7, 2, rng=rng), SoftmaxCrossEntropy())
    minidl.save(net, tmp_path / "net.npz")
    loaded = minidl.load(tmp_path / "net.npz")
    x = rng.standard_normal((4, 3))
    np.testing.assert_array_equal(loaded(x), net(x))
    assert repr(loaded) == repr(net)
    assert "concat0.wide.last.weight" in loaded.parameters
    assert "concat0.wide.shortcut.bias" in loaded.parameters


def test_columns_are_saved(tmp_path, rng):
    layer = Columns(
        {"a": (slice(0, 2), Affine(2, 2, rng=rng)), "b": ([2, 0], ReLU()), "c": (slice(2, None), ReLU())}
    )
    net = Sequential(layer, Affine(5, 2, rng=rng), SoftmaxCrossEntropy())
    minidl.save(net, tmp_path / "net.npz")
    loaded = minidl.load(tmp_path / "net.npz")
    np.testing.assert_array_equal(loaded(np.eye(3)), net(np.eye(3)))
    code = repr(net)
    assert "{'a': (slice(0, 2, None), Affine(2, 2)), 'b': ([2, 0], ReLU()), 'c'" in code


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Residual(Affine(3, 4)),
            ShapeError,
            r"give \(3,\), the shape of the input itself, got \(4,\)",
        ),
        (
            lambda: Residual(Affine(3, 4), shortcut=Affine(3, 5)),
            ShapeError,
            r"give \(5,\), the shape of Affine 'shortcut', got \(4,\)",
        ),
        (lambda: Residual(ReLU(), shortcut=np.tanh), StructureError, "shortcut to be of class Layer"),
        (
            lambda: Add(Affine(3, 4), ("b", Affine(3, 5))),
            ShapeError,
            r"one shape, got \(4,\) of Affine 'affine0', \(5,\) of Affine 'b'",
        ),
        (
            lambda: Add(Affine(3, 4), ("b", Affine(4, 4))),
            ShapeError,
            r"'b': expected samples of shape \(4,\), got \(3,\)",
        ),
        (lambda: Add(), StructureError, "at least one layer"),
        (lambda: Add([ReLU()]), StructureError, r"unpack them: Add\(\*layers\)"),
        (lambda: Add(ReLU(), SoftmaxCrossEntropy()), StructureError, "expected layers, got"),
        (lambda: Add(Affine(3, 3), Affine(3, 3, dtype=np.float64)), DTypeError, "one dtype"),
        (lambda: Add(Affine(3, 3), Standardize(0, 1)), StructureError, "one kind of input"),
        (lambda: Residual(Affine(3, 3), shortcut=Standardize(0, 1)), StructureError, "accepts float"),
        (lambda: Concat(ReLU(), axis=0), MinidlError, "axis to be a whole number >= 1, got 0"),
        (lambda: Concat(Affine(3, 4), ReLU(), axis=2), ShapeError, "but along axis 2"),
        (
            lambda: value_of(Concat(ReLU(), Flatten()), np.ones((2, 3, 3))),
            ShapeError,
            "one shape but along axis 1",
        ),
        (lambda: value_of(Add(ReLU(), Flatten()), np.ones((2, 3, 3))), ShapeError, "one shape"),
        (lambda: value_of(Residual(Flatten()), np.ones((2, 3, 3))), ShapeError, "shortcut="),
        (lambda: Sequential(Affine(3, 4), ReLU(), Affine(5, 2)), ShapeError, r"shape \(5,\), got \(4,\)"),
        (lambda: Sequential(Sequential(Affine(3, 4)), Affine(5, 2)), ShapeError, r"shape \(5,\), got \(4,\)"),
        (lambda: Columns({"a": ([0, 1], Affine(3, 2))}), ShapeError, r"'a': .* shape \(3,\), got \(2,\)"),
        (lambda: Columns([ReLU()]), StructureError, "a dict of name"),
        (lambda: Columns({"a": ReLU()}), StructureError, "a dict of name"),
        (lambda: Columns({"a": (-1, ReLU())}), MinidlError, "columns of 'a' to be a whole number >= 0"),
        (lambda: value_of(Columns({"a": ([0, 3], ReLU())}), np.ones((2, 3))), ShapeError, "got 3 columns"),
        (
            lambda: value_of(Columns({"a": (0, ReLU())}), np.ones((2, 3))),
            ShapeError,
            r"end it with Flatten\(\)",
        ),
        (lambda: value_of(Columns({"a": ([0], ReLU())}), np.ones(3)), ShapeError, r"\(batch, columns\)"),
        (
            lambda: value_of(Columns({"a": (1, Lookup([[1.0]]))}), np.array([[0, 0.0], [0, 0.5]])),
            DataError,
            "whole numbers in the columns 1 of 'a', got 0.5 in row 1",
        ),
    ],
)
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()
