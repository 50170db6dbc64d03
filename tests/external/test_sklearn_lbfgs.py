"""scikit-learn as the judge of L-BFGS: the same nets on the same data, its score."""

import numpy as np
import pytest

from minidl import L2, Affine, Dataset, MeanSquaredError, ReLU, Sequential, Standardize, Trainer
from minidl.optimizers import LBFGS
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

from sklearn.datasets import load_diabetes, load_iris  # noqa: E402
from sklearn.metrics import r2_score  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402


def diabetes():
    return load_diabetes(return_X_y=True)


def iris():
    """The petals' width, by the other three."""
    numbers = load_iris().data
    return numbers[:, :3], numbers[:, 3]


@pytest.mark.parametrize(("read", "alpha", "least"), [(diabetes, 100.0, 0.3), (iris, 1.0, 0.9)])
def test_a_regression_is_as_good(read, alpha, least):
    x, y = read()
    rows = np.random.default_rng(0).permutation(len(x))
    train, held_out = rows[: len(x) * 3 // 4], rows[len(x) * 3 // 4 :]
    y = ((y - y[train].mean()) / y[train].std())[:, None]
    scale = Standardize.fit(x[train], dtype=np.float64)
    scaled = scale.forward(x, training=False)

    def regressor(**options):
        return MLPRegressor(hidden_layer_sizes=(16,), alpha=alpha, random_state=0, **options)

    # The same draw of the weights, looked at after a step that is too small to change them.
    start = regressor(solver="sgd", learning_rate_init=1e-300).partial_fit(scaled[train], y[train, 0])
    theirs = regressor(solver="lbfgs", max_iter=1000, tol=1e-6, max_fun=10**6)
    theirs.fit(scaled[train], y[train, 0])
    net = Sequential(
        scale, Affine(x.shape[1], 16, rng=0, dtype=np.float64), ReLU(),
        Affine(16, 1, rng=1, dtype=np.float64), MeanSquaredError(),
    )  # fmt: skip
    for layer, weight, bias in zip((net[1], net[3]), start.coefs_, start.intercepts_, strict=True):
        layer.weight.value[...], layer.bias.value[...] = weight, bias
    # scikit-learn halves both the squared error and the penalty, which it divides by the samples.
    trainer = Trainer(net, LBFGS(gtol=1e-6, ftol=0.0), regularizer=L2(alpha / len(train)))
    history = trainer.fit(Dataset(x[train], y[train]), epochs=500)
    judge.agrees(
        history.epochs["train_r2"][-1], r2_score(y[train], net.predict(x[train])), "R² of the history"
    )
    ours = r2_score(y[held_out], net.predict(x[held_out]))
    expected = theirs.score(scaled[held_out], y[held_out, 0])
    assert expected > least
    assert abs(ours - expected) < 0.02, (ours, expected)
    # What both make as small as they can: half of our loss with the penalty.
    assert history.steps["loss"][-1] / 2 == pytest.approx(theirs.loss_, rel=0.01)
    judge.judged("regressions by L-BFGS")
