import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl.errors import (
    ConfigurationError,
    DataError,
    DivergedError,
    DTypeError,
    MinidlError,
    ShapeError,
    StateError,
)
from minidl.losses import L1, Huber, MeanSquaredError
from minidl.metrics import R2, MeanAbsoluteError
from minidl.testing import check_loss, check_loss_gradients

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**32)


def test_the_contract():
    def vectors(rng, batch, width):
        return rng.standard_normal((batch, width))

    for width in (1, 3):
        assert not check_loss(MeanSquaredError, width, make_targets=vectors).failed


@given(SHAPES, st.booleans(), SEEDS)
def test_loss_and_gradients(shape, weighted, seed):
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal(shape), rng.standard_normal(shape)
    weights = rng.integers(0, 2, shape[0]) * rng.random(shape[0]) if weighted else None
    check_loss_gradients(MeanSquaredError(), scores, targets, weights=weights, rng=rng)
    losses = [((s - t) ** 2).mean() for s, t in zip(scores, targets, strict=True)]
    expected = np.average(losses, weights=weights) if weights is None or weights.any() else 0.0
    for training in (True, False):
        value = MeanSquaredError().forward(scores, targets, weights=weights, training=training)
        assert type(value) is float
        assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("make", [MeanSquaredError, L1, Huber])
@given(SHAPES, st.floats(1e-3, 1e3), st.booleans(), SEEDS)
def test_errors_count_in_scales(make, shape, scale, weighted, seed):
    rng = np.random.default_rng(seed)
    scores, targets = scale * rng.normal(0, 3, (2, *shape))
    weights = rng.random(shape[0]) if weighted else None
    loss, plain = make(scale=scale), make()
    value = loss.forward(scores, targets, weights=weights, training=True)
    expected = plain.forward(scores / scale, targets / scale, weights=weights, training=True)
    assert value == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(loss.backward(), plain.backward() / scale, rtol=1e-9, atol=1e-9 / scale)
    assert loss.config()["scale"] == scale
    with pytest.raises(ConfigurationError, match="expected scale"):
        make(scale=0)


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float16, np.float64, np.bool_])
def test_targets_of_every_real_dtype(kind):
    targets = np.array([[0], [1], [1]]).astype(kind)
    loss, scores = MeanSquaredError(), np.array([[1], [1], [3]], np.float32)
    assert loss.forward(scores, targets, training=True) == pytest.approx(5 / 3)
    found = loss.backward()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.array([[2], [0], [4]]) / 3, rtol=1e-6)


def test_targets_finer_than_the_scores_are_not_rounded():
    scores, targets = np.array([[1.0]], np.float32), np.array([[1 + 1e-10]])
    assert MeanSquaredError().forward(scores, targets, training=False) == pytest.approx(1e-20, rel=1e-6)


def test_a_large_batch_adds_up_in_float64():
    scores = np.full((2**20, 1), 0.1, np.float32)
    value = MeanSquaredError().forward(scores, np.zeros((2**20, 1)), training=False)
    assert value == pytest.approx(float(np.float32(0.1)) ** 2, rel=1e-9)


@pytest.mark.parametrize(
    ("shape", "targets", "remedy"),
    [
        ((4, 1), (4,), r"give targets\[:, None\]"),
        ((4,), (4, 1), r"give targets\[:, 0\]"),
        ((4, 3, 1), (4, 3), r"give targets\[..., None\]"),
        ((4, 3), (4, 1), "give each score its own target"),
        ((4, 3), (3,), "give each score its own target"),
        ((4, 3), (), "give each score its own target"),
    ],
)
def test_no_targets_are_broadcast(shape, targets, remedy):
    message = rf"MeanSquaredError: expected targets of shape .*, that of the scores, got .*; {remedy}"
    with pytest.raises(ShapeError, match=message):
        MeanSquaredError().forward(np.zeros(shape), np.zeros(targets), training=False)
    if targets:
        with pytest.raises(ShapeError, match=message):
            MeanSquaredError().check_targets(np.zeros(targets), shape[1:])


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (np.array([["a"], ["b"]]), DTypeError, "targets of a real dtype, got <U1; give numbers"),
        (np.array([[1j], [0]]), DTypeError, "targets of a real dtype, got complex128"),
        (np.array([[0.0], [np.nan]]), DataError, "finite targets, got nan in sample 1; drop such samples"),
        (np.array([[np.inf], [0]], np.float32), DataError, "finite targets, got inf in sample 0"),
        (np.array(1.0), ShapeError, r"targets of shape \(1, 1\)"),
    ],
)
def test_targets_of_a_data_set_are_checked(targets, error, message):
    with pytest.raises(error, match=f"MeanSquaredError: expected {message}"):
        MeanSquaredError().check_targets(targets, (1,))
    MeanSquaredError().check_targets(np.zeros((2, 1), np.uint8), (1,))


@pytest.mark.parametrize(
    "scores", [np.zeros((2, 1), int), [[1.0]], np.zeros((0, 1)), np.zeros((2, 0)), np.ones(())]
)
def test_wrong_scores_are_refused(scores):
    with pytest.raises(MinidlError, match="MeanSquaredError: expected scores"):
        MeanSquaredError().forward(scores, np.zeros(np.shape(scores)), training=False)


def test_predictions_are_the_scores():
    scores = np.array([[1.0, 2.0], [1e200, 3.0]])  # whose squares overflow
    assert MeanSquaredError().predict(scores) is scores
    scores[1, 0] = np.inf
    with pytest.raises(
        DivergedError, match="MeanSquaredError: expected finite scores, got none in 1 of 2 rows of x: 1;"
    ):
        MeanSquaredError().predict(scores)


def test_nan_gives_nan():
    one, nan = np.ones((2, 1)), np.array([[np.nan], [1]])
    for scores, targets in ((one, nan), (nan, one)):
        assert np.isnan(MeanSquaredError().forward(scores, targets, training=False))


def test_warm_training_works_in_its_own_memory(rng):
    loss, scores, targets = MeanSquaredError(), rng.standard_normal((5, 2)), rng.standard_normal((5, 2))
    loss.forward(scores, targets, training=True)
    first = loss.backward()
    loss.forward(scores, targets, training=True)
    assert np.shares_memory(loss.backward(), first)


def test_backward_needs_its_forward():
    loss = MeanSquaredError()
    loss.forward(np.zeros((1, 2)), np.zeros((1, 2)), training=False)
    with pytest.raises(StateError):
        loss.backward()


def test_what_is_worth_watching():
    assert list(map(type, MeanSquaredError().metrics())) == [R2, MeanAbsoluteError]
