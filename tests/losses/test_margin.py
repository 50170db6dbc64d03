import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import ConfigurationError, DataError, DivergedError, ShapeError, StateError
from minidl.losses import MulticlassHinge
from minidl.metrics import Accuracy
from minidl.testing import check_loss_gradients

sizes = st.integers(1, 6)


@given(sizes, sizes, st.sampled_from([1.0, 0.0, 0.3, 5.0]), st.booleans(), st.integers(0, 2**32))
def test_loss_and_gradients(samples, classes, margin, weighted, seed):
    rng = np.random.default_rng(seed)
    scores, labels = 2 * rng.standard_normal((samples, classes)), rng.integers(classes, size=samples)
    weights = rng.integers(0, 2, samples) * rng.random(samples) if weighted else None
    loss = MulticlassHinge(margin)
    check_loss_gradients(loss, scores, labels, weights=weights, rng=rng)
    each = [
        sum(max(0.0, row[j] - row[label] + margin) for j in range(classes) if j != label)
        for row, label in zip(scores, labels, strict=True)
    ]
    expected = np.average(each, weights=weights) if weights is None or weights.any() else 0.0
    for training in (True, False):
        value = loss.forward(scores, labels, weights=weights, training=training)
        assert type(value) is float
        assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(loss.predict(scores), scores.argmax(axis=1))


def test_the_courses_example():
    """CS231n's: scores 3.2, 5.1 and -1.7 for a cat have a loss of 2.9."""
    scores = np.array([[3.2, 5.1, -1.7], [1.3, 4.9, 2.0], [2.2, 2.5, -3.1]])
    losses = [
        MulticlassHinge().forward(scores[[i]], [label], training=False) for i, label in enumerate([0, 1, 2])
    ]
    assert losses == pytest.approx([2.9, 0, 12.9])
    assert MulticlassHinge().forward(scores, [0, 1, 2], training=False) == pytest.approx(np.mean(losses))


def test_extreme_scores_stay_finite_in_float32():
    loss = MulticlassHinge()
    assert loss.forward(np.array([[1e4, -1e4]], np.float32), [1], training=True) == 20001
    np.testing.assert_array_equal(loss.backward(), [[1, -1]])


def test_a_margin_just_kept_costs_nothing_and_has_no_gradient():
    loss = MulticlassHinge(2)
    assert loss.forward(np.array([[3.0, 1.0]]), [0], training=True) == 0
    np.testing.assert_array_equal(loss.backward(), [[0, 0]])


def test_warm_training_works_in_its_own_memory(rng):
    loss, scores, labels = MulticlassHinge(), rng.standard_normal((5, 3)), np.array([0, 1, 2, 0, 1])
    loss.forward(scores, labels, training=True)
    first = loss.backward()
    loss.forward(scores, labels, training=True)
    assert np.shares_memory(loss.backward(), first)
    with pytest.raises(StateError):
        loss.backward()


def test_what_it_refuses():
    loss = MulticlassHinge()
    with pytest.raises(
        DataError, match="MulticlassHinge: expected labels from 0 to 2, .*, got 3 at sample 1"
    ):
        loss.forward(np.zeros((2, 3)), [0, 3], training=False)
    with pytest.raises(ShapeError, match=r"MulticlassHinge: expected labels of shape \(2,\), got \(2, 3\)"):
        loss.check_targets(np.eye(2, 3), (3,))
    with pytest.raises(DataError, match="finite weights >= 0"):
        loss.forward(np.zeros((2, 3)), [0, 1], weights=[1, -1], training=False)
    with pytest.raises(DivergedError):
        loss.predict(np.array([[np.nan, 1]]))
    with pytest.raises(ConfigurationError, match="margin to be a finite number >= 0"):
        MulticlassHinge(-1)
    assert not hasattr(loss, "probabilities")
    assert list(map(type, loss.metrics())) == [Accuracy]
