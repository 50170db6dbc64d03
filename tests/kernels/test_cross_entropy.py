import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.cross_entropy import (
    are_labels,
    are_labels_definition,
    count_right,
    count_right_definition,
    highest,
    highest_definition,
    smoothed_cross_entropy,
    smoothed_cross_entropy_definition,
    softmax_cross_entropy,
    softmax_cross_entropy_definition,
)
from tests.kernels.test_softmax import class_counts, draw, layouts, reals, samples, seeds


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "row, label, loss",
    [([1e4, -1e4], 0, 0), ([1e4, -1e4], 1, 2e4), ([-np.inf, 0], 1, 0), ([np.nan, 0], 1, np.nan)],
)
def test_scores_far_out_and_not_finite(dtype, row, label, loss):
    for weights in (None, np.ones(1)):
        scores, labels = np.array([row], dtype), np.array([label])
        np.testing.assert_equal(softmax_cross_entropy(scores, labels, weights), (loss, None))


@given(samples, class_counts, seeds, reals, layouts, st.sampled_from([None, np.float32, np.float64]))
def test_cross_entropy_is_its_definition(samples, classes, seed, dtype, layout, weighted):
    scores, labels = draw(samples, classes, seed, dtype, layout)
    weights = None
    if weighted:
        rng = np.random.default_rng(seed)
        weights = (rng.uniform(0, 3, samples) * (rng.random(samples) < 0.8)).astype(weighted)
        weights[rng.integers(samples)] = 1
        weights.flags.writeable = False
    labels.flags.writeable = False
    out = np.full((samples, classes), np.nan, dtype)
    loss, found = softmax_cross_entropy(scores, labels, weights, out)
    assert type(loss) is float
    assert softmax_cross_entropy(scores, labels, weights) == (loss, None)
    assert found.dtype == dtype
    assert np.shares_memory(found, out)
    expected, gradient = softmax_cross_entropy_definition(
        scores.astype(float), labels, None if weights is None else weights.astype(float)
    )
    eps = np.finfo(dtype).eps
    largest = 1 / samples if weights is None else (weights / weights.sum()).max()
    np.testing.assert_allclose(loss, expected, rtol=1e2 * eps, atol=1e2 * eps)
    np.testing.assert_allclose(found, gradient, rtol=1e3 * eps, atol=1e2 * eps * largest)


def test_losses_add_up_in_float64():
    scores, labels = np.zeros((2**20, 3), np.float32), np.zeros(2**20, int)
    for weights in (None, np.ones(2**20, np.float32)):
        loss, _ = softmax_cross_entropy(scores, labels, weights)
        assert loss == pytest.approx(np.log(3), rel=1e-7)


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 5), min_size=1), st.integers(1, 5))
def test_are_labels_is_its_definition(labels, classes):
    labels = np.array(labels, np.int64)
    assert are_labels(labels, classes) == are_labels_definition(labels, classes)


@given(samples, class_counts, seeds, reals, layouts, st.floats(0, 1), st.booleans())
def test_smoothed_cross_entropy_is_its_definition(samples, classes, seed, dtype, layout, smoothing, weighted):
    scores, labels = draw(samples, classes, seed, dtype, layout)
    rng = np.random.default_rng(seed)
    shares = rng.random(samples) / samples
    of_classes = rng.uniform(0.1, 3, classes) if weighted else np.ones(classes)
    out = np.full((samples, classes), np.nan, dtype)
    loss, found = smoothed_cross_entropy(scores, labels, smoothing, shares, of_classes, out)
    assert type(loss) is float
    assert smoothed_cross_entropy(scores, labels, smoothing, shares, of_classes, None) == (loss, None)
    assert found.dtype == dtype
    assert np.shares_memory(found, out)
    expected, gradient = smoothed_cross_entropy_definition(
        scores.astype(float), labels, smoothing, shares, of_classes
    )
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss, expected, rtol=1e2 * eps, atol=1e2 * eps)
    np.testing.assert_allclose(found, gradient, rtol=1e3 * eps, atol=1e2 * eps / samples)


@given(samples, class_counts, seeds, reals, layouts, st.booleans())
def test_count_right_is_its_definition(samples, classes, seed, dtype, layout, has_nan):
    rng = np.random.default_rng(seed)
    scores = layout(rng.integers(-2, 3, (samples, classes)).astype(dtype))
    labels = rng.integers(-1, classes + 1, samples)
    if has_nan:
        scores[rng.integers(samples), rng.integers(classes)] = np.nan
        assert np.isnan(count_right(scores, labels))
    else:
        assert count_right(scores, labels) == count_right_definition(scores, labels)


@given(samples, class_counts, seeds, reals, layouts, st.booleans())
def test_highest_is_its_definition(samples, classes, seed, dtype, layout, has_nan):
    rng = np.random.default_rng(seed)
    scores = rng.integers(-2, 3, (samples, classes)).astype(dtype)
    expected = highest_definition(scores)
    if has_nan:
        row, expected_place = rng.integers(samples), rng.integers(classes)
        scores[row, expected_place:] = np.nan
        expected[row] = expected_place
    found = highest(layout(scores))
    assert found.dtype == np.intp
    np.testing.assert_array_equal(found, expected)
