import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SoftmaxCrossEntropy
from minidl.errors import (
    ConfigurationError,
    DataError,
    DivergedError,
    DTypeError,
    MinidlError,
    ShapeError,
    StateError,
)
from minidl.metrics import Accuracy
from minidl.testing import check_loss_gradients

sizes = st.integers(1, 7)


@given(sizes, sizes, st.integers(0, 2**32))
def test_gradients(batch, classes, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((batch, classes)), rng.integers(classes, size=batch)
    check_loss_gradients(SoftmaxCrossEntropy(), scores, labels, rng=rng)


@given(sizes, sizes, st.floats(0.1, 100), st.integers(0, 2**32))
def test_loss_is_the_mean_of_minus_log_probability(batch, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores, labels = scale * rng.standard_normal((batch, classes)), rng.integers(classes, size=batch)
    loss = SoftmaxCrossEntropy()
    probabilities = loss.probabilities(scores)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    total = sum(np.logaddexp.reduce(row) - row[label] for row, label in zip(scores, labels, strict=True))
    for training in (False, True):
        value = loss.forward(scores, labels, training=training)
        assert type(value) is float
        assert value == pytest.approx(total / batch, rel=1e-12, abs=1e-12)
    np.testing.assert_array_equal(loss.predict(scores), scores.argmax(axis=1))


@pytest.mark.parametrize("label", [0, 1])
def test_extreme_scores_stay_finite_in_float32(label):
    loss = SoftmaxCrossEntropy()
    scores = np.array([[1e4, -1e4]], np.float32)
    assert loss.forward(scores, [label], training=True) == 2e4 * label
    np.testing.assert_array_equal(loss.backward(), [[label, -label]])
    np.testing.assert_array_equal(loss.probabilities(scores), [[1, 0]])


def test_a_large_batch_adds_up_in_float64():
    scores = np.zeros((2**20, 3), np.float32)
    value = SoftmaxCrossEntropy().forward(scores, np.zeros(2**20, int), training=False)
    assert value == pytest.approx(np.log(3), rel=1e-7)


def test_nan_gives_nan():
    assert np.isnan(SoftmaxCrossEntropy().forward(np.array([[np.nan, 0]]), [0], training=False))


@pytest.mark.parametrize(
    ("row", "label"),
    [
        ([np.nan, 0.0], None),
        ([0.0, np.nan], None),
        ([np.inf, 0.0], None),
        ([-np.inf, -np.inf], None),
        ([np.nan, np.nan], None),
        ([-np.inf, 1.0], 1),
        ([1e30, -1e38], 0),  # the squares of these overflow
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_has_the_class_of_its_highest_score_if_that_is_finite(row, label, dtype):
    loss = SoftmaxCrossEntropy()
    scores = np.array([[0.0, 1.0], row, [1.0, 0.0]], dtype)
    if label is None:
        with pytest.raises(
            DivergedError, match="a finite score for the class, got none in 1 of 3 rows of x: 1;"
        ):
            loss.predict(scores)
        assert np.isnan(loss.probabilities(scores)[1]).any()
    else:
        np.testing.assert_array_equal(loss.predict(scores), [1, label, 0])
    np.testing.assert_allclose(loss.probabilities(scores)[[0, 2]].sum(axis=1), 1, rtol=1e-6)


@given(st.integers(1, 50), st.sets(st.integers(0, 49)))
def test_rows_without_a_class_are_named_up_to_five(count, rows):
    rows = sorted(row for row in rows if row < count)
    scores = np.zeros((count, 3))
    scores[rows, np.arange(len(rows)) % 3] = np.nan
    if not rows:
        assert (SoftmaxCrossEntropy().predict(scores) == 0).all()
        return
    with pytest.raises(DivergedError) as caught:
        SoftmaxCrossEntropy().predict(scores)
    named = str(caught.value).split("rows of x: ")[1].split(";")[0]
    assert named == ", ".join([*map(str, rows[:5]), *(["..."] if len(rows) > 5 else [])])
    assert f"none in {len(rows)} of {count} rows" in str(caught.value)


def test_arguments_are_left_alone(rng):
    scores, labels = rng.standard_normal((4, 3)), np.array([0, 1, 2, 1])
    kept = scores.copy(), labels.copy()
    scores.flags.writeable = labels.flags.writeable = False
    loss = SoftmaxCrossEntropy()
    loss.forward(scores, labels, training=True)
    loss.backward()
    loss.probabilities(scores)
    loss.predict(scores)
    np.testing.assert_array_equal(scores, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 3], DataError, "labels from 0 to 2, one for each of 3 scores, got 3"),
        ([0, -1], DataError, "labels from 0 to 2, one for each of 3 scores, got -1"),
        ([[1, 0, 0], [0, 1, 0]], ShapeError, r"labels of shape \(2,\), got \(2, 3\)"),
        ([[1], [0]], ShapeError, r"labels of shape \(2,\), got \(2, 1\)"),
        ([0.0, 1.0], DTypeError, "labels of an integer dtype, got float64"),
        ([True, False], DTypeError, "labels of an integer dtype, got bool"),
        ([0, 1, 2], ShapeError, r"labels of shape \(2,\), got \(3,\)"),
        (1, ShapeError, r"labels of shape \(2,\), got \(\)"),
        (["a", "b"], DTypeError, "labels of an integer dtype, got <U1"),
    ],
)
def test_wrong_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=f"SoftmaxCrossEntropy: expected {message}"):
        SoftmaxCrossEntropy().forward(np.zeros((2, 3)), labels, training=False)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint64, np.int64])
def test_every_integer_dtype_is_welcome(dtype):
    value = SoftmaxCrossEntropy().forward(np.zeros((2, 3)), np.array([0, 2], dtype), training=False)
    assert value == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    "scores", [np.zeros(3), np.zeros((2, 3, 1)), np.zeros((2, 0)), np.zeros((2, 3), int)]
)
def test_wrong_scores_are_refused(scores):
    loss = SoftmaxCrossEntropy()
    for call in (loss.probabilities, loss.predict, lambda s: loss.forward(s, [0, 0], training=False)):
        with pytest.raises(MinidlError, match="SoftmaxCrossEntropy: expected scores of"):
            call(scores)


def test_target_names_are_kept_and_change_nothing(rng):
    scores = rng.standard_normal((4, 3)).astype(np.float32)
    named, nameless = SoftmaxCrossEntropy(["a", "b", "c"]), SoftmaxCrossEntropy()
    assert named.target_names == ("a", "b", "c")
    assert nameless.target_names is None
    assert SoftmaxCrossEntropy(target_names=None).target_names is None
    for call in (
        lambda loss: loss.forward(scores, [0, 1, 2, 0], training=True),
        lambda loss: loss.backward(),
    ):
        np.testing.assert_array_equal(call(named), call(nameless))


@pytest.mark.parametrize(
    "names", ["abc", (), [], ("a", 1), (b"a",), np.array(["a", "b"]), {"a": 0}, 3, (name for name in "ab")]
)
def test_target_names_that_no_file_could_hold_are_refused(names):
    with pytest.raises(ConfigurationError, match=r"target_names to be a tuple of strings, got .*tolist\(\)"):
        SoftmaxCrossEntropy(names)


def test_as_many_target_names_as_scores():
    loss = SoftmaxCrossEntropy(("a", "b"))
    for call in (
        loss.predict,
        loss.probabilities,
        lambda scores: loss.forward(scores, [0], training=True),
        lambda scores: loss.forward(scores, [0], training=False),
    ):
        with pytest.raises(ShapeError, match="2 scores a sample, one for each of target_names, got 3"):
            call(np.zeros((1, 3), np.float32))


def test_a_loss_made_of_it_needs_no_names():
    class Own(SoftmaxCrossEntropy):
        def __init__(self):
            self.own = 1

    assert Own().target_names is None
    assert Own().predict(np.zeros((1, 3))) == [0]


def test_an_empty_batch_is_refused():
    with pytest.raises(ShapeError, match="at least one sample"):
        SoftmaxCrossEntropy().forward(np.zeros((0, 3)), np.zeros(0, int), training=False)


def test_backward_needs_its_forward():
    loss = SoftmaxCrossEntropy()
    loss.forward(np.zeros((1, 2)), [0], training=False)
    with pytest.raises(StateError):
        loss.backward()


# ------------------------------------------------------------------- weights


@given(sizes, sizes, st.booleans(), st.booleans(), st.integers(0, 2**32))
def test_weighted_loss_and_gradients(batch, classes, of_samples, of_classes, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((batch, classes)), rng.integers(classes, size=batch)
    weights = rng.integers(0, 2, batch) * rng.random(batch) if of_samples else None
    class_weights = 1 + rng.random(classes) if of_classes else None
    loss = SoftmaxCrossEntropy(class_weights=class_weights)
    check_loss_gradients(loss, scores, labels, weights=weights, rng=rng)
    each = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(batch), labels]
    total = (np.ones(batch) if weights is None else weights) * (class_weights[labels] if of_classes else 1.0)
    expected = np.average(each, weights=total) if total.any() else 0.0
    assert loss.forward(scores, labels, weights=weights, training=False) == pytest.approx(expected, rel=1e-12)
    assert loss.total_weight(labels, weights) == pytest.approx(total.sum(), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_of_nothing_give_nothing(dtype):
    scores = np.array([[1, 2, 3], [3, 1, 2]], dtype)
    for loss, weights in (
        (SoftmaxCrossEntropy(), [0, 0]),
        (SoftmaxCrossEntropy(class_weights=(0, 0, 1)), None),
        (SoftmaxCrossEntropy(class_weights=(0, 1, 1)), [1, 0]),
    ):
        assert loss.forward(scores, [0, 1], weights=weights, training=True) == 0
        gradient = loss.backward()
        assert gradient.dtype == dtype
        np.testing.assert_array_equal(gradient, np.zeros((2, 3)))
        assert loss.total_weight([0, 1], weights) == 0


def test_class_weights_are_kept_as_numbers():
    for given_weights in ([1, 2.5], (1.0, 2.5), np.array([1, 2.5], np.float32)):
        loss = SoftmaxCrossEntropy(class_weights=given_weights)
        assert loss.class_weights == (1.0, 2.5)
        assert set(map(type, loss.class_weights)) == {float}
    assert SoftmaxCrossEntropy().class_weights is None


@pytest.mark.parametrize(
    "weights", ["ab", 1.0, (), (0, 0), (1, -1), (1, np.nan), ((1, 2),), (1, "a"), {0: 1}]
)
def test_wrong_class_weights_are_refused(weights):
    with pytest.raises(ConfigurationError, match="SoftmaxCrossEntropy: expected .*weight"):
        SoftmaxCrossEntropy(class_weights=weights)


def test_as_many_class_weights_as_scores():
    loss = SoftmaxCrossEntropy(class_weights=(1, 2))
    for call in (
        lambda: loss.forward(np.zeros((1, 3)), [0], training=False),
        lambda: loss.check_targets(np.array([0]), (3,)),
    ):
        with pytest.raises(ShapeError, match="2 scores a sample, one for each of class_weights, got 3"):
            call()


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0], ShapeError, r"weights of shape \(2,\), got \(1,\); give one weight a sample"),
        ([[1.0], [1.0]], ShapeError, r"weights of shape \(2,\), got \(2, 1\)"),
        (1.0, ShapeError, r"weights of shape \(2,\), got \(\)"),
        ([1, -0.5], DataError, "finite weights >= 0, got -0.5 for sample 1"),
        ([np.nan, 1], DataError, "finite weights >= 0, got nan for sample 0"),
        ([1, np.inf], DataError, "finite weights >= 0, got inf for sample 1"),
        ([1e308, 1e308], DataError, "finite weights >= 0, got a sum of inf"),
        (["a", "b"], DTypeError, "weights of a real dtype"),
    ],
)
def test_wrong_weights_are_refused(weights, error, message):
    with pytest.raises(error, match=f"SoftmaxCrossEntropy: expected {message}"):
        SoftmaxCrossEntropy().forward(np.zeros((2, 3)), [0, 1], weights=weights, training=False)


# ------------------------------------------------------------------- targets and metrics


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (
            np.eye(3),
            ShapeError,
            r"labels of shape \(3,\), got \(3, 3\); turn one-hot rows into labels: .*argmax",
        ),
        (np.zeros((3, 1), int), ShapeError, r"labels of shape \(3,\), got \(3, 1\); take targets\[:, 0\]"),
        (np.zeros((3, 1, 1), int), ShapeError, r"labels of shape .*; give the index of each sample's class"),
        (np.array([0.0, 1.0]), DTypeError, r"labels of an integer dtype, got float64; .*astype\(np.int64\)"),
        (np.array([True, False]), DTypeError, "labels of an integer dtype, got bool; convert"),
        (
            np.array(["a", "b"]),
            DTypeError,
            "labels of an integer dtype, got <U1; number the classes: np.unique",
        ),
        (
            np.array(["a", "b"], object),
            DTypeError,
            "labels of an integer dtype, got object; number the classes",
        ),
        (np.array([0, -1, -2]), DataError, "labels from 0 to 2, .*, got -2 at sample 2; number the classes"),
        (
            np.array([0, 7, 3]),
            DataError,
            "labels from 0 to 2, .*, got 7 at sample 1; give the net a score for",
        ),
        (np.array([0, 255], np.uint8), DataError, "labels from 0 to 2, .*, got 255 at sample 1"),
        (np.array(1), ShapeError, r"labels of shape \(1,\), got \(\)"),
    ],
)
def test_targets_of_a_data_set_are_checked(targets, error, message):
    with pytest.raises(error, match=f"SoftmaxCrossEntropy: expected {message}"):
        SoftmaxCrossEntropy().check_targets(targets, (3,))


def test_scores_for_the_targets_are_checked():
    labels = np.array([0, 1], np.uint8)
    SoftmaxCrossEntropy(("a", "b"), (1, 2)).check_targets(labels, (2,))
    with pytest.raises(ShapeError, match="2 scores a sample, one for each of target_names, got 3"):
        SoftmaxCrossEntropy(("a", "b")).check_targets(labels, (3,))
    for shape in ((3, 1), ()):
        with pytest.raises(ShapeError, match=r"scores of shape \(batch, classes\)"):
            SoftmaxCrossEntropy().check_targets(labels, shape)


def test_what_is_worth_watching():
    assert list(map(type, SoftmaxCrossEntropy().metrics())) == [Accuracy]
