import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.softmax import (
    log_softmax,
    log_softmax_backward,
    log_softmax_backward_definition,
    log_softmax_definition,
    softmax,
    softmax_backward,
    softmax_backward_definition,
    softmax_definition,
)

reals = st.sampled_from([np.float32, np.float64])
seeds = st.integers(0, 2**32 - 1)
samples = st.integers(1, 40) | st.just(3000)
class_counts = st.integers(1, 40)  # side by side up to 32
layouts = st.sampled_from(
    [np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, axis=1)[:, ::2]]
)


def draw(samples, classes, seed, dtype, layout):
    rng = np.random.default_rng(seed)
    scores = layout((5 * rng.standard_normal((samples, classes))).astype(dtype))
    scores.flags.writeable = False
    return scores, rng.integers(classes, size=samples)


@given(samples, class_counts, seeds, reals, layouts)
def test_softmax_is_its_definition(samples, classes, seed, dtype, layout):
    scores, _ = draw(samples, classes, seed, dtype, layout)
    found = softmax(scores)
    assert found.dtype == dtype
    np.testing.assert_allclose(
        found, softmax_definition(scores.astype(float)), rtol=1e3 * np.finfo(dtype).eps
    )


row_shapes = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@given(row_shapes, seeds, reals)
def test_softmax_and_its_logarithm_over_the_last_axis(shape, seed, dtype):
    rng = np.random.default_rng(seed)
    scores, dy = ((3 * rng.standard_normal(shape)).astype(dtype) for _ in range(2))
    y, logs, probabilities, dx = (np.full_like(scores, 7) for _ in range(4))
    sums = np.full((*shape[:-1], 1), 7, dtype)
    assert softmax(scores, y, sums) is y
    assert log_softmax(scores, logs, probabilities, sums) is logs
    np.testing.assert_array_equal(softmax(scores), y)
    np.testing.assert_array_equal(log_softmax(scores), logs)
    tolerance = {"rtol": 1e2 * np.finfo(dtype).eps, "atol": 1e2 * np.finfo(dtype).eps}
    expected = softmax_definition(scores.astype(float))
    np.testing.assert_allclose(y, expected, **tolerance)
    np.testing.assert_allclose(probabilities, expected, **tolerance)
    np.testing.assert_allclose(logs, log_softmax_definition(scores.astype(float)), **tolerance)
    assert softmax_backward(dy, y, dx, sums) is dx
    np.testing.assert_allclose(dx, softmax_backward_definition(dy.astype(float), expected), **tolerance)
    for out in (np.full_like(dy, 7), probabilities):  # the second is where the probabilities lie
        assert log_softmax_backward(dy, probabilities, out, sums) is out
        found = log_softmax_backward_definition(dy.astype(float), expected)
        np.testing.assert_allclose(out, found, **tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("error")
def test_logarithms_far_out_and_not_finite(dtype):
    rows = [[1e4, -1e4], [-np.inf, 0], [np.nan, 0], [np.inf, 0], [-np.inf, -np.inf]]
    logs = log_softmax(np.array(rows, dtype))
    np.testing.assert_array_equal(logs[:2], [[0, -2e4], [-np.inf, 0]])
    assert np.isnan(logs[2:]).any(axis=1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_far_out_and_not_finite(dtype):
    rows = [[1e4, -1e4], [-np.inf, 0], [np.nan, 0], [np.inf, 0], [-np.inf, -np.inf]]
    expected = [[1, 0], [0, 1], [np.nan] * 2, [np.nan] * 2, [np.nan] * 2]
    probabilities = softmax(np.array(rows, dtype))
    finite = np.isfinite(expected).all(axis=1)
    np.testing.assert_array_equal(probabilities[finite], np.array(expected)[finite])
    assert np.isnan(probabilities[~finite]).any(axis=1).all()


@given(st.integers(1, 40) | st.integers(41, 200), reals)
def test_a_score_counts_wherever_it_stands(classes, dtype):
    places = np.eye(classes, dtype=dtype)
    np.testing.assert_array_equal(softmax(1e4 * places), places)
    np.testing.assert_array_equal(log_softmax(1e4 * places), 1e4 * (places - 1))
    places[places == 1] = np.nan
    assert np.isnan(softmax(places)).all()
    assert np.isnan(log_softmax(places)).all()
