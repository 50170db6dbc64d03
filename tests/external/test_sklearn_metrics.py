"""scikit-learn as the judge of metrics: whole, weighted and batch by batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.metrics import (
    AUC,
    F1,
    R2,
    Accuracy,
    BinaryAccuracy,
    LogLoss,
    MeanAbsoluteError,
    Precision,
    Recall,
    RootMeanSquaredError,
    TopKAccuracy,
    confusion_matrix,
)
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

from sklearn import metrics as theirs  # noqa: E402
from sklearn.metrics import accuracy_score, mean_absolute_error, r2_score  # noqa: E402

SEEDS = st.integers(0, 2**32)
BATCHES = st.integers(1, 60)


def measured(metric, scores, targets, weights, batch):
    """The metric's number, of batches of so many samples."""
    for start in range(0, len(scores), batch):
        rows = slice(start, start + batch)
        metric.update(scores[rows], targets[rows], None if weights is None else weights[rows])
    return metric.compute()


def drawn_weights(rng, weighted, samples):
    """Some of them 0, but not all."""
    if not weighted:
        return None
    return rng.random(samples) * np.concatenate([[1], rng.integers(0, 2, samples - 1)])


@given(st.integers(1, 50), st.integers(1, 10), st.booleans(), BATCHES, SEEDS)
def test_accuracy(samples, classes, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights = drawn_weights(rng, weighted, samples)
    expected = accuracy_score(labels, scores.argmax(axis=1), sample_weight=weights)
    judge.agrees(measured(Accuracy(), scores, labels, weights, batch), float(expected), "accuracy")
    judge.judged("metrics")


@given(st.integers(1, 50), st.booleans(), BATCHES, SEEDS)
def test_binary_accuracy(samples, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, labels = rng.standard_normal((samples, 1)), rng.integers(2, size=samples)
    weights = drawn_weights(rng, weighted, samples)
    expected = accuracy_score(labels, scores[:, 0] > 0, sample_weight=weights)
    judge.agrees(measured(BinaryAccuracy(), scores, labels, weights, batch), float(expected), "accuracy")
    judge.judged("metrics")


@given(st.integers(1, 50), st.integers(1, 4), st.booleans(), BATCHES, SEEDS)
def test_mean_absolute_error(samples, width, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((2, samples, width))
    weights = drawn_weights(rng, weighted, samples)
    expected = mean_absolute_error(targets, scores, sample_weight=weights)
    judge.agrees(measured(MeanAbsoluteError(), scores, targets, weights, batch), float(expected), "error")
    judge.judged("metrics")


@given(st.integers(2, 50), st.integers(1, 4), st.booleans(), BATCHES, st.sampled_from([0, 10.0, -1e4]), SEEDS)
def test_r2(samples, width, weighted, batch, far, seed):
    """Also of targets that are constant, or met exactly, or both."""
    rng = np.random.default_rng(seed)
    scores, targets = rng.integers(-3, 4, (2, samples, width)) + far
    targets[:, rng.random(width) < 0.2] = far
    exact = rng.random(width) < 0.2
    scores[:, exact] = targets[:, exact]
    weights = drawn_weights(rng, weighted, samples)
    if weights is not None:
        weights = np.ceil(4 * weights) / 4  # whose sums round nothing, so that constants stay constant there
    expected = r2_score(targets, scores, sample_weight=weights)
    judge.agrees(measured(R2(), scores, targets, weights, batch), float(expected), "r2", rtol=1e-9)
    judge.judged("metrics")


@pytest.mark.filterwarnings("ignore:R\\^2 score is not well-defined")
def test_r2_of_one_sample():
    assert np.isnan(r2_score([[1.0]], [[2.0]]))
    assert np.isnan(measured(R2(), np.array([[2.0]]), np.array([[1.0]]), None, 1))


FIGURES = {Precision: theirs.precision_score, Recall: theirs.recall_score, F1: theirs.f1_score}
AVERAGES = ["macro", "micro", "weighted"]


def labelled(rng, samples, classes):
    """Scores, the probabilities that they stand for, labels; one score stands for two classes."""
    scores = rng.integers(-3, 4, (samples, classes)) + rng.random((samples, classes))
    whole = np.concatenate([0 * scores, scores], axis=1) if classes == 1 else scores
    powers = np.exp(whole - whole.max(axis=1, keepdims=True))
    return scores, powers / powers.sum(axis=1, keepdims=True), rng.integers(whole.shape[1], size=samples)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("kind", FIGURES)
@given(st.integers(1, 50), st.integers(1, 6), st.booleans(), BATCHES, SEEDS)
def test_figures_of_classes(kind, average, samples, classes, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, probabilities, labels = labelled(rng, samples, classes)
    weights, options = 0.1 + rng.random(samples) if weighted else None, {"zero_division": 0}
    predicted, metric = probabilities.argmax(axis=1), kind(average)
    expected = FIGURES[kind](labels, predicted, average=average, sample_weight=weights, **options)
    judge.agrees(measured(metric, scores, labels, weights, batch), float(expected), "figure")
    each = FIGURES[kind](labels, predicted, average=None, sample_weight=weights, **options)
    found = metric.per_class()
    judge.agrees(found[~np.isnan(found)], each, "figure of each class")
    judge.judged("metrics")


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("kind", FIGURES)
@given(st.integers(1, 50), st.integers(2, 6), st.booleans(), BATCHES, SEEDS)
def test_figures_of_many_labels(kind, average, samples, labels, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((samples, labels)), rng.integers(2, size=(samples, labels))
    targets[0, 0] = 1
    weights, there = 0.1 + rng.random(samples) if weighted else None, (targets | (scores > 0)).any(axis=0)
    options = {"average": average, "labels": np.flatnonzero(there), "zero_division": 0}
    expected = FIGURES[kind](targets, scores > 0, sample_weight=weights, **options)
    judge.agrees(measured(kind(average), scores, targets, weights, batch), float(expected), "figure")
    judge.judged("metrics")


@given(st.integers(1, 50), st.integers(1, 6), st.booleans(), BATCHES, SEEDS)
def test_confusion_matrix_and_log_loss(samples, classes, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, probabilities, labels = labelled(rng, samples, classes)
    known, predicted = range(probabilities.shape[1]), probabilities.argmax(axis=1)
    expected = theirs.confusion_matrix(labels, predicted, labels=known)
    np.testing.assert_array_equal(confusion_matrix(labels, predicted, len(known)), expected)
    weights = drawn_weights(rng, weighted, samples)
    expected = theirs.log_loss(labels, probabilities, sample_weight=weights, labels=known)
    judge.agrees(measured(LogLoss(), scores, labels, weights, batch), float(expected), "log loss")
    targets = rng.integers(2, size=scores.shape)
    each = [
        theirs.log_loss(column, 1 / (1 + np.exp(-score)), sample_weight=weights, labels=[0, 1])
        for score, column in zip(scores.T, targets.T, strict=True)
    ]
    judge.agrees(measured(LogLoss(), scores, targets, weights, batch), float(np.mean(each)), "log loss")
    judge.judged("metrics")


@given(st.integers(6, 50), st.integers(1, 6), st.booleans(), BATCHES, SEEDS)
def test_auc(samples, classes, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, probabilities, labels = labelled(rng, samples, classes)
    labels[: probabilities.shape[1]] = range(probabilities.shape[1])
    weights = 0.1 + rng.random(samples) if weighted else None
    each = [
        theirs.roc_auc_score(labels == number, column, sample_weight=weights)
        for number, column in enumerate(probabilities.T)
    ]
    judge.agrees(measured(AUC(), scores, labels, weights, batch), float(np.mean(each)), "area")
    targets, ties = rng.integers(2, size=scores.shape), rng.integers(0, 4, scores.shape)
    targets[:2] = [[0], [1]]
    expected = theirs.roc_auc_score(targets, ties, sample_weight=weights)
    judge.agrees(measured(AUC(), ties, targets, weights, batch), float(expected), "area")
    judge.judged("metrics")


@given(st.integers(1, 50), st.integers(3, 8), st.integers(1, 9), st.booleans(), BATCHES, SEEDS)
@pytest.mark.filterwarnings("ignore:'k'")  # as many as there are classes, and more
def test_top_k_accuracy(samples, classes, k, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, _, labels = labelled(rng, samples, classes)
    weights = drawn_weights(rng, weighted, samples)
    expected = theirs.top_k_accuracy_score(labels, scores, k=k, sample_weight=weights, labels=range(classes))
    judge.agrees(measured(TopKAccuracy(k), scores, labels, weights, batch), float(expected), "accuracy")
    judge.judged("metrics")


@given(st.integers(1, 50), st.integers(1, 4), st.booleans(), BATCHES, SEEDS)
def test_root_mean_squared_error(samples, width, weighted, batch, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((2, samples, width))
    weights = drawn_weights(rng, weighted, samples)
    expected = theirs.root_mean_squared_error(targets, scores, sample_weight=weights)
    judge.agrees(measured(RootMeanSquaredError(), scores, targets, weights, batch), float(expected), "error")
    judge.judged("metrics")
