"""scikit-learn as the judge of a regression: its data, its net, its score."""

import numpy as np
import pytest

from minidl import L2, SGD, Affine, Dataset, MeanSquaredError, ReLU, Sequential, Standardize, Trainer
from tests.external.judging import summon

sklearn, judge = summon("sklearn", "scikit-learn")

from sklearn.datasets import load_diabetes  # noqa: E402
from sklearn.metrics import r2_score  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402

HIDDEN, EPOCHS, BATCH, LR, ALPHA = 16, 100, 33, 0.002, 10.0


def test_a_regression_is_as_good(tmp_path):
    x, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))
    train, held_out = rows[:330], rows[330:]
    y = ((y - y[train].mean()) / y[train].std())[:, None]
    scale = Standardize.fit(x[train], dtype=np.float64)
    scaled = scale.forward(x, training=False)

    def regressor(lr):
        return MLPRegressor(
            hidden_layer_sizes=(HIDDEN,), solver="sgd", learning_rate_init=lr, momentum=0.9,
            nesterovs_momentum=False, alpha=ALPHA, batch_size=BATCH, max_iter=EPOCHS,
            n_iter_no_change=EPOCHS, tol=0, random_state=0,
        )  # fmt: skip

    # The same draw of the weights, looked at after a step that is too small to change them.
    start, theirs = regressor(1e-300).partial_fit(scaled[train], y[train, 0]), regressor(LR)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):  # it has no more epochs than ours
        theirs.fit(scaled[train], y[train, 0])
    net = Sequential(
        scale, Affine(10, HIDDEN, dtype=np.float64), ReLU(), Affine(HIDDEN, 1, dtype=np.float64),
        MeanSquaredError(),
    )  # fmt: skip
    for layer, weight, bias in zip((net[1], net[3]), start.coefs_, start.intercepts_, strict=True):
        layer.weight.value[...], layer.bias.value[...] = weight, bias
    # scikit-learn halves both the squared error and the penalty, which it divides by a batch's samples.
    trainer = Trainer(net, SGD(LR / 2, momentum=0.9), regularizer=L2(ALPHA / BATCH), rng=0)
    held_out_data = Dataset(x[held_out], y[held_out])
    history = trainer.fit(
        Dataset(x[train], y[train]), epochs=EPOCHS, batch_size=BATCH, validation=held_out_data
    )
    ours = r2_score(y[held_out], net.predict(x[held_out]))
    judge.agrees(history.epochs["validation_r2"][-1], ours, "R² of the history")
    expected = theirs.score(scaled[held_out], y[held_out, 0])
    assert expected > 0.3
    assert abs(ours - expected) < 0.01, (ours, expected)
    judge.judged("regressions")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'minidl[plot]'")
    history.plot(tmp_path / "history.png")
    assert (tmp_path / "history.png").stat().st_size > 1000
