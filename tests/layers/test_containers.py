import copy
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import Affine, Flatten, Layer, Parameter, ReLU, Sequential, SoftmaxCrossEntropy, Standardize
from minidl.errors import (
    DivergedError,
    DTypeError,
    MinidlError,
    MissingPartError,
    ShapeError,
    StateError,
    StructureError,
)
from minidl.initializers import ones
from minidl.testing import check_gradients, check_net_gradients


def random_net(rng, features, classes, depth, dtype=np.float64):
    sizes = [features, *rng.integers(1, 6, depth), classes]
    parts = []
    for index in range(depth + 1):
        parts += [Affine(sizes[index], sizes[index + 1], rng=rng, dtype=dtype), ReLU()]
    return Sequential(*parts[:-1], SoftmaxCrossEntropy())


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3), st.integers(0, 2**32))
def test_gradients(batch, features, classes, depth, seed):
    rng = np.random.default_rng(seed)
    net = random_net(rng, features, classes, depth)
    x, labels = rng.standard_normal((batch, features)), rng.integers(classes, size=batch)
    check_net_gradients(net, x, labels, rng=rng)


def test_gradients_of_a_nested_one(rng):
    inner = Sequential(Affine(3, 4, rng=rng, dtype=np.float64), ReLU())
    net = Sequential(Flatten(), inner, Affine(4, 2, rng=rng, dtype=np.float64))
    check_gradients(net, rng.standard_normal((5, 3, 1)), rng=rng)


def test_names_are_numbered_per_type():
    def names(*between):
        net = Sequential(
            Affine(2, 2), *between, Affine(2, 2), ("scores", Affine(2, 2)), SoftmaxCrossEntropy()
        )
        return list(net.parameters)

    assert names() == names(ReLU()) == [
        "affine0.weight", "affine0.bias", "affine1.weight", "affine1.bias", "scores.weight", "scores.bias",
    ]  # fmt: skip
    nested = Sequential(("body", Sequential(Affine(2, 2))), Affine(2, 2))
    assert list(nested.parameters)[::2] == ["body.affine0.weight", "affine0.weight"]


def test_errors_name_the_path():
    net = Sequential(("body", Sequential(ReLU(), Affine(3, 2))), SoftmaxCrossEntropy())
    with pytest.raises(
        ShapeError, match=r"^Affine 'body.affine0': expected x of shape \(batch, 3\), got \(5, 4\)$"
    ):
        net(np.zeros((5, 4)))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            lambda: [Affine(2, 2), SoftmaxCrossEntropy(), Affine(2, 2)],
            "a loss at the very end only, got Softmax",
        ),
        (
            lambda: [Sequential(Affine(2, 2), SoftmaxCrossEntropy()), ReLU()],
            "no loss inside a nested Sequential",
        ),
        (lambda: [Affine(2, 2), np.tanh], "layers, and a loss at the very end only"),
        (lambda: [("a", ReLU()), ("a", ReLU())], "every part to have a name of its own, got 'a' twice"),
        (
            lambda: [("relu0", Affine(2, 2)), ReLU()],
            r"name of its own, got 'relu0' twice; give this one another, as in \(\"my_relu0\", ReLU\(...\)\)",
        ),
        (lambda: [("layers", ReLU())], "'layers' to stay what it is, .*; .* or give the part another name"),
        (lambda: [("head", ReLU())], r"got 'head', the loss's; give this one another"),
        (lambda: [("a.b", ReLU())], "a part's name to be an identifier"),
        (lambda: [], "at least one layer"),
        (lambda: [SoftmaxCrossEntropy()], "at least one layer"),
        (lambda: [ReLU] * 2, "layers"),
    ],
)
def test_parts_that_make_no_net(parts, message):
    with pytest.raises(StructureError, match=message):
        Sequential(*parts())


def test_dtypes_are_not_mixed():
    with pytest.raises(DTypeError, match="one dtype in all layers"):
        Sequential(Affine(2, 2), Affine(2, 2, dtype=np.float64))
    with pytest.raises(DTypeError, match="one dtype in all layers"):
        Sequential(Standardize(0, 1, dtype=np.float64), Affine(2, 2))


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_public_entries_convert_once(dtype, make_net, rng):
    net, x = make_net(), rng.integers(0, 2, (5, 6)).astype(dtype)
    kept = x.copy()
    for array in (x, x.tolist()):
        assert net(array).dtype == np.float32
        net.predict(array)
        net.loss(array, [0] * 5)
        net.loss_and_gradients(array, [0] * 5)
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("wrong", [np.zeros((2, 6), complex), np.array([["a"] * 6]), np.full((2, 6), None)])
def test_other_dtypes_are_refused(wrong, make_net):
    with pytest.raises(DTypeError, match="Sequential: expected x of a real dtype"):
        make_net()(wrong)


def test_a_number_is_no_batch(make_net):
    with pytest.raises(ShapeError, match=r"x of shape \(batch, ...\)"):
        make_net()(3.0)


def test_public_entries_never_hand_the_callers_array_back(rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    for net in (Sequential(Flatten()), Sequential(ReLU()), Sequential(Flatten(), Flatten())):
        assert not np.shares_memory(net(x), x)
        assert not np.shares_memory(net(x), net(x))


def take_few_rows(monkeypatch, count):
    """Let inference take so few rows at once."""
    monkeypatch.setattr("minidl.net._LEAST_ROWS", count)
    monkeypatch.setattr("minidl.net._MOST_ROWS", count)


def test_chunks_change_nothing(make_net, make_batch, monkeypatch):
    net = make_net(dtype=np.float64)
    x, labels = make_batch(23, dtype=np.float64)
    whole = net(x), net.predict(x), net.predict_probabilities(x), net.loss(x, labels)
    take_few_rows(monkeypatch, 4)
    parts = net(x), net.predict(x), net.predict_probabilities(x), net.loss(x, labels)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    with pytest.raises(ShapeError, match="labels of shape"):
        net.loss(x, labels[:-1])


class Gain(Layer):
    """One number for all features."""

    def __init__(self):
        self.gain = Parameter((), ones, dtype=np.float64)

    def forward(self, x, *, training):
        if training:
            self.remember(x)
        return x * self.gain.value

    def backward(self, dy):
        (x,) = self.recall()
        self.gain.grad[...] = np.sum(x * dy)
        return dy * self.gain.value


def test_a_parameter_may_be_a_single_number(rng):
    net = Sequential(Gain(), SoftmaxCrossEntropy())
    x = rng.standard_normal((5, 3))
    check_net_gradients(net, x, rng.integers(3, size=5), rng=rng)
    np.testing.assert_array_equal(net(x), x)


def test_no_rows_give_no_rows(make_net):
    net, empty = make_net(), np.zeros((0, 6))
    assert net(empty).shape == (0, 4)
    assert net.predict(empty).shape == (0,)
    assert net.predict_probabilities(empty).shape == (0, 4)
    with pytest.raises(ShapeError, match="at least one sample"):
        net.loss(empty, [])


def test_a_net_without_a_loss_says_so():
    net = Sequential(Affine(2, 2))
    for call in (net.loss, net.loss_and_gradients):
        with pytest.raises(
            StructureError, match="a loss as the last part, got none; add SoftmaxCrossEntropy"
        ):
            call(np.zeros((1, 2)), [0])
    for call in (net.predict, net.predict_probabilities):
        with pytest.raises(StructureError, match="a loss as the last part"):
            call(np.zeros((1, 2)))


def test_inputs_gradient_of_the_first_layer_is_never_computed(make_batch, monkeypatch):
    class Counting(Affine):
        calls = 0

        def backward(self, dy):
            type(self).calls += 1
            return super().backward(dy)

    x, labels = make_batch()
    net = Sequential(Standardize(0, 1), Flatten(), Counting(6, 4, rng=0), ReLU(), SoftmaxCrossEntropy())
    net.loss_and_gradients(x, labels)
    assert Counting.calls == 0
    assert (net.parameters.gradients != 0).any()
    with pytest.raises(StateError):  # what was left out is forgotten, not kept for a later backward
        net.backward(np.zeros((8, 4), np.float32))


def test_what_no_backward_will_ask_for_is_forgotten(make_batch):
    x, labels = make_batch()
    net = Sequential(ReLU(), Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    net.loss_and_gradients(x, labels)
    with pytest.raises(StateError):
        net[0].backward(x)


def test_a_net_without_parameters_has_a_loss_still(make_batch):
    x, labels = make_batch(features=4)
    assert Sequential(ReLU(), SoftmaxCrossEntropy()).loss_and_gradients(x, labels) > 0


def state_of(net):
    return [
        {name: repr(value) for name, value in vars(module).items() if not name.startswith("__")}
        for _, module in net.named_modules()
    ]


def test_inference_between_forward_and_backward_changes_nothing(make_net, make_batch):
    x, labels = make_batch()
    nets = [make_net(), make_net()]
    for net, interfere in zip(nets, (False, True), strict=True):
        net.parameters  # noqa: B018
        scores = net.forward(x, training=True)
        net.head.forward(scores, labels, training=True)
        if interfere:
            before = state_of(net)
            other = np.ones((3, 6))
            net(other), net.predict(other), net.predict_probabilities(other), net.loss(other, [0, 1, 2])
            assert state_of(net) == before
        net.backward(net.head.backward())
    np.testing.assert_array_equal(nets[0].parameters.gradients, nets[1].parameters.gradients)


def test_eight_threads_predict_at_once(make_net, make_batch):
    net = make_net(hidden=64)
    batches = [make_batch(400, seed=seed)[0] for seed in range(8)]
    expected = [net(x) for x in batches]
    agreed = []
    barrier = threading.Barrier(8)

    def predict(index):
        barrier.wait()
        for _ in range(50):
            scores = net(batches[index])
            agreed.append(np.array_equal(scores, expected[index]))

    threads = [threading.Thread(target=predict, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(agreed) == 400
    assert all(agreed)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("rows", [[2], [0, 5, 11], range(23)])
def test_scores_that_are_not_finite_have_no_class(value, rows, make_net, make_batch, monkeypatch):
    net = make_net(dtype=np.float64)
    x, _ = make_batch(23, dtype=np.float64)
    x[list(rows)] = value
    if value == np.inf:
        net["affine0"].weight.value[...] = np.abs(net["affine0"].weight.value)
        net["affine1"].weight.value[...] = np.abs(net["affine1"].weight.value)
    named = ", ".join(map(str, list(rows)[:5])) + (", ..." if len(rows) > 5 else "")
    expected = f"got none in {len(rows)} of 23 rows of x: {named}; look for NaN"
    for count in (512, 4):
        take_few_rows(monkeypatch, count)
        with pytest.raises(DivergedError, match=expected) as caught:
            net.predict(x)
        assert ("net.parameters.values" in str(caught.value)) == (len(rows) == 23)
    with np.errstate(all="ignore"):
        scores, probabilities = net(x), net.predict_probabilities(x)
    for array in (scores, probabilities):
        np.testing.assert_array_equal(np.isfinite(array).all(axis=1), ~np.isin(np.arange(23), list(rows)))
    assert np.isnan(probabilities[list(rows)]).any(axis=1).all()


def test_rows_are_counted_over_the_whole_input(make_net, rng, monkeypatch):
    net = make_net()
    take_few_rows(monkeypatch, 10)
    x = rng.standard_normal((95, 6))
    x[[3, 41, 94]] = np.nan
    with pytest.raises(DivergedError, match="none in 3 of 95 rows of x: 3, 41, 94;"):
        net.predict(x)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(net(x)).all(axis=1)), [3, 41, 94])


def test_one_infinite_score_below_a_finite_one_is_a_class():
    net = Sequential(ReLU(), SoftmaxCrossEntropy())
    net.layers[0].forward = lambda x, *, training: np.where(x < 0, -np.inf, x)
    np.testing.assert_array_equal(net.predict(np.array([[-1.0, 2.0], [3.0, -1.0]])), [1, 0])


@pytest.mark.parametrize(
    ("make_wrong", "message", "mend"),
    [
        (np.ma.masked_array, r"x with a value everywhere, got a masked array; .*\.filled",
         lambda x: x.filled(0)),
        (lambda x: x[0], r"x of shape \(batch, 6\), got \(6,\), that of one sample; write x\[None\]",
         lambda x: x[None]),
        (lambda x: [*x.tolist(), [1.0]], "x that form one array", lambda x: x[:-1]),
        (lambda x: x.astype(str), "x of a real dtype, got <U", lambda x: x.astype(np.float32)),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "body", [(), (Flatten(),), (Standardize(0, 1),), (Standardize(np.zeros(6), 1), Flatten())]
)
@pytest.mark.parametrize(
    "call", ["__call__", "predict", "predict_probabilities", "loss", "loss_and_gradients"]
)
def test_what_is_no_batch_is_refused_and_the_remedy_works(call, body, make_wrong, message, mend, make_batch):
    net = Sequential(*copy.deepcopy(body), Affine(6, 4, rng=0), SoftmaxCrossEntropy())
    x, labels = make_batch()
    wrong = make_wrong(x)
    targets = (labels[: len(mend(wrong))],) if "loss" in call else ()
    with pytest.raises(MinidlError, match=f"^Sequential: expected {message}"):
        getattr(net, call)(wrong, *targets)
    getattr(net, call)(mend(wrong), *targets)


def test_one_sample_of_many_numbers_is_told_from_a_batch(digits, monkeypatch):
    images = digits.train.features
    net = Sequential(Standardize(8, 6), Flatten(), Affine(64, 10, rng=0), SoftmaxCrossEntropy())
    take_few_rows(monkeypatch, 2)  # fewer than the sample's own rows
    with pytest.raises(
        ShapeError, match=r"x of shape \(batch, 8, 8\), got \(8, 8\), that of one sample; write"
    ):
        net.predict(images[0])
    assert net.predict(images[0][None]).shape == (1,)
    with pytest.raises(ShapeError, match=r"got \(2, 7\); the net was given x of shape \(7, 7, 1\)$"):
        net.predict(images[:7, :7, :1])


class Gives(ReLU):
    """Gives something else than a batch, in training, in inference or in both."""

    def __init__(self, wrong, when):
        self.wrong, self.when = wrong, when

    def forward(self, x, *, training):
        y = super().forward(x, training=training)
        return self.wrong(y) if training in self.when else y


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        (lambda y: None, "None"),
        (lambda y: y.tolist(), r"\[\["),
        (lambda y: y[:3], r"ndarray of shape \(3, \d\)"),
        (lambda y: y.sum(), "np.float32|[0-9-]"),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_custom_layer_that_gives_no_batch_is_named(position, wrong, got, make_batch):
    x, labels = make_batch()
    for when, call in (
        (True, "loss_and_gradients"),
        (False, "loss"),
        (False, "predict"),
        (False, "__call__"),
    ):
        layers = [Affine(6, 5, rng=0), Affine(5, 4, rng=0)]
        layers.insert(position, Gives(wrong, [when]))
        net = Sequential(*layers, SoftmaxCrossEntropy())
        expected = f"^Gives 'gives0': expected its forward to return an array of 8 rows, .*, got ({got})"
        with pytest.raises(ShapeError, match=expected):
            getattr(net, call)(x, *([labels] if "loss" in call else []))
        inner = Sequential(("inner", Sequential(*copy.deepcopy(layers))), SoftmaxCrossEntropy())
        with pytest.raises(ShapeError, match=r"Gives 'inner\.gives0'"):
            getattr(inner, call)(x, *([labels] if "loss" in call else []))


def test_an_error_of_a_custom_layers_own_comes_through(make_batch):
    class Broken(ReLU):
        def forward(self, x, *, training):
            raise ZeroDivisionError("mine")

    net = Sequential(Affine(6, 4, rng=0), Broken(), SoftmaxCrossEntropy())
    x, labels = make_batch()
    for call in (lambda: net.predict(x), lambda: net.loss_and_gradients(x, labels)):
        with pytest.raises(ZeroDivisionError, match="mine") as caught:
            call()
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("parts", [lambda layers: [layers], lambda layers: [tuple(layers)]])
def test_a_list_of_layers_is_refused_and_the_remedy_works(parts):
    layers = [Affine(2, 3), ReLU(), Affine(3, 2)]
    with pytest.raises(StructureError, match=r"as part 0 of 1; unpack them: Sequential\(\*layers\)"):
        Sequential(*parts(layers))
    assert len(Sequential(*layers)) == 3


def test_reads_like_a_list(make_net):
    net = make_net()
    assert len(net) == 3
    assert list(net) == [net[0], net["relu0"], net[-1]]
    with pytest.raises(KeyError, match="no layer 'relu1'; there are affine0, relu0, affine1, head"):
        net["relu1"]
    assert net["head"] is net.head
    for key in (7, None):
        with pytest.raises(MissingPartError, match="there are affine0, relu0, affine1, head"):
            net[key]
    with pytest.raises(IndexError):
        net[7]
    assert repr(net) == "Sequential(Affine(6, 5), ReLU(), Affine(5, 4), SoftmaxCrossEntropy())"
