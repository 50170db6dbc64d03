"""scikit-learn as the judge of metrics: whole, weighted and batch by batch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.metrics import R2, Accuracy, BinaryAccuracy, MeanAbsoluteError
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

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
