import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DataError, DTypeError, ShapeError, StateError
from minidl.metrics import (
    AUC,
    F1,
    R2,
    Accuracy,
    BinaryAccuracy,
    LogLoss,
    MeanAbsoluteError,
    Metric,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopKAccuracy,
    confusion_matrix,
)

OF_NUMBERS = [R2, MeanAbsoluteError, RootMeanSquaredError]
OF_CLASSES = [AUC, F1, LogLoss, Precision, Recall, TopKAccuracy]
METRICS = [*OF_NUMBERS, *OF_CLASSES, Accuracy, BinaryAccuracy]
SEEDS = st.integers(0, 2**32)


def batch_for(kind, rng, samples, width, *, dtype=np.float64):
    """Scores and targets that `kind` takes."""
    scores = rng.standard_normal((samples, width)).astype(dtype)
    if kind is Accuracy:
        return scores, rng.integers(width, size=samples)
    if kind in OF_CLASSES:
        classes = max(width, 2)
        return scores, np.concatenate([np.arange(classes), rng.integers(classes, size=samples)])[:samples]
    return scores, scores + rng.standard_normal(scores.shape)


def cut(rng, samples):
    """Slices that cut so many samples into batches at random."""
    marks = [0, *np.flatnonzero(rng.random(samples - 1) < 0.4) + 1, samples]
    return [slice(*ends) for ends in itertools.pairwise(marks)]


@pytest.mark.parametrize("kind", METRICS)
@given(st.integers(1, 30), st.integers(1, 4), st.booleans(), st.sampled_from([0.0, 1e6, -1e9]), SEEDS)
def test_batch_by_batch_is_all_at_once(kind, samples, width, weighted, far, seed):
    """Also where the targets lie far from 0, where raw sums of squares leave no correct digit."""
    rng = np.random.default_rng(seed)
    scores, targets = batch_for(kind, rng, samples, width)
    if kind is not Accuracy and kind not in OF_CLASSES:
        scores, targets = scores + far, targets + far
    weights = rng.integers(0, 3, samples) * rng.random(samples) if weighted else None
    whole, parts = kind(), kind()
    whole.update(scores, targets, weights)
    for rows in cut(rng, samples):
        parts.update(scores[rows], targets[rows], None if weights is None else weights[rows])
    assert parts.compute() == pytest.approx(whole.compute(), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("far", [0.0, 1e6, 1e9])
def test_a_variance_far_from_zero_is_right(far):
    """Whole numbers, so that far out nothing is rounded and the number stays what it is near 0."""
    rng = np.random.default_rng(0)
    targets = rng.integers(-9, 10, (300, 2)).astype(np.float64)
    scores = targets + rng.integers(-2, 3, targets.shape)
    near, metric = 1 - ((targets - scores) ** 2).sum(0) / ((targets - targets.mean(0)) ** 2).sum(0), R2()
    for start in range(0, 300, 7):
        metric.update(scores[start : start + 7] + far, targets[start : start + 7] + far)
    assert metric.compute() == pytest.approx(near.mean(), rel=1e-7)


def test_nan_beside_targets_that_are_all_the_same():
    metric = R2()
    metric.update(np.array([[1.0], [np.nan]]), np.ones((2, 1)))
    assert math.isnan(metric.compute())


def test_infinite_scores_have_a_class():
    """Their squares are infinite, which is not NaN; so are those of large finite ones in float32."""
    metric = Accuracy()
    metric.update(np.array([[np.inf, 0], [1e30, -1e38]], np.float32), np.array([0, 1]))
    assert metric.compute() == 0.5


@pytest.mark.parametrize("kind", METRICS)
def test_no_sample_is_nan(kind):
    metric = kind()
    assert math.isnan(metric.compute())
    scores, targets = batch_for(kind, np.random.default_rng(0), 4, 3)
    metric.update(scores, targets, np.zeros(4))
    assert math.isnan(metric.compute())
    metric.update(scores[:2], targets[:2])
    assert type(metric.compute()) is float
    assert math.isfinite(metric.compute())
    metric.reset()
    assert math.isnan(metric.compute())


@pytest.mark.parametrize("seed", range(100))
def test_constant_targets(seed):
    """1 where they are met, else 0; no rounding makes of them targets that vary."""
    rng = np.random.default_rng(seed)
    targets = np.full((rng.integers(2, 60), 1), rng.standard_normal() * 10.0 ** rng.integers(-5, 17))
    weights = rng.random(len(targets)) if seed % 3 else None
    for scores, expected in ((targets.copy(), 1.0), (targets * 1.5 + 1, 0.0)):
        metric = R2()
        for rows in cut(rng, len(targets)):
            metric.update(scores[rows], targets[rows], None if weights is None else weights[rows])
        assert metric.compute() == expected


def test_the_error_of_a_sample_is_the_mean_of_its_numbers():
    metric = MeanAbsoluteError()
    metric.update(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[1, 4], [-3, 0]]), np.array([3.0, 1.0]))
    assert metric.compute() == (3 * 1 + 1 * 1.5) / 4


def test_one_sample_has_no_r2():
    metric = R2()
    metric.update(np.ones((1, 2)), np.ones((1, 2)))
    assert math.isnan(metric.compute())


@pytest.mark.parametrize("kind", METRICS)
def test_other_array_likes_will_do(kind):
    rng = np.random.default_rng(0)
    scores, targets = batch_for(kind, rng, 5, 3)
    arrays, lists = kind(), kind()
    arrays.update(scores, targets, np.arange(5.0))
    lists.update(scores.tolist(), targets.tolist(), list(range(5)))
    assert arrays.compute() == lists.compute()


def test_sums_are_of_float64():
    metric = MeanAbsoluteError()
    metric.update(np.full((2**20, 1), 0.1, np.float32), np.zeros((2**20, 1), np.float32))
    assert metric.compute() == pytest.approx(float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("kind", OF_NUMBERS)
def test_nothing_is_broadcast(kind):
    with pytest.raises(
        ShapeError, match=rf"{kind.__name__}: expected targets of shape \(4, 1\).*\[:, None\]"
    ):
        kind().update(np.zeros((4, 1)), np.zeros(4))
    with pytest.raises(ShapeError, match=r"targets\[:, 0\]"):
        kind().update(np.zeros(4), np.zeros((4, 1)))
    with pytest.raises(DTypeError, match="targets of a real dtype"):
        kind().update(np.zeros((2, 1)), np.array([["a"], ["b"]]))


@pytest.mark.parametrize(
    "labels", [np.zeros((4, 1), int), np.zeros(3, int), np.zeros((4, 3), int), np.zeros((1, 4), int)]
)
def test_nothing_is_broadcast_in_an_accuracy(labels):
    with pytest.raises(ShapeError, match=r"Accuracy: expected scores \(N, C\) and labels \(N,\), got"):
        Accuracy().update(np.zeros((4, 3)), labels)


@pytest.mark.parametrize("kind", METRICS)
@pytest.mark.parametrize(
    ("weights", "error"),
    [
        (np.ones((4, 1)), ShapeError),
        (np.ones(3), ShapeError),
        ([1, 1, -1, 1], DataError),
        ([1, 1, np.nan, 1], DataError),
    ],
)
def test_wrong_weights_are_refused(kind, weights, error):
    scores, targets = batch_for(kind, np.random.default_rng(0), 4, 2)
    with pytest.raises(error, match=f"{kind.__name__}: expected .*weights"):
        kind().update(scores, targets, weights)


def test_another_width_is_refused():
    metric = R2()
    metric.update(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(ShapeError, match="R2: expected 3 numbers a sample, as before, got 1"):
        metric.update(np.zeros((2, 1)), np.ones((2, 1)))


def test_a_metric_of_ones_own():
    class Largest(Metric):
        name = "largest"

        def reset(self):
            self.found = math.nan

        def update(self, scores, targets, weights=None):
            self.found = max(float(scores.max()), self.found) if self.found == self.found else scores.max()

        def compute(self):
            return float(self.found)

    metric = Largest()
    assert math.isnan(metric.compute())
    metric.update(np.array([[1.0, 3.0]]), None)
    metric.update(np.array([[2.0, 0.0]]), None)
    assert metric.compute() == 3.0


@given(st.integers(1, 9), st.integers(1, 4), st.booleans(), SEEDS)
def test_binary_accuracy_is_the_share_on_the_right_side(samples, width, weighted, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((samples, width)), rng.integers(2, size=(samples, width))
    weights = 0.1 + rng.random(samples) if weighted else None
    expected = np.average(((scores > 0) == targets).mean(axis=1), weights=weights)
    for given_targets in (targets, 0.2 + 0.6 * targets, *([targets[:, 0]] if width == 1 else [])):
        metric = BinaryAccuracy()
        metric.update(scores, given_targets, weights)
        assert metric.compute() == pytest.approx(expected, rel=1e-12)


def test_binary_accuracy_refuses_labels_that_would_be_spread():
    with pytest.raises(ShapeError, match=r"BinaryAccuracy: expected targets of shape \(3, 2\)"):
        BinaryAccuracy().update(np.zeros((3, 2)), np.zeros(3))


@given(st.integers(1, 20), st.integers(2, 5), SEEDS)
def test_the_first_is_the_highest_also_among_equal_ones(samples, classes, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.integers(0, 3, (samples, classes)), rng.integers(classes, size=samples)
    first, highest, all_of_them = TopKAccuracy(1), Accuracy(), TopKAccuracy(classes)
    for metric in (first, highest, all_of_them):
        metric.update(scores, labels)
    assert first.compute() == highest.compute()
    assert all_of_them.compute() == 1


def test_a_class_that_is_never_there_does_not_count():
    metric = Precision()
    metric.update(np.eye(4)[[0, 0, 1, 1]], np.array([0, 2, 1, 1]))
    np.testing.assert_array_equal(metric.per_class(), [0.5, 1, 0, np.nan])
    assert metric.compute() == 0.5


def test_their_names_say_what_they_are():
    names = [metric.name for metric in (F1(), Recall("micro"), Precision("weighted"), TopKAccuracy(3))]
    assert names == ["f1", "micro_recall", "weighted_precision", "top_3_accuracy"]


@pytest.mark.parametrize("kind", OF_CLASSES)
@pytest.mark.parametrize(
    ("targets", "error"), [([0, 1, 3], DataError), ([0, -1, 2], DataError), ([0, 0.5, 2], DataError)]
)
def test_labels_that_are_none_are_refused(kind, targets, error):
    metric = kind()
    with pytest.raises(error, match=f"{kind.__name__}: expected labels from 0 to 2, got .* at sample"):
        metric.update(np.zeros((3, 3)), np.array(targets))
    assert math.isnan(metric.compute())


@pytest.mark.parametrize("kind", OF_CLASSES)
def test_shapes_that_fit_no_classes_are_refused(kind):
    for scores, targets in ((np.zeros(3), np.zeros(3)), (np.zeros((3, 2)), np.zeros((3, 1)))):
        with pytest.raises(ShapeError, match=kind.__name__):
            kind().update(scores, targets)


@pytest.mark.parametrize("kind", [AUC, F1])
def test_another_number_of_classes_is_refused(kind):
    metric = kind()
    metric.update(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(
        ShapeError, match=f"{kind.__name__}: expected 3 classes, as before, got 2; call reset"
    ):
        metric.update(np.zeros((2, 2)), np.array([0, 1]))


def test_wrong_options_are_refused():
    with pytest.raises(ConfigurationError, match=r"F1: expected average to be one of"):
        F1("mean")
    with pytest.raises(ConfigurationError, match=r"TopKAccuracy: expected k to be a whole number >= 1"):
        TopKAccuracy(0)


@pytest.mark.parametrize(
    ("labels", "predictions", "error"),
    [
        ([0, 2], [0, 1], DataError),
        ([0, 1], [0, -1], DataError),
        ([0], [0, 1], ShapeError),
        ([0.0], [0], DTypeError),
    ],
)
def test_a_confusion_matrix_of_wrong_labels_is_refused(labels, predictions, error):
    with pytest.raises(error, match="confusion_matrix: expected"):
        confusion_matrix(labels, predictions, 2)


@pytest.mark.parametrize("kind", [F1, Precision, Recall])
def test_classes_are_unknown_before_a_batch(kind):
    metric = kind()
    scores, labels = np.eye(3), np.arange(3)
    for _ in range(2):
        with pytest.raises(StateError, match=rf"^{kind.__name__}: expected a batch to have been taken in"):
            metric.per_class()
        metric.update(scores, labels)
        np.testing.assert_array_equal(metric.per_class(), [1, 1, 1])
        with pytest.raises(ShapeError, match="3 classes, as before"):
            metric.update(scores[:, :1], np.ones((3, 1)))
        metric.reset()
    metric.update(scores[:, :1], np.ones((3, 1)))
    with pytest.raises(ShapeError, match="1 classes, as before"):
        metric.update(scores, labels)
