import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.kernels.losses import (
    absolute_error,
    absolute_error_definition,
    binary_cross_entropy,
    binary_cross_entropy_definition,
    huber,
    huber_definition,
    multiclass_hinge,
    multiclass_hinge_definition,
    squared_error,
    squared_error_definition,
)
from tests.kernels.drawing import assert_near, draw, layouts, reals, seeds

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3)


def judged(kernel, definition, scores, targets, *options):
    """What the kernel leaves in its arrays is what its definition gives, in float64."""
    losses, slopes = np.full(scores.shape, 7.0), np.full(scores.shape, 7, scores.dtype)
    kernel(scores, targets, losses, slopes, *options)
    expected = definition(scores.astype(float), targets.astype(float), *options)
    tolerance = 200 * np.finfo(scores.dtype).eps
    np.testing.assert_allclose(losses, expected[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slopes, expected[1], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("kernel", "definition"),
    [(squared_error, squared_error_definition), (absolute_error, absolute_error_definition)],
)
@given(shapes, seeds, reals, reals, layouts)
def test_errors_are_their_definitions(kernel, definition, shape, seed, dtype, target_dtype, layout):
    judged(kernel, definition, draw(shape, seed, dtype, layout), draw(shape, seed + 1, target_dtype))


@given(shapes, seeds, reals, layouts, st.floats(0.01, 3))
def test_huber_is_its_definition(shape, seed, dtype, layout, delta):
    judged(huber, huber_definition, draw(shape, seed, dtype, layout), draw(shape, seed + 1, dtype), delta)


@given(shapes, seeds, reals, layouts, st.sampled_from(["?", "u1", "i8", "f4", "f8"]))
def test_binary_cross_entropy_is_its_definition(shape, seed, dtype, layout, kind):
    targets = np.random.default_rng(seed).random(shape)
    targets = targets.astype(kind) if np.dtype(kind).kind == "f" else (targets > 0.5).astype(kind)
    judged(
        binary_cross_entropy, binary_cross_entropy_definition, 4 * draw(shape, seed, dtype, layout), targets
    )


@given(st.integers(1, 40), st.integers(1, 9), seeds, reals, layouts, st.sampled_from([0.0, 1.0, 0.3]))
def test_multiclass_hinge_is_its_definition(samples, classes, seed, dtype, layout, margin):
    scores = draw((samples, classes), seed, dtype, layout)
    labels = np.random.default_rng(seed).integers(classes, size=samples)
    losses, found = multiclass_hinge(scores, labels, margin, np.full((samples, classes), 7, dtype))
    expected, gradient = multiclass_hinge_definition(scores.astype(float), labels, margin)
    assert_near(losses, expected.astype(dtype), classes)
    np.testing.assert_array_equal(found, gradient)


@pytest.mark.parametrize("place", [0, 1])
def test_multiclass_hinge_hides_no_nan(place):
    for classes in (1, 2):
        scores = np.zeros((2, classes))
        scores[0, place % classes] = np.nan
        losses, _ = multiclass_hinge(scores, np.array([0, 0]), 1.0, np.empty((2, classes)))
        np.testing.assert_array_equal(np.isnan(losses), [True, False])
