import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minidl import (
    L2,
    SGD,
    Accuracy,
    Affine,
    EarlyStopping,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Standardize,
    StepDecay,
    Trainer,
    advice,
    checks,
    evaluate,
)
from minidl.checks import check_array, check_float, check_int
from minidl.classic import TwoLayerNet
from minidl.data import Dataset
from minidl.errors import ConfigurationError, DataError, DTypeError, MinidlError
from minidl.layers import Residual
from minidl.plots import plot_weights
from minidl.recipes import mlp
from minidl.testing import (
    check_gradients,
    check_layer,
    check_loss,
    check_loss_gradients,
    check_net_gradients,
)
from minidl.transforms import MixUp


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_check_float_passes_numbers_through(value):
    assert check_float("here", "it", value) == value
    assert type(check_float("here", "it", np.float32(1.5))) is float


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "0.1", None, True, [1], 1j])
def test_check_float_refuses(value):
    with pytest.raises(ConfigurationError, match=r"here: expected it to be a finite number > 0"):
        check_float("here", "it", value, above=0)


@pytest.mark.parametrize("value", [0, -3, 1.0, "1", None, True])
def test_check_int_refuses(value):
    with pytest.raises(ConfigurationError, match="here: expected it to be a whole number >= 1"):
        check_int("here", "it", value, at_least=1)


def test_check_int_takes_numpy_integers():
    assert check_int("here", "it", np.int16(3), at_least=1) == 3


@given(hnp.arrays(hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.floating_dtypes(), hnp.array_shapes()))
def test_check_array_passes_real_arrays_through_and_reads_lists(array):
    assert check_array("here", "x", array) is array
    array.flags.writeable = False
    assert check_array("here", "x", array[::-1].T).base is not None
    listed = check_array("here", "x", array.tolist())
    np.testing.assert_array_equal(listed, array)
    assert listed.shape == array.shape


class _Unreadable:
    def __array__(self, *_, **__):
        raise RuntimeError("no way")


class _Sparse:
    nnz = 3

    def toarray(self):
        return np.eye(3)


def _masked(shape):
    return np.ma.masked_array(np.zeros(shape), np.arange(np.prod(shape)).reshape(shape) == 1)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (_masked((2, 3)), DataError, "x with a value everywhere, got a masked array; .*filled"),
        (np.ma.masked_array(np.zeros((2, 3))), DataError, "a masked array"),
        ([_masked(3), np.zeros(3)], DataError, "a masked array"),
        ([[np.zeros(3), _masked(3)], [np.zeros(3), np.zeros(3)]], DataError, "a masked array"),
        ((np.zeros(2), [np.ma.masked_array(1.0), 2.0]), DataError, "a masked array"),
        (np.ma.masked, DataError, "a masked array"),
        (_Sparse(), DataError, r"x to be a dense array, got a sparse _Sparse; .*\.toarray\(\)"),
        (_Unreadable(), DataError, "x that form one array, got no way"),
        ([[1.0, 2.0], [3.0]], DataError, "x that form one array, got .*; .*rows of one length"),
        ([["a"], ["b"]], DTypeError, "x of a real dtype, got <U1; give numbers"),
        ([[None], [1]], DTypeError, "got object"),
        ([b"a"], DTypeError, r"got \|S1"),
        ([1j], DTypeError, r"got complex128; give \.real"),
        ([10**30], DTypeError, "got object"),
        (np.array(["2020-01-01"], "M8[D]"), DTypeError, r"got datetime64\[D\]"),
        (np.zeros(2, [("a", "f4"), ("b", "f4")]), DTypeError, r"structured_to_unstructured\(x\)"),
        (None, DTypeError, "got None; give an array"),
        ("word", DTypeError, "got 'word'; give an array"),
        ({1: 2}, DTypeError, "got {1: 2}; give an array"),
        (iter([1]), DTypeError, "got <list_it"),
    ],
)
def test_check_array_refuses_what_is_no_array_of_numbers(values, error, words):
    with pytest.raises(error, match=f"^here: expected .*{words}"):
        check_array("here", "x", values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros(3), r"labels of an integer dtype, got float64; .*astype\(np.int64\)"),
        ([True], "an integer dtype, got bool"),
        (["a", "b"], r"np.unique\(labels, return_inverse=True\)\[1\]"),
        (np.array(["a", "b"], object), r"np.unique\(labels, return_inverse=True\)\[1\]"),
    ],
)
def test_check_array_refuses_labels_that_are_no_integers(values, words):
    with pytest.raises(DataError, match=words):
        check_array("here", "labels", values, kinds="iu", dtype_error=DataError)


def test_a_frame_is_read_and_its_columns_without_numbers_are_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "c": [True, False]})
    np.testing.assert_array_equal(check_array("here", "x", frame[["a"]]), [[1.0], [2.0]])
    with pytest.raises(DTypeError, match=r"a frame with column 'b' \("):
        check_array("here", "x", frame)
    with pytest.raises(DTypeError, match=r"mixed dtypes.*\.to_numpy\(np.float32\)"):
        check_array("here", "x", frame[["a", "c"]])
    dummies = pandas.get_dummies(frame, dtype=float)
    for values in (frame[["a", "c"]].to_numpy(np.float32), dummies.to_numpy(np.float32)):
        assert check_array("here", "x", values).shape == (2, values.shape[1])


def test_a_sparse_matrix_is_refused_and_its_remedy_works():
    sparse = pytest.importorskip("scipy.sparse")
    for matrix in (sparse.eye_array(3).tocsr(), sparse.coo_matrix(np.eye(3))):
        with pytest.raises(DataError, match="dense array, got a sparse"):
            check_array("here", "x", matrix)
        assert check_array("here", "x", matrix.toarray()).shape == (3, 3)


def test_looking_for_masks_imports_nothing():
    code = "import sys, minidl.checks as c; c.check_array('', '', [[1.0]]); print('numpy.ma' in sys.modules)"
    plain = "import sys, numpy; print('numpy.ma' in sys.modules)"
    run = [
        subprocess.run([sys.executable, "-c", text], capture_output=True, check=True).stdout
        for text in (code, plain)
    ]
    assert run[0] == run[1]


MASKED = np.ma.masked_array(np.ones((4, 3)), np.eye(4, 3))
MASKED_LABELS = np.ma.masked_array([0, 1, 0, 1], [0, 1, 0, 0])


def _takers():
    """Every public place where an array is taken, given a masked one there."""
    x, labels = np.ones((4, 3)), np.array([0, 1, 0, 1])
    net = mlp(3, [4], 2, rng=0, dtype=np.float64)
    classic, loss, trainer = TwoLayerNet(3, 4, 2, rng=0), SoftmaxCrossEntropy(), SGD(0.1, momentum=0.9)
    trained = {"lr": 0.1, "steps": 0, "velocity": MASKED[0]}
    input_of = {"input_shape": (3,), "make_input": lambda rng, shape, dtype: MASKED}
    return {
        "Dataset features": lambda: Dataset(MASKED, labels),
        "Dataset targets": lambda: Dataset(x, MASKED_LABELS),
        "Dataset rows": lambda: Dataset(list(MASKED), labels),
        "Dataset index": lambda: Dataset(x, labels)[MASKED_LABELS],
        "net": lambda: net(MASKED),
        "predict": lambda: net.predict(MASKED),
        "predict_probabilities": lambda: net.predict_probabilities(MASKED),
        "score_chunks": lambda: next(net.score_chunks(MASKED)),
        "loss x": lambda: net.loss(MASKED, labels),
        "loss targets": lambda: net.loss(x, MASKED_LABELS),
        "loss_and_gradients x": lambda: net.loss_and_gradients(MASKED, labels),
        "loss_and_gradients targets": lambda: net.loss_and_gradients(x, MASKED_LABELS),
        "forward_backward": lambda: net.forward_backward(MASKED, labels),
        "head scores": lambda: loss.forward(MASKED, labels, training=False),
        "head targets": lambda: loss.forward(x, MASKED_LABELS, training=True),
        "head probabilities": lambda: loss.probabilities(MASKED),
        "head predict": lambda: loss.predict(MASKED),
        "Standardize mean": lambda: Standardize(MASKED[0], 1.0),
        "Standardize scale": lambda: Standardize(0.0, MASKED[0]),
        "Standardize.fit": lambda: Standardize.fit(MASKED),
        "TwoLayerNet.loss": lambda: classic.loss(MASKED, labels),
        "TwoLayerNet.loss y": lambda: classic.loss(x, MASKED_LABELS),
        "TwoLayerNet.predict": lambda: classic.predict(MASKED),
        "TwoLayerNet.train": lambda: classic.train(x, labels, MASKED, labels),
        "TwoLayerNet.params": lambda: classic.params.__setitem__("b2", MASKED[0, :2]),
        "initializer": lambda: Affine(4, 3, initializer=lambda rng, shape, dtype: MASKED),
        "optimizer": lambda: trainer.load_state_dict(trained),
        "plot_weights": lambda: plot_weights(MASKED, (2, 2), "weights.png"),
        "check_gradients": lambda: check_gradients(Affine(3, 2, dtype=np.float64), MASKED),
        "check_loss_gradients": lambda: check_loss_gradients(loss, MASKED, labels),
        "check_loss_gradients targets": lambda: check_loss_gradients(loss, x, MASKED_LABELS),
        "check_net_gradients": lambda: check_net_gradients(net, MASKED, labels),
        "check_net_gradients targets": lambda: check_net_gradients(net, x, MASKED_LABELS),
        "check_layer": lambda: check_layer(lambda rng, dtype: Affine(3, 2, dtype=dtype), **input_of),
        "check_loss": lambda: check_loss(SoftmaxCrossEntropy, make_targets=lambda *_: MASKED_LABELS),
    }


@pytest.mark.parametrize("place", _takers())
def test_a_masked_array_is_refused_wherever_an_array_is_taken(place):
    with pytest.raises(MinidlError, match=r"a masked array.*(\n.*)*filled"):
        _takers()[place]()


@pytest.mark.parametrize(
    ("check", "right", "wrong", "expected"),
    [
        (checks.check_number, [1, 1.5, np.float32(2), np.array(3.0), float("nan")],
         [None, True, np.True_, "1", b"1", [1.0], np.ones(1), 1j], "it to be a number"),
        (checks.check_bool, [True, False, np.True_], [None, 0, 1, "yes", np.ones(2, bool)],
         "it to be True or False"),
        (lambda *args: checks.check_choice(*args, ("a", "b")), ["a", "b"], ["c", "", None, ["a"], np.ones(2)],
         "it to be one of 'a', 'b'"),
        (lambda *args: checks.check_kind(*args, dict), [{}, {1: 2}], [None, [], dict],
         "it to be of class dict"),
        (lambda *args: checks.check_list(*args, str, "names"), [[], ["a"], ("a", "b")],
         [None, "a", ["a", 1], {"a"}, iter("a")], "it to be a list of names"),
        (lambda *args: checks.check_callable(*args, "x", "y"),
         [max, np.add, lambda x, y: 0, lambda *args: 0, lambda x, y=1, *, z=2: 0],
         [None, "max", lambda: 0, lambda x: 0, lambda x, y, z: 0, lambda x, y, *, z: 0, object],
         r"it to be a function \(x, y\)"),
        (lambda *args: checks.check_sizes(*args, at_least=1),
         [3, np.int8(3), (3, 4), [3], np.array([3, 4]), range(1, 3), ()],
         [None, 0, [3, 0], 1.5, "34", {3}, [[3]], np.array([3.0]), np.ones((2, 2), int), True],
         "it to be whole numbers >= 1"),
        (checks.check_shape, [(), (3, 0), 7], [(10**12,), 10**30, (10**6,) * 3, (0, 10**30)],
         "it of 32 axes and 68,719,476,736 numbers at most"),
    ],
)  # fmt: skip
def test_checks_pass_what_is_right_and_name_what_is_not(check, right, wrong, expected):
    for value in right:
        check("here", "it", value)
    for value in wrong:
        with pytest.raises(ConfigurationError, match=f"^here: expected {expected}, got ") as caught:
            check("here", "it", value)
        assert len(str(caught.value)) < 250


def test_dtypes_are_checked():
    for dtype in (np.float32, "float64", np.dtype("f4"), float):
        assert checks.check_dtype("here", dtype) in (np.float32, np.float64)
    for wrong in (None, int, "half a float", 3, np.ones(2), [("a", "f4")]):
        with pytest.raises(DTypeError, match="^here: expected dtype float32 or float64, got "):
            checks.check_dtype("here", wrong)


class _Bad:
    def __repr__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 4)), "ndarray of shape (3, 4)"),
        (np.array(1.5), "array(1.5)"),
        ("word", "'word'"),
        (_Bad(), "<_Bad instance at 0x"),
        (lambda: 10**5000, "int"),
        ("a\nb" * 1000, "'a\\nb"),
        ([[1.0] * 1000] * 1000, "[[1.0, "),
    ],
)
def test_values_are_shown_in_one_short_line(value, text):
    shown = advice.shown(value() if callable(value) else value)
    assert shown.startswith(text)
    assert len(shown) < 110
    assert "\n" not in shown


class Part:
    """What is to be handed over as an object."""


@pytest.mark.parametrize(
    ("check", "value", "remedy"),
    [
        (lambda *args: checks.check_kind(*args, Part), Part, r"give an object, Part\(...\), not the class"),
        (lambda *args: checks.check_list(*args, Part, "parts"), Part, r"give an object, Part\(...\)"),
        (lambda *args: checks.check_list(*args, Part, "parts"), [Part(), Part], r"give an object, Part"),
        (lambda *args: checks.check_list(*args, Part, "parts"), Part(), r"write a list: \[Part\(...\)\]"),
        (lambda *args: checks.check_list(*args, Callable, "classes"), Part, r"write a list: \[Part\]"),
        (lambda *args: checks.check_list(*args, str, "names"), "a", r"write a list: \['a'\]"),
    ],
)  # fmt: skip
def test_a_class_for_an_object_and_one_for_a_list_are_told_apart(check, value, remedy):
    with pytest.raises(ConfigurationError, match=f"; {remedy}"):
        check("here", "it", value)


@pytest.mark.parametrize(
    "build",
    [
        lambda net: Trainer(net, SGD),
        lambda net: Trainer(net, SGD(0.1), scheduler=StepDecay),
        lambda net: Trainer(net, SGD(0.1), regularizer=L2),
        lambda net: Trainer(net, SGD(0.1), metrics=[Accuracy]),
        lambda net: Trainer(net, SGD(0.1), callbacks=[EarlyStopping]),
        lambda net: Trainer(Sequential, SGD(0.1)),
        lambda net: Trainer(net, SGD(0.1)).fit(Dataset, steps=1),
        lambda net: Trainer(net, SGD(0.1)).fit(Dataset([[0.0] * 3], [0]), steps=1, transform=MixUp),
        lambda net: evaluate(Sequential, Dataset([[0.0]], [0])),
        lambda net: Sequential(ReLU),
        lambda net: Sequential(Affine(3, 2), SoftmaxCrossEntropy),
        lambda net: Residual(Affine(3, 3), shortcut=ReLU),
        lambda net: mlp(3, [2], 2, loss=SoftmaxCrossEntropy),
    ],
)
def test_a_class_is_named_wherever_a_user_hands_over_an_object(build):
    with pytest.raises(MinidlError, match=r"; give an object, \w+\(\.\.\.\), not the class$"):
        build(Sequential(Affine(3, 2, rng=0), SoftmaxCrossEntropy()))
