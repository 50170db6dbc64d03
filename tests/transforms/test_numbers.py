import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes
from scipy import integrate, special, stats

from minidl.errors import ConfigurationError, ShapeError
from minidl.transforms import GaussianNoise, MixUp
from tests.transforms.drawing import DTYPES, SEEDS, draw_features

SHAPES = array_shapes(max_dims=4, max_side=5)


def in_dtype(numbers, dtype):
    """Floats in this dtype: for integers the nearest one that it holds."""
    if np.dtype(dtype).kind == "f":
        return numbers.astype(dtype)
    least, most = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    nearest = [min(max(round(float(number)), least), most) for number in numbers.ravel()]
    return np.array(nearest, dtype).reshape(numbers.shape)


@given(SHAPES, st.sampled_from(DTYPES), st.floats(0, 200), SEEDS)
def test_noise_is_added_and_the_dtype_kept(shape, dtype, std, seed):
    features, targets = draw_features(shape, dtype, seed), np.arange(shape[0])
    made, kept = GaussianNoise(std)(features, targets, seed)
    assert kept is targets
    working = np.result_type(dtype, np.float32).type
    noise = np.random.default_rng(seed).standard_normal(shape, working)
    expected = in_dtype(noise * working(std) + features, dtype)
    np.testing.assert_array_equal(made, expected, strict=True)


def test_noise_is_normal_with_its_deviation():
    made, _ = GaussianNoise(3)(np.full((500, 40), 5.0), np.zeros(500), 0)
    assert stats.kstest((made.ravel() - 5) / 3, "norm").pvalue > 1e-3


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64])
def test_noise_never_wraps_around(dtype):
    limits = np.iinfo(dtype)
    features = np.array([limits.min, limits.max], dtype).repeat(1000)
    made, _ = GaussianNoise(float(limits.max))(features, np.zeros(2000), 0)
    middle = limits.min // 2 + limits.max // 2
    assert np.mean(made[:1000] < middle) > 0.6
    assert np.mean(made[1000:] > middle) > 0.6


@given(SHAPES, st.sampled_from(DTYPES), SEEDS)
def test_no_noise_changes_nothing(shape, dtype, seed):
    features = draw_features(shape, dtype, seed)
    made, _ = GaussianNoise(0)(features, np.zeros(shape[0]), seed)
    np.testing.assert_array_equal(made, features, strict=True)


def test_nan_stays_nan():
    features = np.array([[np.nan, 1.0], [2.0, 3.0]], np.float32)
    for transform in (GaussianNoise(1), MixUp(1)):
        made, _ = transform(features, np.zeros(2), 0)
        assert np.isnan(made[0, 0])


def parts(rows):
    """The share of each sample in a mixture of one-hot rows, and the number of the other sample."""
    count = len(rows)
    shares = rows[np.arange(count), np.arange(count)]
    others = np.where(shares == 1, np.arange(count), (rows - np.diag(shares)).argmax(1))
    return shares, others


@pytest.mark.parametrize("alpha", [0.2, 1, 4])
@pytest.mark.parametrize("targets", [np.arange(500), np.arange(500.0)], ids=["labels", "numbers"])
def test_shares_are_from_the_right_beta(alpha, targets):
    made, mixed = MixUp(alpha)(np.eye(500), targets, 0)
    np.testing.assert_allclose(made.sum(1), 1)
    shares, others = parts(made)
    away = others != np.arange(500)
    assert sorted(others) == list(range(500))
    assert away.sum() > 480
    labels = targets.dtype.kind == "i"
    assert stats.kstest(shares[away], stats.beta(alpha + labels, alpha).cdf).pvalue > 1e-3
    if labels:
        assert mixed is targets
    else:
        np.testing.assert_allclose(mixed, shares * targets + (1 - shares) * targets[others])


@given(SHAPES, st.sampled_from(DTYPES), st.sampled_from([np.float32, np.float64]), SEEDS)
def test_features_and_numbers_are_mixed_alike(shape, dtype, target_dtype, seed):
    features = draw_features(shape, dtype, seed)
    targets = features.astype(target_dtype)
    made, mixed = MixUp(0.5)(features, targets, seed)
    assert (made.dtype, made.shape) == (features.dtype, features.shape)
    assert (mixed.dtype, mixed.shape) == (targets.dtype, targets.shape)
    kind = made.dtype.kind
    close = {"atol": 0, "rtol": 2e-3} if kind == "f" else {"atol": 0.5 + 1e-4, "rtol": 0}
    np.testing.assert_allclose(made.astype(float), mixed.astype(float), **close)


@pytest.mark.parametrize("alpha", [0.3, 1, 2.5])
def test_keeping_the_first_label_has_the_expected_loss_of_a_mixed_one(alpha, make_net):
    """What docs/augmentation.md derives, by integrating both over the shares of both orders of a pair."""
    net = make_net(dtype=np.float64)
    (one, other), (label, another) = np.random.default_rng(1).standard_normal((2, 6)), (0, 3)

    def expected(a, b, function):
        """Of a function of the share, for shares from Beta(a, b)."""
        integral, _ = integrate.quad(function, 0, 1, weight="alg", wvar=(a - 1, b - 1))
        return integral / special.beta(a, b)

    mixed = kept = 0.0
    for x, x2, y, y2 in ((one, other, label, another), (other, one, another, label)):

        def loss(share, target, x=x, x2=x2):
            return net.loss((share * x + (1 - share) * x2)[None], np.array([target]))

        mixed += expected(alpha, alpha, lambda s: s * loss(s, y) + (1 - s) * loss(s, y2))  # noqa: B023
        kept += expected(alpha + 1, alpha, lambda s: loss(s, y))  # noqa: B023
    assert kept == pytest.approx(mixed, rel=1e-6)
    wrong = expected(alpha, alpha, lambda s: loss(s, y)) * 2
    assert abs(wrong - mixed) > 1e-2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GaussianNoise(-1), "GaussianNoise: expected std to be a finite number >= 0"),
        (lambda: MixUp(0), "MixUp: expected alpha to be a finite number >= 0.001, got 0"),
    ],
)
def test_arguments_are_checked(make, words):
    with pytest.raises(ConfigurationError, match=words):
        make()


@pytest.mark.parametrize("transform", [GaussianNoise(1), MixUp(1)], ids=repr)
def test_as_many_targets_as_samples(transform):
    with pytest.raises(ShapeError, match=rf"{type(transform).__name__}: .* got \(3, 2\) and \(2,\)"):
        transform(np.ones((3, 2)), np.zeros(2), 0)
