import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minidl import SGD, Affine, Dataset, Sequential, Trainer
from minidl.errors import DataError, DivergedError, DTypeError, ShapeError
from minidl.losses import BinaryCrossEntropy
from minidl.metrics import BinaryAccuracy
from minidl.testing import check_loss_gradients

KINDS = [np.bool_, np.uint8, np.int64, np.float32, np.float64]


@given(st.integers(1, 6), st.integers(1, 4), st.booleans(), st.sampled_from(KINDS), st.integers(0, 2**32))
def test_loss_and_gradients(samples, labels, weighted, kind, seed):
    rng = np.random.default_rng(seed)
    scores = 3 * rng.standard_normal((samples, labels))
    targets = rng.random((samples, labels))
    targets = targets.astype(kind) if np.dtype(kind).kind == "f" else (targets > 0.5).astype(kind)
    weights = rng.integers(0, 2, samples) * rng.random(samples) if weighted else None
    given_targets = targets[:, 0] if labels == 1 else targets
    loss = BinaryCrossEntropy()
    check_loss_gradients(loss, scores, given_targets, weights=weights, rng=rng)
    p, t = 1 / (1 + np.exp(-scores)), targets.astype(float)
    each = (-t * np.log(p) - (1 - t) * np.log(1 - p)).mean(axis=1)
    expected = np.average(each, weights=weights) if weights is None or weights.any() else 0.0
    for training in (True, False):
        value = loss.forward(scores, given_targets, weights=weights, training=training)
        assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(loss.probabilities(scores), p, rtol=1e-12)
    np.testing.assert_array_equal(loss.predict(scores), (scores > 0)[:, 0] if labels == 1 else scores > 0)
    assert loss.predict(scores).dtype == np.int64


@pytest.mark.parametrize(("target", "value"), [(1, [0, 1e4]), (0, [1e4, 0]), (0.25, [7500, 2500])])
def test_extreme_scores_stay_finite_in_float32(target, value):
    loss = BinaryCrossEntropy()
    for score, expected in zip((1e4, -1e4), value, strict=True):
        scores = np.array([[score]], np.float32)
        assert loss.forward(scores, [target], training=True) == pytest.approx(expected)
        np.testing.assert_allclose(loss.backward(), [[(score > 0) - target]])
        np.testing.assert_array_equal(loss.probabilities(scores), [[score > 0]])


@pytest.mark.parametrize(
    ("shape", "targets", "error", "message"),
    [
        (
            (2, 1),
            np.zeros((2, 1)),
            ShapeError,
            r"targets of shape \(2,\), got \(2, 1\); take targets\[:, 0\]",
        ),
        ((2, 3), np.zeros(2), ShapeError, r"targets of shape \(2, 3\), got \(2,\); give each score"),
        ((2, 1), np.zeros(3), ShapeError, r"targets of shape \(2,\), got \(3,\)"),
        ((2, 1), [0, 2], DataError, r"targets from 0 to 1, got 2 at sample 1; 0 says no and 1 yes"),
        ((2, 1), [-1, 1], DataError, r"targets from 0 to 1, got -1 at sample 0"),
        ((2, 1), [0, np.nan], DataError, r"targets from 0 to 1, got nan at sample 1"),
        ((2, 1), ["a", "b"], DTypeError, r"targets of a real dtype"),
        ((2,), [0, 1], ShapeError, r"scores of shape \(batch, labels\), got \(2,\)"),
    ],
)
def test_what_it_refuses(shape, targets, error, message):
    with pytest.raises(error, match=f"BinaryCrossEntropy: expected {message}"):
        BinaryCrossEntropy().forward(np.zeros(shape), targets, training=False)
    if "got (3,)" not in message.replace("\\", ""):
        with pytest.raises(error, match="BinaryCrossEntropy: expected"):
            BinaryCrossEntropy().check_targets(np.array(targets), shape[1:])


def test_nothing_is_predicted_of_nan():
    with pytest.raises(DivergedError, match="finite scores, got none in 1 of 2 rows of x: 1;"):
        BinaryCrossEntropy().predict(np.array([[1.0], [np.nan]]))


def test_warm_training_works_in_its_own_memory(rng):
    loss, scores = BinaryCrossEntropy(), rng.standard_normal((5, 2))
    loss.forward(scores, scores > 0, training=True)
    first = loss.backward()
    loss.forward(scores, scores > 0, training=True)
    assert np.shares_memory(loss.backward(), first)


def test_a_net_learns_yes_and_no(rng):
    x = rng.standard_normal((200, 3)).astype(np.float32)
    net = Sequential(Affine(3, 1, rng=rng), BinaryCrossEntropy())
    history = Trainer(net, SGD(1.0), rng=0).fit(
        Dataset(x, (x[:, 0] > x[:, 1]).astype(int)), epochs=20, batch_size=50
    )
    assert history.epochs["train_accuracy"][-1] > 0.95
    assert net.predict(x).shape == (200,)
    assert [type(metric) for metric in net.head.metrics()] == [BinaryAccuracy]
